// What a person sees of a computer that is drained, word by word.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { InstanceMove, MovesAnswer } from "../../src/api/moves.ts";
import type { MembershipStatus } from "../../src/api/status.ts";
import type { HouseComputers } from "../../src/api/computers.ts";
import { apply, serviceSpec } from "../fakes/objects.ts";
import { ScriptedHouse } from "../support/transcript-computers.ts";
import { begin, expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { condition, FILES, readyService } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const control = new ScriptedHouse();
let house: TranscriptHouse;

const web: InstanceMove = {
  service: "web",
  instance: "web-k3f9",
  from: "nas",
  to: "pi4",
  why: "the only node that fits",
  stopsFirst: false,
  others: 0,
  afterMs: 0,
};
const hub: InstanceMove = { ...web, service: "hub", instance: "hub-p2x1", why: "has zigbee", stopsFirst: true };
const { to: _, ...here } = web;
const films: InstanceMove = { ...here, service: "films", instance: "films-a1b2", why: "a folder of nas is mounted" };
const SHOWN = `Moves from nas
  hub-p2x1  to pi4  is away meanwhile: it stops before it starts there  has zigbee
  web-k3f9  to pi4  starts there first                                  the only node that fits
  Each is placed when its turn comes, by what the others carry then: perhaps elsewhere than shown.
Stays on nas
  films-a1b2  a folder of nas is mounted
`;

const NOBODY: HouseComputers = {
  survives: "nothing by itself: start a third computer",
  voters: 1,
  votersUp: 1,
  computers: [],
  waiting: [],
  returned: [],
  misplaced: [],
  leaving: [],
};

before(async () => {
  house = await TranscriptHouse.start(control);
});
after(() => house.close());
beforeEach(() => {
  house.moves = [hub, web, films];
  apply(house.etcd, "Membership", "nas", { role: "auto", schedulable: true });
});

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function isDrained(): boolean {
  return house.etcd.get(keys.desired("Membership", "nas"))?.value.includes('"drain":true') === true;
}

test("drain shows what moves and what cannot, and changes nothing before it is confirmed", async () => {
  expectOutcome(await run("node", "drain", "nas", "--dry-run"), { stdout: SHOWN });
  expectOutcome(await run("node", "drain", "nas"), {
    code: 2,
    stderr: `${SHOWN}error: Nothing was changed: that nas is to be drained has to be confirmed.\nnext:  fossora node drain nas --yes\n`,
  });
  assert.ok(!isDrained());
  assert.deepEqual(JSON.parse((await run("node", "drain", "nas", "--dry-run", "-o", "json")).stdout), {
    kind: "Moves",
    node: "nas",
    drained: false,
    moves: [hub, web],
    stays: [films],
    stopping: [],
  });
  assert.equal((await run("node", "drain", "nowhere")).code, 4);
});

test("with -o json stdout is JSON, and what became of it stands beside", async () => {
  const { stdout, stderr } = await run("node", "drain", "nas", "--yes", "--no-wait", "-o", "json");
  assert.equal((JSON.parse(stdout) as MovesAnswer).node, "nas");
  assert.match(stderr, /^node\/nas drains\n/);
});

test("it waits until all that can has moved, saying of each when it has", async () => {
  const draining = begin({ socket: house.socket, files: FILES }, "node", "drain", "nas", "--yes");
  await until("it drains", () => isDrained());
  house.moves = [web, films];
  await until("one has moved", () => /hub-p2x1 moved to pi4/.test(draining.stderr()));
  house.moves = [films];
  const { code, stdout, stderr } = await draining.done;
  assert.deepEqual([code, stdout], [0, "node/nas drained\n"]);
  assert.match(stderr, /web-k3f9 moved to pi4/);
  assert.match(stderr, / {2}1 instance stayed: switched off, it waits for nas\nnext: {2}fossora node uncordon nas, once it is back\n$/);
  house.moves = [];
  assert.equal((await run("node", "drain", "nas", "-q")).stdout, "node/nas unchanged: it is drained\n");
  assert.equal((await run("node", "uncordon", "nas")).stdout, "node/nas uncordoned\n");
  assert.ok(!isDrained());
});

test("Ctrl-C at the question changes nothing, and while it drains ends the waiting alone, which is said", async () => {
  const asking = begin({ socket: house.socket, tty: true, env: { NO_COLOR: "1" } }, "node", "drain", "nas");
  await until("it asks", () => asking.stderr().endsWith("[y/N] "));
  asking.interrupt();
  const { code, stderr } = await asking.done;
  assert.deepEqual([code, stderr.endsWith("[y/N] "), isDrained()], [130, true, false]);
  const draining = begin({ socket: house.socket }, "node", "drain", "nas", "--yes");
  await until("it drains", () => isDrained());
  house.moves = [web, films];
  await until("one has moved", () => /hub-p2x1 moved to pi4/.test(draining.stderr()));
  draining.interrupt();
  const ended = await draining.done;
  assert.deepEqual([ended.code, ended.stdout], [130, ""]);
  assert.ok(ended.stderr.endsWith("nas goes on draining; to take that back: fossora node uncordon nas\n"), ended.stderr);
  assert.ok(isDrained());
});

test("what goes elsewhere than it was shown is told with the place that it really has", async () => {
  apply(house.etcd, "Service", "hub", serviceSpec("hub", "hub:1"));
  house.setStatus("Service", "hub", readyService({ nodes: ["attic"] }));
  await until("the service is there", () => house.mirror.desired("Service", "hub"));
  const draining = begin({ socket: house.socket, files: FILES }, "node", "drain", "nas", "--yes");
  await until("it drains", () => isDrained());
  house.moves = [{ ...web, to: "nuc" }];
  await until("one has moved", () => /hub-p2x1 moved to attic/.test(draining.stderr()));
  house.moves = [];
  assert.match((await draining.done).stderr, /web-k3f9 moved to nuc/);
  house.etcd.commit({ compare: [], writes: [{ delete: keys.desired("Service", "hub") }] });
});

test("when the time is over it says what is left and why, and goes on draining", async () => {
  house.moves = [{ ...web, state: "Pulling" }];
  const began = performance.now();
  const elapsedMs = (): number => performance.now() - began;
  const options = { socket: house.socket, files: FILES, elapsedMs };
  const { code, stderr } = await fossora(options, "node", "drain", "nas", "--yes", "--timeout", "1s");
  assert.equal(code, 6);
  assert.match(stderr, /node\/nas is not drained after 1 s, and goes on draining: web-k3f9 waits for pi4 \(Pulling\)/);
  assert.match(stderr, /next: {2}fossora describe service\/web/);
  assert.ok(isDrained());
  house.moves = [web];
  expectOutcome(await run("node", "drain", "nas", "--no-wait", "-q"), {
    stdout: "node/nas drains\n",
    stderr: "Still to move from nas\n  web-k3f9  to pi4  starts there first  the only node that fits\n",
  });
});

test("what was to move and cannot any more is told with its reason, and the node is not drained", async () => {
  const draining = begin({ socket: house.socket, files: FILES }, "node", "drain", "nas", "--yes");
  await until("it drains", () => isDrained());
  house.moves = [{ ...here, why: "pi4 is cordoned" }, films];
  const { code, stdout, stderr } = await draining.done;
  assert.deepEqual([code, stdout], [6, ""]);
  assert.match(stderr, /hub-p2x1 moved to pi4/);
  assert.match(
    stderr,
    /node\/nas is not drained, and goes on draining: web-k3f9 cannot move any more \(pi4 is cordoned\)\nnext: {2}fossora describe service\/web\n$/,
  );
});

test("the end counts what stays then, also what was not there before", async () => {
  const draining = begin({ socket: house.socket, files: FILES }, "node", "drain", "nas", "--yes");
  await until("it drains", () => isDrained());
  house.moves = [films, { ...films, service: "music", instance: "music-c3d4" }];
  const { code, stderr } = await draining.done;
  assert.equal(code, 0);
  assert.match(stderr, / {2}2 instances stayed: switched off, they wait for nas\n/);
});

test("stopping waits until the apps are handed over, says which are not, and can be taken back", async () => {
  control.handedOver = { left: [], stays: ["films-a1b2"], leads: false };
  expectOutcome(await run("stopping"), { stdout: "handed over\n", stderr: "  films-a1b2 waits for this computer\n" });
  assert.equal(control.stopsWithinMs, 30_000);
  control.handedOver = { left: ["web-k3f9"], stays: [], leads: false };
  expectOutcome(await run("stopping", "--within", "2s"), {
    code: 6,
    stdout: "not all is handed over\n",
    stderr: "! web-k3f9 is still here\n",
  });
  assert.equal(control.stopsWithinMs, 2_000);
  control.handedOver = { left: [], stays: [], leads: false, undecided: true };
  expectOutcome(await run("stopping", "--within", "2s"), {
    code: 6,
    stdout: "not all is handed over\n",
    stderr: "! nothing could be decided: the house's store does not answer, and what runs here has not moved\n",
  });
  assert.equal((await run("stopping", "--within", "soon")).code, 2);
  expectOutcome(await run("stopping", "--cancel"), { stdout: "it goes on\n" });
  assert.equal(control.stopsWithinMs, undefined);
});

test("what stopping is shown to be used with powers the machine off whatever is still here", async () => {
  assert.match((await run("stopping", "--help")).stdout, /^ {2}fossora stopping; poweroff$/m);
});

describe("remove", () => {
  const READY: MembershipStatus = { role: "voter", devices: [], conditions: [condition("Ready", "True", "Ready")] };
  const SHOWN_OF_PI4 = `Moves from pi4
  web-k3f9  to pi4  starts there first  the only node that fits
Cannot move, and leaves with pi4
  films-a1b2  a folder of nas is mounted
`;
  const stored = (): string => house.etcd.get(keys.desired("Membership", "pi4"))?.value ?? "";

  beforeEach(async () => {
    house.moves = [web, films];
    apply(house.etcd, "Membership", "pi4", { role: "auto", schedulable: true });
    house.etcd.commit({ compare: [], writes: [{ delete: "/fossora/house/leaving/id-pi4" }] });
    house.setStatus("Membership", "pi4", READY);
    await until("the node is there", () => house.mirror.desired("Membership", "pi4"));
  });

  test("a living node is drained before it is removed, and what moves and what cannot is shown first", async () => {
    const dry = await run("node", "remove", "pi4", "--dry-run");
    expectOutcome(dry, { stdout: `${SHOWN_OF_PI4}node/pi4 deleted (dry run)\n`, stderr: "  stays: data on pi4\n" });
    assert.doesNotMatch(stored(), /drain/);
    const removing = begin({ socket: house.socket, files: FILES }, "node", "remove", "pi4", "--confirm=pi4");
    await until("it is drained, and in the house", () => stored().includes('"drain":true'));
    house.moves = [films];
    const { code, stdout, stderr } = await removing.done;
    assert.deepEqual([code, stdout, stored()], [0, "node/pi4 deleted\n", ""]);
    assert.ok(stderr.startsWith(SHOWN_OF_PI4), stderr);
    assert.match(stderr, /web-k3f9 moved to pi4[^\n]*\n {2}stays: data on pi4\n$/);
  });

  test("one from which something cannot move any more stays in the house", async () => {
    const removing = begin({ socket: house.socket, files: FILES }, "node", "remove", "pi4", "--confirm=pi4");
    await until("it is drained", () => stored().includes('"drain":true'));
    house.moves = [{ ...here, why: "the others are full" }, films];
    const { code, stderr } = await removing.done;
    assert.equal(code, 6);
    assert.match(stderr, /^pi4 is still in the house, and drained\./m);
    assert.match(stderr, /node\/pi4 is not drained, and goes on draining: web-k3f9 cannot move any more \(the others are full\)/);
    assert.match(stored(), /"drain":true/);
  });

  test("at a terminal nothing moves before its name is typed", async () => {
    const { code, stderr } = await fossora({ socket: house.socket, tty: true, stdin: "nas\n" }, "node", "remove", "pi4");
    assert.equal(code, 2);
    assert.match(stderr, /Moves from pi4\n[^]*Type "pi4" to remove it/);
    assert.doesNotMatch(stored(), /drain/);
  });

  test("one that dies meanwhile is waited for no more, and --force waits for none", async () => {
    const removing = begin({ socket: house.socket, files: FILES }, "node", "remove", "pi4", "--confirm=pi4");
    await until("it is drained", () => stored().includes('"drain":true'));
    house.setStatus("Membership", "pi4", { ...READY, conditions: [condition("Ready", "False", "Down")] });
    assert.equal((await removing.done).code, 0);
    apply(house.etcd, "Membership", "pi4", { role: "auto", schedulable: true });
    house.setStatus("Membership", "pi4", READY);
    await until("the node is there", () => house.mirror.desired("Membership", "pi4"));
    const forced = await run("node", "remove", "pi4", "--confirm=pi4", "--force");
    expectOutcome(forced, { stdout: "node/pi4 deleted\n", stderr: "  stays: data on pi4\n" });
  });

  test("what the house cannot spare is not drained either, and what takes too long stays in the house", async () => {
    apply(house.etcd, "Membership", "last", { role: "auto", schedulable: true });
    house.setStatus("Membership", "last", READY);
    await until("the node is there", () => house.mirror.desired("Membership", "last"));
    assert.equal((await run("node", "remove", "last", "--confirm=last")).code, 5);
    assert.doesNotMatch(house.etcd.get(keys.desired("Membership", "last"))?.value ?? "", /drain/);
    const began = performance.now();
    const options = { socket: house.socket, files: FILES, elapsedMs: () => performance.now() - began };
    const late = await fossora(options, "node", "remove", "pi4", "--confirm=pi4", "--timeout", "1s");
    assert.equal(late.code, 6);
    assert.match(late.stderr, /^pi4 is still in the house, and drained\. To take that back: fossora node uncordon pi4;/m);
    assert.match(stored(), /"drain":true/);
  });

  describe("of one whose vote the house still counts on", () => {
    const leaving = (...names: readonly string[]): HouseComputers => ({ ...NOBODY, leaving: names });
    const remove = (...flags: readonly string[]) =>
      begin({ socket: house.socket, files: FILES }, "node", "remove", "pi4", "--confirm=pi4", "--force", ...flags);
    before(() => (control.seen = leaving("pi4")));
    after(() => (control.seen = undefined));

    test("ends when it does not any more, and nothing says before that it is deleted", async () => {
      const removing = remove();
      await until("it waits", () => removing.stderr().includes("Keep it on until this ends"));
      assert.deepEqual([stored(), removing.stdout()], ["", ""]);
      const { leaving: _unknown, ...changing } = NOBODY;
      control.seen = changing;
      const before = control.lookedRound;
      await until("it goes on while nobody can tell", () => control.lookedRound > before + 1);
      assert.equal(removing.stdout(), "");
      control.seen = leaving("attic");
      assert.deepEqual(await removing.done, {
        code: 0,
        stdout: "node/pi4 deleted\n",
        stderr: "pi4 belongs to the house no more. Keep it on until this ends: it may still have to vote.\n  stays: data on pi4\n",
      });
      control.seen = leaving("pi4");
    });

    test("tells whoever interrupts it, or has no more time, to keep it on; --no-wait waits for nothing", async () => {
      const removing = remove();
      await until("it waits", () => removing.stderr().includes("Keep it on until this ends"));
      removing.interrupt();
      const { code, stderr } = await removing.done;
      assert.equal(code, 130);
      assert.match(stderr, /^pi4 goes on leaving by itself\. Keep it on as long as fossora status names it\.$/m);
      house.etcd.commit({ compare: [], writes: [{ delete: "/fossora/house/leaving/id-pi4" }] });
      const late = await remove("--timeout", "0s").done;
      assert.equal(late.code, 6);
      assert.match(late.stderr, /node\/pi4 belongs to the house no more, but after 0 s its part in it is not wound up\. Keep it on/);
      house.etcd.commit({ compare: [], writes: [{ delete: "/fossora/house/leaving/id-pi4" }] });
      assert.deepEqual(await remove("--no-wait").done, { code: 0, stdout: "node/pi4 deleted\n", stderr: "" });
    });
  });
});
