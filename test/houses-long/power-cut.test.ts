// Three computers lose their power at the same moment and come back one after the other: nobody is declared dead, nothing moves, all apps
// answer again. Then one of them stays away: its apps start elsewhere, and the house says which ones cannot.
import assert from "node:assert/strict";
import http from "node:http";
import { describe } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hasReason, programReason, type HouseNode, type ServiceView } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
const LIMIT_MS = 180_000;
/** When the second and the third have their power back, after the first. */
const APART_MS = [0, 5_000, 20_000];
const stateless = Array.from({ length: 8 }, (_, index) => `web-${index}`);
const names = [...stateless, "keeps", "everywhere"];

function manifest(name: string): string {
  const more = name === "keeps" ? ', volumes: ["album:/data"]' : name === "everywhere" ? ", replicas: all" : "";
  const image = name === "keeps" ? "lab/data:1" : "lab/whoami:1";
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "${image}", port: 80${more} }\n`;
}

/** Undefined: nobody answers there. */
function ask(node: HouseNode, app: string): Promise<number | undefined> {
  return new Promise((done) => {
    const options = { host: node.address, port: 80, headers: { Host: `${app}.home.internal` }, timeout: 15_000, agent: false };
    const request = http.get(options, (response) => {
      response.resume().once("close", () => done(response.statusCode));
    });
    request.once("timeout", () => request.destroy()).once("error", () => done(undefined));
  });
}

describe("a power cut of the whole house", { skip }, () => {
  const { house, test } = labSuite(3, {
    prepare: async () => {
      await house.start(...all);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await house.node(1).apply(names.map(manifest).join("---\n"), "--wait", "--timeout", "4m");
      for (const number of all) await allAnswer(number);
    },
  });

  const allAnswer = async (number: number): Promise<void> => {
    for (const name of names)
      await until(`h${number} answers for ${name}`, async () => (await ask(house.node(number), name)) === 200, LIMIT_MS);
  };
  const services = async (number: number): Promise<readonly ServiceView[]> =>
    (await house.node(number).list("services")) as readonly ServiceView[]; // of that kind alone
  /** Where each was put, and as which instances: whoever moves has another. */
  const places = async (number: number): Promise<Readonly<Record<string, string>>> =>
    Object.fromEntries(
      (await services(number)).map(({ metadata, status }) => [
        metadata.name,
        status.instances
          .map(({ name, node }) => `${name} ${node}`)
          .sort()
          .join(),
      ]),
    );
  const verdicts = async (number: number): Promise<readonly string[]> => {
    const nodes = await house.node(number).list("nodes");
    return nodes.filter(hasReason("Down")).map(({ metadata }) => metadata.name);
  };
  /** Of the house as a computer says it, when it can. */
  const problems = async (number: number): Promise<readonly string[]> =>
    (await house.node(number).summary()).problems.map(({ message }) => message);

  test("who comes back within the grace finds everything where it was", async (t) => {
    const deaths = async (): Promise<number> => (await house.node(1).run("events")).split(/\bDown\b/).length;
    const [before, died] = [await places(1), await deaths()];
    await house.lab.kill(...all.map((number) => `h${number}`));
    const began = performance.now();
    const booting = all.map(async (number, index) => {
      await sleep(APART_MS[index] ?? 0);
      await house.lab.boot(`h${number}`);
    });
    // A verdict in between would leave other instances behind, and each is reported by those that are there.
    const said = await until(
      "h1 says what is not back",
      async () => (await problems(1)).find((message) => message.includes("not back")),
      LIMIT_MS,
    );
    t.diagnostic(said);
    await Promise.all(booting);
    await house.areOneHouse(all);
    for (const number of all) await allAnswer(number);
    t.diagnostic(`all answered again through all after ${((performance.now() - began) / 1000).toFixed(1)} s`);
    assert.deepEqual(await verdicts(1), []);
    assert.deepEqual(await places(1), before);
    await until("nothing is missing any more", async () => !(await problems(1)).some((message) => message.includes("not back")), LIMIT_MS);
    assert.equal(await deaths(), died);
  });

  test("of one that stays away the apps start elsewhere after the grace, and those with data are named", async (t) => {
    const [home = ""] = (await house.node(1).service("keeps")).status.nodes;
    const lost = all.find((number) => house.node(number).name === home) ?? 0;
    const left = all.filter((number) => number !== lost);
    const [asked = 0] = left;
    await house.lab.kill(...all.map((number) => `h${number}`));
    await house.lab.boot(...left.map((number) => `h${number}`));
    const before = await until(
      "the house says which apps are not back",
      async () => (await problems(asked)).find((message) => message.includes(`keeps: its node ${home} is not back`)),
      LIMIT_MS,
    );
    t.diagnostic(before);
    for (const number of left)
      for (const name of [...stateless, "everywhere"])
        await until(`h${number} answers for ${name}`, async () => (await ask(house.node(number), name)) === 200, LIMIT_MS);
    assert.deepEqual(await verdicts(asked), [home]);
    const after = await until(
      "the house names what cannot move",
      async () => (await problems(asked)).find((message) => message.includes(`keeps: its node ${home} is lost`)),
      LIMIT_MS,
    );
    t.diagnostic(after);
    assert.doesNotMatch(after, /web-/);
  });
});
