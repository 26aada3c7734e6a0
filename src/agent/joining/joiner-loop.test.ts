import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import type { Here } from "../../joining/joiner-state.ts";
import { PROTOCOL, type HouseState, type Message, type Sender } from "../../joining/messages.ts";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { writeAdmitted } from "../etcd.ts";
import { JoinerLoop, type JoinerPorts } from "./joiner-loop.ts";
import { readMembership } from "./member-disk.ts";

const house: HouseState = { id: "house", epoch: 1, nodes: 1, hasObjects: true, joining: "auto" };
const sender = (letter: string): Sender => ({
  nodeId: letter.repeat(16),
  name: letter,
  addresses: [letter],
  versions: { fossora: "0.1.0", etcd: "3.7.3" },
});
const leader: Sender = { ...sender("a"), house };
const request = {
  peerUrl: "https://10.0.0.2:2380",
  memberName: `${"b".repeat(16)}-1`,
  machine: { macs: [], productUuid: "" },
  fitness: { link: "wired", battery: false, fsyncP99Ms: 1 },
} as const;
const trusted = { from: "a", trust: "trusted" } as const;
const hello: Message = { protocol: PROTOCOL, kind: "hello-answer", from: leader, members: ["a"] };
const admitted: Message = {
  protocol: PROTOCOL,
  kind: "admitted",
  from: leader,
  admission: {
    nodeId: "b".repeat(16),
    role: "learner",
    name: "b",
    memberName: request.memberName,
    memberId: "9",
    clusterId: "7",
    initialCluster: [],
  },
  credentials: "letter",
};

interface Bench {
  readonly dataDir: string;
  readonly done: string[];
  readonly loop: JoinerLoop;
  readonly shift: (ms: number) => void;
}

function bench(t: TestContext, ports: Partial<JoinerPorts> = {}): Bench {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-loop-"));
  mkdirSync(path.join(dataDir, "etcd"));
  const done: string[] = [];
  let shiftedMs = 0;
  const log = async (what: string): Promise<void> => void done.push(what);
  const here = (): Here => ({
    nowMs: realClock.now() + shiftedMs,
    self: sender("b"),
    request,
    candidates: [],
    tailnet: "starting",
    alone: false,
    members: [],
    voters: [],
    houseIsFresh: false,
    wall: "",
  });
  const loop = new JoinerLoop({
    dataDir,
    clock: realClock,
    log: silentLog,
    ports: {
      here,
      send: (_to, message) => void done.push(message.kind),
      found: () => Promise.reject(new Error("nobody founds here")),
      enter: () => log("enter"),
      startEtcd: async () => ({ kind: "etcd-runs", clusterId: "7", memberId: "9" }),
      archive: () => log("archive"),
      forget: () => log("forget"),
      onPhase: async () => undefined,
      ...ports,
    },
  });
  const stopping = new AbortController();
  const running = loop.run(stopping.signal);
  t.after(async () => {
    stopping.abort(new Error("stopped"));
    await running;
    rmSync(dataDir, { recursive: true });
  });
  return { dataDir, done, loop, shift: (ms) => void (shiftedMs += ms) };
}

test("a node asks, is admitted, enters, starts its store, and only then is written down as a member", async (t) => {
  const { dataDir, done, loop } = bench(t);
  await loop.heard(hello, trusted);
  assert.equal(loop.joiner.phase.kind, "asking");
  await loop.heard(admitted, trusted);
  await until("it is a member", () => loop.membership !== undefined);
  assert.deepEqual(done, ["join", "archive", "enter", "started"]);
  assert.deepEqual(readMembership(dataDir), { houseId: "house", epoch: 1, clusterId: "7", memberId: "9" });
});

test("what answers a request goes back on its connection, and nothing else does", async (t) => {
  const { done, loop } = bench(t);
  const asked = await loop.heard({ protocol: PROTOCOL, kind: "hello", from: sender("c") }, trusted, ["hello-answer"]);
  assert.deepEqual(
    asked.map(({ kind }) => kind),
    ["hello-answer"],
  );
  await loop.heard(hello, trusted, ["hello-answer"]);
  assert.ok(done.includes("join") && !done.includes("hello-answer"), done.join());
});

test("a store that cannot be started is set aside, and the node asks on", async (t) => {
  const { dataDir, done, loop } = bench(t, { enter: () => Promise.reject(new Error("no certificates")) });
  await loop.heard(hello, trusted);
  await loop.heard(admitted, trusted);
  await until("it was set aside again", () => done.filter((what) => what === "archive").length === 2);
  assert.equal(loop.joiner.phase.kind, "asking");
  assert.equal(readMembership(dataDir), undefined);
});

test("a start that is under way ends before its data is set aside", async (t) => {
  const order: string[] = [];
  const { loop, shift } = bench(t, {
    startEtcd: async (signal) => {
      await realClock.sleep(60_000, signal).catch(() => undefined);
      order.push("the start ended");
      throw new Error("ended");
    },
    archive: async () => void order.push("set aside"),
  });
  await loop.heard(hello, trusted);
  await loop.heard(admitted, trusted);
  assert.deepEqual(order, ["set aside"]);
  shift(60_000);
  await until("it gave up", () => order.length === 3);
  assert.deepEqual(order, ["set aside", "the start ended", "set aside"]);
});

test("an effect that fails leaves the node as its disk has it", async (t) => {
  const { dataDir, loop } = bench(t, { archive: () => Promise.reject(new Error("the disk is full")) });
  await loop.heard(hello, trusted);
  writeAdmitted(dataDir, { memberName: request.memberName, clusterToken: "t", admittedTo: [] });
  await loop.heard(admitted, trusted);
  assert.equal(loop.joiner.phase.kind, "looking");
});
