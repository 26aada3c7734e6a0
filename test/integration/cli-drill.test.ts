// What a person sees of "can I unplug this computer now?", word by word.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { DrillAnswer, InstanceMove } from "../../src/api/moves.ts";
import { keys } from "../../src/api/keys.ts";
import { apply, nodeRecord, put, remove, serviceSpec } from "../fakes/objects.ts";
import { computer, ScriptedHouse } from "../support/transcript-computers.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { FILES } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const control = new ScriptedHouse();
let house: TranscriptHouse;
before(async () => {
  house = await TranscriptHouse.start(control);
});
after(() => house.close());

const run = (...argv: readonly string[]): Promise<Outcome> => fossora({ socket: house.socket, files: FILES }, "drill", ...argv);

const web: InstanceMove = {
  service: "web",
  instance: "web-k3f9",
  from: "nas",
  to: "pi4",
  why: "the only node that fits",
  stopsFirst: false,
  others: 0,
  afterMs: 15_000,
  url: "http://web.home.internal",
};
const { to: _, ...here } = web;
const films: InstanceMove = {
  ...here,
  service: "films",
  instance: "films-a1b2",
  why: "a folder of nas is mounted",
  url: "http://films.home.internal",
};
const three = (votersUp: number): void => {
  const computers = ["nas", "pi4", "nuc"].map((name) => computer(name, { self: name === "nas" }));
  control.seen = { survives: "", voters: 3, votersUp, computers, waiting: [], returned: [], misplaced: [] };
};

test("everything goes on: exit 0, with where each moves and for how long nobody answers", async () => {
  three(3);
  house.moves = [
    { ...web, others: 1 },
    { ...web, service: "hub", instance: "hub-p2x1" },
  ];
  for (const [reason, message, second] of [
    ["Placed", "hub-p2x1 runs on nas: it fits", 10],
    ["Started", "Container 'hub-p2x1-hub' was started", 14],
  ] as const)
    house.addEvent({ kind: "Service", name: "hub", type: "Normal", reason, message }, `2026-01-01T00:00:${second}.000Z`);
  expectOutcome(await run("nas"), {
    stdout: `If nas lost its power now
  ✓ store: 2 of 3 voters would be left, which is a quorum
  ✓ web-k3f9  moves to pi4  1 other answers meanwhile  the only node that fits
  ✓ hub-p2x1  moves to pi4  away for about 22s         the only node that fits
✓ Yes: everything that runs on nas goes on without it.
`,
  });
});

test("what nobody else can run waits: exit 1, and its page says so meanwhile", async () => {
  three(3);
  house.moves = [web, films];
  expectOutcome(await run("nas"), {
    code: 1,
    stdout: `If nas lost its power now
  ✓ store: 2 of 3 voters would be left, which is a quorum
  ✓ web-k3f9    moves to pi4  away for about 18s      the only node that fits
  ✗ films-a1b2  waits         away until nas is back  a folder of nas is mounted  http://films.home.internal says so meanwhile
✗ No: films would be away until nas is back.
`,
  });
  house.moves = [{ ...films, others: 1 }];
  assert.equal((await run("nas")).code, 0, "another of it answers");
});

test("what listens on that computer's own address moves in vain: exit 1, with a line of its own", async () => {
  three(3);
  house.moves = [web];
  const { addresses } = nodeRecord("nas", "b1");
  put(house.etcd, keys.node("nas"), nodeRecord("nas", "b1"));
  const listen = [{ address: addresses.lan[0] ?? "", port: 25_565, protocol: "tcp", container: "web", targetPort: 25_565 }] as const;
  apply(house.etcd, "Service", "web", { ...serviceSpec("web", "web:1"), listen });
  await until("the port is known", () => [...house.mirror.all("Route")].length > 0, 10_000);
  expectOutcome(await run("nas"), {
    code: 1,
    stdout: `If nas lost its power now
  ✓ store: 2 of 3 voters would be left, which is a quorum
  ✓ web-k3f9  moves to pi4  away for about 18s  the only node that fits
  ✗ service/web  192.168.1.10:25565/tcp  shut until nas is back  only nas has that address; without one it listens on every computer
✗ No: web would not answer on 192.168.1.10:25565/tcp until nas is back.
`,
  });
  remove(house.etcd, keys.desired("Service", "web"));
  remove(house.etcd, keys.node("nas"));
  await until("it is gone", () => [...house.mirror.all("Route")].length === 0, 10_000);
});

test("without a quorum nothing would move", async () => {
  three(2);
  house.moves = [web];
  const { code, stdout } = await run("nas");
  assert.equal(code, 1);
  assert.match(stdout, /✗ store: 1 of 3 voters would be left, which is no quorum: nothing could be changed, and nothing would move/);
  assert.match(stdout, /web-k3f9 {2}waits {2}away until nas is back {2}without a quorum nothing moves/);
  assert.match(stdout, /✗ No: web would be away until nas is back, and the house could change nothing\./);
});

test("of a node without apps it says so; -o json has all of it; another name is not found", async () => {
  three(3);
  house.moves = [];
  assert.match((await run("nas")).stdout, /no app runs on nas\n✓ Yes/);
  const answer = JSON.parse((await run("nas", "-o", "json")).stdout) as DrillAnswer;
  assert.deepEqual([answer.kind, answer.survives, answer.moves, answer.waits], ["Drill", true, [], []]);
  assert.equal((await run("nowhere")).code, 4);
});
