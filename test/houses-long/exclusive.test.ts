// What must not run twice moves when its computer is lost, and never runs on two: three computers on lab hosts, one share on all of them, and
// an app that counts in a file there, whatever becomes of the computer that it runs on. What keeps its data on its computer stays there.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { after, describe } from "node:test";
import type { DrillAnswer } from "../../src/api/moves.ts";
import { hasReason, programReason, supervise } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3];
/** It takes some 30 s; a busy machine takes its time besides. */
const MOVED_LIMIT_MS = 180_000;
/** Ten times what it may take, and less than a controller takes to look at everything anew. */
const PROMISED_LIMIT_MS = 60_000;
/** A thawed computer runs on until its agent has had its turn: on a raw path nobody can help that. */
const THAWING_SECONDS = 3;
/** Not below /tmp, which hosts have for themselves. */
const share = skip === false ? mkdtempSync("/var/tmp/fossora-share-") : "";
const journal = path.join(share, "journal");

/** Goes on where the last one stopped: so a line that is lost, or written by two, shows in the numbers. */
const count = [
  `n=$(tail -n 1 /share/journal 2>/dev/null | cut -d' ' -f1)`,
  `while true; do n=$((n + 1)); read up rest < /proc/uptime; echo "$n $NODE $up" >> /share/journal; sleep 0.1; done`,
].join("; ");

const counter = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: counter }
spec:
  containers:
    - name: counter
      image: "lab/whoami:1"
      entrypoint: [/bin/sh, -c]
      command: [${JSON.stringify(count)}]
      env: { NODE: "\${node}" }
      volumes: ["host:${share}:/share"]
      stopGrace: 60s
`;

function keeper(node: string): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: keeper }
spec:
  image: "lab/data:1"
  port: 80
  volumes: ["data:/data"]
  placement: { prefer: { nodes: [${node}] } }
`;
}

function light(name: string, node: string, failover: string): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: ${name} }
spec:
  image: "lab/whoami:1"
  port: 80
  placement: { prefer: { nodes: [${node}] } }
  failover: ${failover}
`;
}

interface Line {
  readonly number: number;
  readonly node: string;
  /** Seconds on the one clock of all lab hosts. */
  readonly at: number;
}

function lines(): readonly Line[] {
  const text = existsSync(journal) ? readFileSync(journal, "utf8") : "";
  return text
    .split("\n")
    .filter((line) => /^\d+ \S+ [\d.]+$/.test(line))
    .map((line) => {
      const [number, node, at] = line.split(" ") as [string, string, string]; // as the pattern has it
      return { number: Number(number), node, at: Number(at) };
    });
}

const last = (): Line | undefined => lines().at(-1);

/** Computers that were thawed, and when: what they wrote in their first moment is forgiven. */
const thawed: Pick<Line, "node" | "at">[] = [];

/** One after the other counted, and nobody between another one's lines. */
function assertOneAtATime(): void {
  const isForgiven = ({ node, at }: Line): boolean =>
    thawed.some((each) => node === each.node && at >= each.at && at <= each.at + THAWING_SECONDS);
  const counted = lines().filter((line) => !isForgiven(line));
  for (const [index, line] of counted.entries()) {
    const before = counted[index - 1];
    if (before === undefined) continue;
    assert.ok(line.at >= before.at, `${JSON.stringify(before)}, then ${JSON.stringify(line)}`);
    assert.equal(line.number, before.number + 1, `${JSON.stringify(before)}, then ${JSON.stringify(line)}`);
  }
}

describe("what must not run twice", { skip }, () => {
  const { house, test } = labSuite(3, {
    share: [share],
    prepare: async () => {
      // It runs already when the others come: from then on its computer promises to end it.
      await house.start(1);
      await house.areOneHouse([1]);
      await house.node(1).apply(counter, "--wait", "--timeout", "2m");
      await house.start(2, 3);
      await house.areOneHouse(all);
      await house.hasVoters(3);
      await until("it counts", () => (last()?.number ?? 0) > 10);
    },
  });
  after(() => rmSync(share, { recursive: true, force: true }));
  const placeNow = (): number => Number(last()?.node.slice(1));
  const uptime = (): number => Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]);

  /** Answers how long nobody counted, in seconds. */
  const movesFrom = async (lost: number): Promise<number> => {
    await until("another one counts", () => placeNow() !== lost, MOVED_LIMIT_MS);
    const ended = lines().findLast(({ node }) => node === `h${lost}`)?.at ?? 0;
    const begun = lines().find(({ node, at }) => node !== `h${lost}` && at > ended)?.at ?? 0;
    return begun - ended;
  };
  /** All are one house again, and what moved stays where it is. */
  const isWhole = async (there: number): Promise<void> => {
    await house.areOneHouse(all);
    const { number = 0 } = last() ?? {};
    await until("it goes on counting", () => (last()?.number ?? 0) > number + 20);
    assert.equal(placeNow(), there);
  };
  const others = (lost: number): readonly number[] => all.filter((number) => number !== lost);
  /** It moves from a computer that has promised to end it, and the others know that it has. */
  const wouldMove = async (lost: number): Promise<void> => {
    const moves = async (): Promise<boolean> => {
      const answer = await house.node(others(lost)[0] ?? 0).run("drill", `h${lost}`, "-o", "json");
      const { moves } = JSON.parse(answer) as DrillAnswer; // printed by the program
      return moves.some(({ service, to }) => service === "counter" && to !== undefined);
    };
    await until("the house would move it", moves, PROMISED_LIMIT_MS);
  };

  for (const [what, lose, giveBack] of [
    ["loses its power", (host: string) => house.lab.kill(host), (host: string) => house.lab.boot(host)],
    ["is cut off, and runs on", (host: string) => house.lab.cut(host), (host: string) => house.lab.heal(host)],
    ["is cut off while its engine hangs", hangAndCut, healAndThaw],
  ] as const)
    test(`it moves when its computer ${what}`, async (t) => {
      const lost = placeNow();
      await wouldMove(lost);
      await lose(`h${lost}`);
      t.diagnostic(`nobody counted for ${(await movesFrom(lost)).toFixed(1)} s`);
      assertOneAtATime();
      const there = placeNow();
      await giveBack(`h${lost}`);
      await isWhole(there);
      assertOneAtATime();
    });

  async function hangAndCut(host: string): Promise<void> {
    await house.lab.exec(host, "sh", "-c", "kill -STOP $(pidof dockerd)");
    await house.lab.cut(host);
  }

  async function healAndThaw(host: string): Promise<void> {
    await house.lab.exec(host, "sh", "-c", "kill -CONT $(pidof dockerd)");
    await house.lab.heal(host);
  }

  test("it moves when its computer sleeps, and that one is quiet when it wakes", async (t) => {
    const lost = placeNow();
    await wouldMove(lost);
    await house.lab.pause(`h${lost}`);
    t.diagnostic(`nobody counted for ${(await movesFrom(lost)).toFixed(1)} s`);
    const there = placeNow();
    const thawedAt = uptime();
    thawed.push({ node: `h${lost}`, at: thawedAt });
    await house.lab.resume(`h${lost}`);
    await isWhole(there);
    const late = lines().filter(({ node, at }) => node === `h${lost}` && at >= thawedAt);
    t.diagnostic(`${late.length} lines of the one that woke`);
    assertOneAtATime();
  });

  test("without an agent it stays where it is; when its computer is cut off then, the ingress ends it", async (t) => {
    const lost = placeNow();
    const node = house.node(lost);
    await wouldMove(lost);
    const agent = await node.pid("agent");
    await house.lab.stop(node.name, "fossora", { kill: true });
    await house.lab.exec(node.name, "kill", "-KILL", String(agent));
    const asked = house.node(others(lost)[0] ?? 0);
    // Its lease ends, and that moves nothing.
    await until("its agent counts as silent", async () => (await asked.list("nodes")).some(hasReason("AgentSilent")), MOVED_LIMIT_MS);
    const silentAt = uptime();
    await until("it counted for long without an agent", () => uptime() > silentAt + 20);
    assert.equal(placeNow(), lost);
    await house.lab.cut(node.name);
    t.diagnostic(`nobody counted for ${(await movesFrom(lost)).toFixed(1)} s`);
    assertOneAtATime();
    const there = placeNow();
    await house.lab.heal(node.name);
    await house.lab.start(node.name, "fossora", supervise, { onBoot: true });
    await isWhole(there);
    assertOneAtATime();
  });

  test("what has its data there stays and says so, one of 30 s waits for 30 s, and one of 'never' stays", async () => {
    const lost = placeNow();
    const [asked = 0] = others(lost);
    const [there, here] = [house.node(lost), house.node(asked)];
    for (const manifest of [keeper(there.name), light("patient", there.name, "{ after: 30s }"), light("loyal", there.name, "never")])
      await here.apply(manifest, "--wait", "--timeout", "2m");
    for (const name of ["keeper", "patient", "loyal"]) assert.deepEqual((await here.service(name)).status.nodes, [there.name], name);
    await here.request("keeper.home.internal", "/data/note", { method: "PUT", body: "kept" });
    const lostAt = uptime();
    await house.lab.kill(there.name);
    const answers = async (name: string): Promise<boolean> =>
      (await here.request(`${name}.home.internal`).catch(() => undefined))?.status === 200;
    await until("the patient one answers", () => answers("patient"), MOVED_LIMIT_MS);
    assert.ok(uptime() - lostAt > 30, `after ${uptime() - lostAt} s`);
    const { message } = await here.condition("keeper", { type: "Ready", status: "False", reason: "NodeLost" });
    assert.match(message ?? "", new RegExp(`^Its data is on ${there.name}, which is Down: bring ${there.name} back`));
    const page = await here.request("keeper.home.internal");
    assert.equal(page.status, 503);
    assert.match(page.body, new RegExp(`Its data is on ${there.name}, which is Down`));
    assert.match((await here.condition("loyal", { type: "Ready", reason: "NodeLost" })).message ?? "", /'failover: never' keeps it there/);
    assert.deepEqual((await here.service("keeper")).status.nodes, [there.name]);
    await house.lab.boot(there.name);
    await house.areOneHouse(all);
    for (const name of ["keeper", "loyal"]) await until(`${name} answers again`, () => answers(name), MOVED_LIMIT_MS);
    assert.equal((await here.request("keeper.home.internal", "/data/note")).body, "kept");
    assertOneAtATime();
  });
});
