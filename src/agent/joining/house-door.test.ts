import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../../test/fakes/clock.ts";
import { houseState, join, nodeId, sender } from "../../../test/fakes/joining.ts";
import { FakeEtcd } from "../../../test/fakes/store.ts";
import { silentLog } from "../../../test/support/real.ts";
import { createKey, publicKeyOf } from "../../adapters/x509/read.ts";
import { MeshRefusal } from "../../api/errors.ts";
import { keys } from "../../api/keys.ts";
import type { JoinAnswer } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Store } from "../../ports.ts";
import { REJECTED_MS } from "../../trust/approvals.ts";
import { Approvals } from "../approvals.ts";
import { judgeAsker } from "../asker-trust.ts";
import type { Proven } from "../invites.ts";
import { HouseDoor } from "./house-door.ts";

const signal = new AbortController().signal;
const house = houseState();
const device = {
  id: "n2",
  name: "attic",
  os: "linux",
  userId: "42",
  login: "bob",
  tags: [],
  addresses: ["100.64.0.2"],
  expired: false,
  capabilities: {},
};
const self = { id: "n1", name: "nas", os: "linux", userId: "41", tags: [], addresses: [], online: true, expired: false, shared: false };

const peer: MeshPeer = {
  nodeId: nodeId("x"),
  standing: "stranger",
  publicKey: publicKeyOf(createKey()),
  address: "100.64.0.2",
  port: 40_000,
  exporter: () => new Uint8Array(32),
};

interface Asked {
  readonly answer?: JoinAnswer;
  readonly error?: unknown;
}

/** Of one at whose address the tailnet knows bob's computer, in alice's house. */
class Door {
  readonly clock = new VirtualClock();
  readonly etcd = new FakeEtcd(this.clock);
  readonly store: Store = this.etcd.client("nas", { clock: this.clock, random: new SeededRandom(1) });
  removed: readonly string[] = [];
  isOfTailnet = true;
  isLetIn = false;

  async ask(asker: MeshPeer = peer, proof?: string): Promise<Asked> {
    const { clock, store } = this;
    const approvals = new Approvals({ store, clock });
    const ports = {
      store,
      approvals: { wordOn: async (id: string) => (this.isLetIn ? "yes" : approvals.wordOn(id, signal)) },
      removed: () => this.removed,
      tailnet: {
        status: async () => ({ kind: "running", self, peers: [], userspace: false }) as const,
        whois: async () => (this.isOfTailnet ? device : undefined),
      },
      callBack: () => Promise.reject(new Error("nobody is called")),
    };
    const members = ["192.168.1.2:733", "100.64.0.1:733"];
    const door = new HouseDoor({
      store,
      sight: { seen: { house, members, voters: [], hosts: [], nodes: [], standbys: [], known: [] } },
      self: () => sender("a", { house }),
      clusterVersion: "3.7.3",
      approvals,
      judge: (each, proven) => judgeAsker(each, proven, ports, { settings: { tags: [] }, signal }),
      onAsked: () => undefined,
      clock,
      log: silentLog,
    });
    const message = join("x");
    let asked: Asked | undefined;
    const proven: Proven = { message, ...(proof !== undefined && { proof }) };
    void door.join(asker, proven, message, signal).then(
      (answer) => (asked = { answer: answer.message as JoinAnswer }), // the door's own
      (error: unknown) => (asked = { error }),
    );
    await clock.until(() => asked !== undefined, 60_000);
    return asked ?? {};
  }

  async put(key: string, value: object): Promise<void> {
    let done = false;
    void this.store.commit({ compare: [], writes: [{ put: key, value: JSON.stringify(value) }] }, signal).then(() => (done = true));
    await this.clock.until(() => done, 60_000);
  }
}

function assertRefused({ answer, error }: Asked, why: RegExp): void {
  assert.equal(answer, undefined, "it was told of the house");
  assert.ok(error instanceof MeshRefusal, String(error));
  assert.deepEqual([error.code, why.test(error.message)], ["Refused", true], error.message);
}

test("somebody else's computer of the tailnet hears that it is not let in, and nothing of the house", async () => {
  assertRefused(await new Door().ask(), /^The house does not let this node in: it does not know whose computer it is\.$/);
});

test("a removed node hears why it is not let in, and nothing of the house", async () => {
  const why = /^The house does not let this node in: it was removed from this house, and comes back with a new key alone\.$/;
  const door = new Door();
  door.removed = [peer.nodeId];
  assertRefused(await door.ask(), why);
  assertRefused(await door.ask(peer, "abcdefgh.x"), why);
  const leaving = new Door();
  await leaving.put(keys.leaving(peer.nodeId), { name: "x", removed: true });
  assertRefused(await leaving.ask({ ...peer, standing: "member" }), why);
});

test("one that a person said no to hears so, and nothing of the house, until it has a token or an hour is over", async () => {
  const door = new Door();
  door.isOfTailnet = false;
  assert.equal((await door.ask()).answer?.verdict, "waits for approval");
  const approvals = new Approvals({ store: door.store, clock: door.clock });
  await approvals.reject("x", signal);
  const why = /^The house does not let this node in: a person there said no to it; a token lets it in, and in an hour it may ask again\.$/;
  assertRefused(await door.ask(), why);
  assertRefused(await door.ask(peer, "abcdefgh.x"), /^The token is not known here: /);
  await door.clock.advance(REJECTED_MS - 60_000);
  assertRefused(await door.ask(), why);
  await door.clock.advance(61_000);
  assert.equal((await door.ask()).answer?.verdict, "waits for approval");
});

test("one whose token is no good hears so, and nothing of the house", async () => {
  assertRefused(await new Door().ask(peer, "abcdefgh.x"), /^The token is not known here: /);
});

test("while the store does not answer nobody is told of the house whom it cannot judge", async () => {
  const door = new Door();
  door.etcd.stop();
  const { answer, error } = await door.ask();
  assert.equal(answer, undefined);
  assert.equal(error instanceof MeshRefusal && error.code, "TryAnother");
  const member = await door.ask({ ...peer, standing: "member" });
  assert.deepEqual([member.answer?.verdict, member.answer?.members.length], ["try another", 2]);
});

test("who waits for a person and who is let in are told the house and its members", async () => {
  const door = new Door();
  door.isOfTailnet = false;
  const waits = await door.ask();
  assert.deepEqual([waits.answer?.verdict, waits.answer?.members.length], ["waits for approval", 2]);
  door.isLetIn = true;
  const queued = await door.ask();
  assert.deepEqual([queued.answer?.verdict, queued.answer?.from.house?.id], ["queued", house.id]);
});
