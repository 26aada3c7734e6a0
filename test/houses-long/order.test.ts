// Three computers lose their power: an app starts after the one that it comes after, which is on another computer and slow; and without it
// when that computer stays away, which the house says.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
/** Ten times what it is to take. */
const LIMIT_MS = 600_000;

function manifest(name: string, node: string, image: string, more = ""): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "${image}", port: 80, placement: { require: { nodes: [${node}] } }${more} }\n`;
}

describe("an order between Services", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      const manifests = [
        manifest("shop", house.node(1).name, "lab/whoami:1", ", after: [db]"),
        // It listens 5 s after its start.
        manifest("db", house.node(3).name, "lab/slow:1"),
      ];
      await house.node(1).apply(manifests.join("---\n"), "--wait", "--timeout", "4m");
    },
  });

  const cutAll = async (): Promise<number> => {
    await house.lab.kill(...house.nodes.map(({ name }) => name));
    return Date.now();
  };
  /** Of the container of its only instance, when it is ready. */
  const startedMs = async (name: string): Promise<number | undefined> => {
    const { status } = await house.node(1).service(name);
    const [instance] = status.instances;
    return instance?.ready === true ? Date.parse(instance.containers[0]?.startedAt ?? "") : undefined;
  };
  const startedSince = async (name: string, sinceMs: number): Promise<number> =>
    until(
      `${name} is ready again`,
      async () => {
        const ms = await startedMs(name);
        return ms !== undefined && ms > sinceMs ? ms : undefined;
      },
      LIMIT_MS,
    );
  const problems = async (): Promise<string> => (await house.node(1).summary()).problems.map(({ message }) => message).join("\n");

  // The shop has run for seconds when the power is cut, which is no crash of its own.
  test("holds at the first start and after a power cut", async (t) => {
    const [db, shop] = [await startedSince("db", 0), await startedSince("shop", 0)];
    assert(db < shop, `db ${db}, shop ${shop}`);
    const cutMs = await cutAll();
    const booting = house.lab.boot(...house.nodes.map(({ name }) => name));
    const said = await until("what shop waits for", async () => /shop: waits for db \(.*\)/.exec(await problems())?.[0], LIMIT_MS);
    t.diagnostic(said);
    await booting;
    const again = { db: await startedSince("db", cutMs), shop: await startedSince("shop", cutMs) };
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    t.diagnostic(`db started ${seconds(again.db - cutMs)} s after the cut, shop ${seconds(again.shop - again.db)} s after db`);
    assert(again.db < again.shop, JSON.stringify(again));
    await until("nothing is missing any more", async () => !(await problems()).includes("not back"), LIMIT_MS);
  });

  test("is given up when the one before it does not come back, and the house says what is missing and why", async (t) => {
    const cutMs = await cutAll();
    const lost = house.node(3).name;
    await house.lab.boot(house.node(1).name, house.node(2).name);
    const shop = await startedSince("shop", cutMs);
    t.diagnostic(`shop started ${((shop - cutMs) / 1000).toFixed(1)} s after the cut`);
    const event = await until(
      "an event says so",
      async () => (await house.node(1).run("events")).split("\n").find((line) => line.includes("StartedWithout")),
      LIMIT_MS,
    );
    t.diagnostic(event);
    assert.match(event, /service\/shop .*without waiting any longer: db is not ready after \d+ s/);
    const said = await until(
      "the house says why db is missing",
      async () => {
        const text = await problems();
        return text.includes(`${lost}: it is Down`) ? /not back yet: db: .*/.exec(text)?.[0] : undefined;
      },
      LIMIT_MS,
    );
    t.diagnostic(said);
    assert.doesNotMatch(said, /shop/);
  });
});
