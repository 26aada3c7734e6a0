// Three computers lose their power: an app starts after the one that it comes after, which is on another computer and slow.
import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { LabHouse } from "../support/lab-house.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const LIMIT_MS = 600_000;

function manifest(name: string, node: string, image: string, more = ""): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "${image}", port: 80, placement: { require: { nodes: [${node}] } }${more} }\n`;
}

describe("an order between Services", { skip }, () => {
  const house = new LabHouse(new Lab());
  let absent: string | undefined;
  before(async () => {
    absent = await house.up(3);
    if (absent !== undefined) return;
    await house.start(...all);
    await house.areOneHouse(all);
    await house.hasVoters(3);
    const [first, , last] = all.map((number) => house.node(number).name);
    const manifests = [
      manifest("shop", first ?? "", "lab/whoami:1", ", after: [db]"),
      // It listens 5 s after its start.
      manifest("db", last ?? "", "lab/slow:1"),
    ];
    await house.node(1).apply(manifests.join("---\n"), "--wait", "--timeout", "4m");
  });
  after(() => house.lab.down());
  const needs = (t: TestContext): boolean => {
    if (absent !== undefined) t.skip(absent);
    return absent === undefined;
  };

  /** Of the container of its only instance; undefined: it is not ready. */
  const startedMs = async (name: string): Promise<number | undefined> => {
    const { status } = await house.node(1).service(name);
    const [instance] = status.instances;
    return instance?.ready === true ? Date.parse(instance.containers[0]?.startedAt ?? "") : undefined;
  };
  const restarted = async (name: string, sinceMs: number): Promise<number> =>
    until(
      `${name} is ready again`,
      async () => {
        const ms = await startedMs(name);
        return ms !== undefined && ms > sinceMs ? ms : undefined;
      },
      LIMIT_MS,
    );
  const problems = async (): Promise<string> => (await house.node(1).summary()).problems.map(({ message }) => message).join("\n");

  test("of its first start and after a power cut an app starts when the one before it is ready", async (t) => {
    if (!needs(t)) return;
    const first = [await startedMs("db"), await startedMs("shop")];
    assert(first[0] !== undefined && first[1] !== undefined && first[0] < first[1], `db ${first[0]}, shop ${first[1]}`);
    await house.lab.kill(...all.map((number) => `h${number}`));
    const cutMs = Date.now();
    const booting = house.lab.boot(...all.map((number) => `h${number}`));
    const said = await until(
      "the house says what shop waits for",
      async () => /shop: waits for db \(.*\)/.exec(await problems())?.[0],
      LIMIT_MS,
    );
    t.diagnostic(said);
    await booting;
    const [db, shop] = [await restarted("db", cutMs), await restarted("shop", cutMs)];
    t.diagnostic(`db started ${((db - cutMs) / 1000).toFixed(1)} s after the cut, shop ${((shop - db) / 1000).toFixed(1)} s after db`);
    assert(db < shop, `db ${db}, shop ${shop}`);
    await until("nothing is missing any more", async () => !(await problems()).includes("not back"), LIMIT_MS);
  });
});
