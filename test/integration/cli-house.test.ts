// What a person sees of the house's computers, word by word: inviting, joining, approving, looking, changing, leaving.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { JoiningReport } from "../../src/api/computers.ts";
import type { NodeCommands } from "../../src/cli/node-commands.ts";
import { apply } from "../fakes/objects.ts";
import { computer, ScriptedHouse, SIX_WORDS } from "../support/transcript-computers.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { begin, expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { FILES, READY_NODE } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const control = new ScriptedHouse();
let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start(control);
  house.setStatus("Membership", "nas", READY_NODE);
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function stored(name: string): { readonly metadata: { readonly labels?: unknown }; readonly spec: unknown } | undefined {
  const entry = house.etcd.get(keys.desired("Membership", name));
  return entry && (JSON.parse(entry.value) as ReturnType<typeof stored>); // as admission stores it
}

const member: JoiningReport = { kind: "Joining", node: "pi4", phase: "member", forMs: 100, words: SIX_WORDS, said: [], problems: [] };
const onItsWay = (over: Partial<JoiningReport>): JoiningReport => ({
  ...member,
  phase: "looking",
  wish: { addresses: ["nas"], hasToken: false },
  ...over,
});

test("invite prints the line to type, or the token alone", async () => {
  expectOutcome(await run("invite"), {
    stdout: "sudo fossora join fsr1.house.id.secret\n",
    stderr: "Run on the new computer (1 hour, one use):\n",
  });
  expectOutcome(await run("invite", "-q"), { stdout: "fsr1.house.id.secret\n" });
  assert.equal((JSON.parse((await run("invite", "-o", "json")).stdout) as { readonly token: string }).token, "fsr1.house.id.secret");
});

describe("join", () => {
  test("says each step, shows the six words and ends when this computer is a member", async () => {
    control.coming = [
      onItsWay({}), // answers the request
      onItsWay({}),
      onItsWay({ phase: "waiting", said: ["The house of nas waits for a person: type `fossora node approve pi4` there."] }),
      onItsWay({ phase: "queued" }),
      onItsWay({ phase: "starting" }),
      member,
    ];
    control.seen = {
      survives: "nothing by itself: start a third computer",
      voters: 1,
      votersUp: 1,
      computers: [],
      waiting: [],
      returned: [],
      misplaced: [],
    };
    expectOutcome(await run("join", "nas"), {
      stdout: "node/pi4 joined\n",
      stderr: `✓ looking for the house
! The house of nas waits for a person: type \`fossora node approve pi4\` there.
! its six words, which must be the same there: ${SIX_WORDS}
✓ in the queue
✓ let in, the store starts
✓ joined as 'pi4'
Survives nothing by itself: start a third computer
`,
    });
    assert.deepEqual(control.asked.at(-1), { addresses: ["nas"] });
    control.seen = undefined;
  });

  test("on a computer of that house already it says so", async () => {
    control.coming = [member];
    expectOutcome(await run("join", "fsr1.a.b.c"), {
      stdout: "node/pi4 joined\n",
      stderr: "✓ this computer belongs to that house already, as 'pi4'\n",
    });
  });

  test("a refusal is an end, and being late says what goes on", async () => {
    const refused = onItsWay({ phase: "refused", said: ["The token was used by another computer: each is good for one."] });
    control.coming = [onItsWay({}), refused];
    const used = await run("join", "fsr1.a.b.c");
    assert.equal(used.code, 1);
    assert.match(used.stderr, /error: The token was used by another computer.*\nnext: {2}fossora invite/);
    assert.deepEqual(control.asked.at(-1), { addresses: [], token: "fsr1.a.b.c" });
    control.report = onItsWay({ phase: "waiting" });
    const waited = await fossora({ socket: house.socket, elapsedMs: elapsed(1_000) }, "join", "nas", "--timeout", "3s");
    assert.equal(waited.code, 6);
    assert.match(waited.stderr, /error: No person has let this computer in yet; it goes on asking\.\nnext: {2}fossora node approve/);
    control.report = { ...member, node: "nas" };
  });

  test("where no node runs one is started with the wish", async () => {
    const asked: unknown[] = [];
    const node: Partial<NodeCommands> = { up: (options) => Promise.resolve(asked.push(options) - 1) };
    expectOutcome(await fossora({ socket: "/nonexistent/fossora.sock", node }, "join", "fsr1.a.b.c", "--node-name", "pi4"), {});
    assert.deepEqual(asked, [{ nodeName: "pi4", timeoutMs: 300_000, openFirewall: false, wish: { addresses: [], token: "fsr1.a.b.c" } }]);
  });

  test("where one runs flags of a node are refused, and nothing is asked of the house", async () => {
    const asked = control.asked.length;
    expectOutcome(await run("join", "fsr1.a.b.c", "--witness", "--mdns", "off", "--open-firewall", "--timeout", "1m"), {
      code: 2,
      stderr:
        "error: Cannot join with --mdns off --witness --open-firewall: a node runs here already, and how it runs is said to `fossora up`.\nnext:  sudo fossora up --mdns off --witness --open-firewall, then the same again without these flags\n",
    });
    assert.equal(control.asked.length, asked);
  });

  /** A clock that goes on by so much each time it is asked. */
  function elapsed(stepMs: number): () => number {
    let ms = 0;
    return () => (ms += stepMs);
  }
});

describe("status", () => {
  after(() => {
    control.report = { ...member, node: "nas" };
    control.seen = undefined;
  });

  test("says what the house survives, and of each computer its part, the link and how old its state is", async () => {
    control.seen = {
      survives: "any one of three",
      voters: 3,
      votersUp: 2,
      computers: [
        computer("nas", { self: true }),
        computer("nuc", { silentStore: { log: "/var/lib/fossora/log/etcd.log" } }),
        { name: "pi4", nodeId: "id-pi4", role: "voter", self: false, lastSeen: "2026-01-09T23:57:00.000Z" },
      ],
      waiting: [{ name: "tv", address: "192.168.1.44", words: SIX_WORDS, approved: false }],
      leaving: ["attic"],
      returned: [{ name: "nas-2", former: "nas" }],
      misplaced: [{ name: "den", holder: "nuc" }],
    };
    const { stdout } = await run("status");
    assert.equal(
      stdout,
      `home.internal   1 of 1 node ready   store: quorum 2/3   no services   v0.1.0
survives any one of three
! attic belongs to the house no more, and may still have to vote                               → keep attic on until this line is gone
! tv (192.168.1.44) wants to join; its screen shows "${SIX_WORDS}"  → fossora node approve tv
! nas-2 looks like nas, set up anew                                                            → fossora node replace nas nas-2
! den waits to come in: it has the same address as nuc                                         → give den another address; it comes in by itself then
✗ the store of nuc does not answer: it starts, its disk is full, or its data damaged           → sudo tail -n 20 /var/lib/fossora/log/etcd.log, on nuc; where its data is damaged: fossora leave there, and join again
NODE  ROLE   LINK                      STATE
nas   voter  this computer             now
nuc   voter  0.4 ms, 192.168.1.12:733  now
pi4   voter  silent                    -
next:  fossora apply -f app.yaml
`,
    );
    const described = await run("node", "describe", "nas");
    assert.match(described.stdout, /\nIn the house\n {2}part {7}voter\n.* {2}versions {3}fossora 0\.1\.0, etcd 3\.7\.3\n/s);
  });

  test("says when the store is half full, and when it takes no change any more", async () => {
    const half = { dbBytes: 400 * 2 ** 20, dbInUseBytes: 300 * 2 ** 20, dbMaxBytes: 512 * 2 ** 20, isFull: false };
    house.store.space = half;
    assert.match((await run("status")).stdout, /^! the house's store holds 300 of 512 MiB; when it is full nothing can be changed +→ /m);
    house.store.space = { ...half, dbInUseBytes: 2 ** 20, isFull: true };
    assert.match(
      (await run("status")).stdout,
      /^✗ the house's store is full: it holds 1 of 512 MiB\. Nothing can be changed, apps run on +→ it makes room/m,
    );
    house.store.space = { ...half, dbInUseBytes: 2 ** 20 };
    assert.doesNotMatch((await run("status")).stdout, /MiB/);
  });

  test("says which computers are drained or cordoned, and what takes that back", async () => {
    for (const [name, flags] of Object.entries({ cold: { schedulable: false }, dry: { schedulable: true, drain: true } }))
      apply(house.etcd, "Membership", name, { role: "auto", ...flags });
    await until("the nodes are there", () => house.mirror.desired("Membership", "dry"));
    const { stdout } = await run("status");
    assert.match(stdout, /^! node cold is cordoned: nothing new is placed there +→ fossora node uncordon cold$/m);
    assert.match(stdout, /^! node dry is drained: its apps move away as far as they can, and none comes +→ fossora node uncordon dry$/m);
    await run("node", "uncordon", "dry");
    assert.doesNotMatch((await run("status")).stdout, /node dry is/);
    for (const name of ["cold", "dry"]) house.etcd.commit({ compare: [], writes: [{ delete: keys.desired("Membership", name) }] });
  });

  test("says why a computer that belongs to no house yet finds none", async () => {
    control.seen = undefined;
    control.report = onItsWay({
      node: "nas",
      forMs: 12_000,
      said: ["Nobody with a house answers at nas; still asking."],
      problems: [{ severity: "warning", message: "no tailscaled runs here, so only the LAN is asked", next: "sudo tailscale up" }],
    });
    const { code, stdout } = await run("status");
    assert.equal(code, 1);
    assert.equal(
      stdout,
      `nas belongs to no house yet: it looks for one at nas (12s)
! Nobody with a house answers at nas; still asking.
! no tailscaled runs here, so only the LAN is asked  → sudo tailscale up
`,
    );
    control.report = onItsWay({ node: "nas", phase: "waiting" });
    assert.match((await run("status")).stdout, new RegExp(`six words of this computer: ${SIX_WORDS}`));
    control.report = { ...member, node: "nas" };
  });
});

describe("node", () => {
  test("ls is get nodes", async () => {
    assert.deepEqual(await run("node", "ls"), await run("get", "nodes"));
  });

  test("approve without a name lists who waits, with a name or six words lets in", async () => {
    expectOutcome(await run("node", "approve"), { stderr: "No computer waits to be let in. On the new one: sudo fossora join ADDRESS\n" });
    control.people = [{ name: "pi4", address: "192.168.1.11", words: SIX_WORDS, approved: false }];
    expectOutcome(await run("node", "approve"), {
      stdout: `NAME  ADDRESS       STATUS  SIX WORDS\npi4   192.168.1.11  Waits   ${SIX_WORDS}\n`,
      stderr: "If its own screen shows the same six words: fossora node approve pi4; if no screen of yours does: fossora node reject pi4\n",
    });
    expectOutcome(await run("node", "approve", ...SIX_WORDS.split(" ")), {
      stdout: "node/pi4 approved\n",
      stderr: `  its six words: ${SIX_WORDS}\n`,
    });
    assert.equal((await run("node", "approve", "tv")).code, 4);
  });

  test("reject says no to one that waits", async () => {
    control.people = [{ name: "tv", address: "192.168.1.44", words: SIX_WORDS, approved: false }];
    expectOutcome(await run("node", "reject", "tv"), { stdout: "node/tv rejected\n", stderr: `  its six words: ${SIX_WORDS}\n` });
    assert.equal((await run("node", "reject", "pi4")).code, 4);
    assert.equal((await run("node", "reject")).code, 2);
  });

  test("label, cordon and uncordon change the node and nothing else", async () => {
    expectOutcome(await run("node", "label", "nas", "disk=big", "room=attic"), { stdout: "node/nas labeled\n" });
    expectOutcome(await run("node", "cordon", "nas"), { stdout: "node/nas cordoned\n" });
    assert.deepEqual(stored("nas")?.metadata.labels, { disk: "big", room: "attic" });
    assert.deepEqual(stored("nas")?.spec, { role: "auto", schedulable: false });
    expectOutcome(await run("node", "cordon", "nas"), { stdout: "node/nas unchanged: it is cordoned\n" });
    expectOutcome(await run("node", "label", "nas", "room-"), { stdout: "node/nas labeled\n" });
    expectOutcome(await run("node", "uncordon", "nas"), { stdout: "node/nas uncordoned\n" });
    assert.deepEqual(stored("nas")?.metadata.labels, { disk: "big" });
    assert.equal((await run("node", "label", "nas", "a b=c")).code, 2);
    assert.equal((await run("node", "cordon", "nowhere")).code, 4);
  });

  test("remove and delete node are one thing, and want the name typed", async () => {
    for (const words of [
      ["node", "remove", "pi4"],
      ["delete", "node/pi4"],
    ]) {
      apply(house.etcd, "Membership", "pi4", { role: "auto", schedulable: true });
      await until("the node is there", () => house.mirror.desired("Membership", "pi4"));
      const refused = await run(...words);
      assert.equal(refused.code, 2);
      assert.match(refused.stderr, /Nothing was removed: node\/pi4 would leave the house for good/);
      expectOutcome(await run(...words, "--confirm=pi4"), { stdout: "node/pi4 deleted\n", stderr: "  stays: data on pi4\n" });
      assert.ok(house.etcd.get("/fossora/house/leaving/id-pi4"), "in the same moment it belongs to the house no more");
      assert.equal(stored("pi4"), undefined);
      house.etcd.commit({ compare: [], writes: [{ delete: "/fossora/house/leaving/id-pi4" }] });
    }
    assert.equal((await run("node", "remove", "nowhere", "--confirm=nowhere")).code, 4);
    expectOutcome(await run("node", "remove", "nameless", "--confirm=nameless"), { stdout: "node/nameless deleted\n", stderr: "" });
    assert.ok(house.etcd.get("/fossora/house/leaving/id-nameless"), "one that never wrote its object, or lost it, goes as well");
    apply(house.etcd, "Membership", "last", { role: "auto", schedulable: true });
    const kept = await run("node", "remove", "last", "--confirm=last");
    assert.equal(kept.code, 5);
    assert.ok(stored("last"), "what would cost the house its quorum stays");
  });

  test("a computer that never came in is removed by its key's id, and of a name that nobody has there is none", async () => {
    const id = "abcdefghijkl2345";
    const leaving = `/fossora/house/leaving/id-${id}`;
    assert.equal((await run("node", "remove", id)).code, 2);
    expectOutcome(await run("node", "remove", id, `--confirm=${id}`, "--dry-run"), { stdout: `node/${id} deleted (dry run)\n` });
    assert.equal(house.etcd.get(leaving), undefined);
    expectOutcome(await run("node", "remove", id, `--confirm=${id}`), { stdout: `node/${id} deleted\n` });
    assert.ok(house.etcd.get(leaving));
    assert.equal((await run("node", "remove", "nowhere", "--confirm=nowhere")).code, 4);
  });

  test("replace names whom it found", async () => {
    expectOutcome(await run("node", "replace", "nas"), {
      stdout: "node/nas replaced\n",
      stderr: "  nas-2 comes in again as nas: fossora get nodes -w\n",
    });
  });
});

test("get nodes -w says beside the table what happens to computers that are on their way", async () => {
  const watching = begin({ socket: house.socket, files: FILES, env: { TZ: "UTC" } }, "get", "nodes", "-w");
  await until("the table is there", () => /^nas /m.test(watching.stdout()));
  const say = (message: string): void =>
    house.addEvent({ kind: "Membership", name: "pi4", type: "Normal", reason: "Joined", message }, "2026-01-10T20:14:07.000Z");
  await until("it is told", () => {
    say("belongs to the house");
    return /^\d\d:\d\d:07 node pi4: belongs to the house$/m.test(watching.stderr());
  });
  watching.interrupt();
  assert.equal((await watching.done).code, 130);
});

test("leave wants the name typed and says what stays", async () => {
  const refused = await run("leave");
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /next: {2}fossora leave --confirm=nas/);
  expectOutcome(await run("leave", "--confirm=nas"), {
    stdout: "node/nas left\n",
    stderr: "  stays: data in /var/lib/fossora\nnext:  sudo fossora join TOKEN, or: sudo fossora up\n",
  });
  assert.deepEqual(control.asked.at(-1), { force: false, confirm: "nas" });
  await run("leave", "--confirm=nas", "--force");
  assert.deepEqual(control.asked.at(-1), { force: true, confirm: "nas" });
});
