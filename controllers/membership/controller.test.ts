import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Ports } from "../../src/engine/contract.ts";
import { Engine, RESYNC_MS } from "../../src/engine/engine.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import { runnable } from "../../src/engine/runnable.ts";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEngine } from "../../test/fakes/containers-engine.ts";
import { fakeLog, FakeProxy } from "../../test/fakes/machine.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, foundHouse, nodeRecord, put, remove, setMembershipState } from "../../test/fakes/objects.ts";
import { fakePorts } from "../../test/fakes/ports.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { membershipController } from "./controller.ts";

const nodeId = "a".repeat(16);

/** Whether it makes its Membership in a store like that. */
async function makes(write: (etcd: FakeEtcd) => void, meanwhile: (etcd: FakeEtcd) => void = () => {}): Promise<boolean> {
  const clock = new VirtualClock();
  const random = new SeededRandom(1);
  const etcd = new FakeEtcd(clock);
  write(etcd);
  const client = etcd.client("pi4", { clock, random });
  const store = {
    list: async (prefix: string, signal: AbortSignal) => {
      const listing = await client.list(prefix, signal);
      meanwhile(etcd);
      return listing;
    },
    commit: client.commit.bind(client),
  };
  const ports = { store, clock, random, identity: { node: "pi4", nodeId, bootId: "b" } } as unknown as Ports; // what the verb needs of them
  const done = membershipController.act.Create({ kind: "Create", name: "pi4" }, ports, new AbortController().signal);
  await clock.settle();
  await done;
  await client.close();
  return etcd.get(keys.desired("Membership", "pi4")) !== undefined;
}

const other = keys.houseNode("b".repeat(16));
const own = keys.houseNode(nodeId);

test("a node makes its Membership when it is in the roster, or where there is none yet", async () => {
  assert.equal(await makes(() => {}), true);
  assert.equal(
    await makes((etcd) => {
      put(etcd, other, {});
      put(etcd, own, {});
    }),
    true,
  );
});

test("one that is taken out of the house makes none anew, neither while it leaves nor after that", async () => {
  assert.equal(await makes((etcd) => put(etcd, keys.leaving(nodeId), {})), false);
  assert.equal(await makes((etcd) => put(etcd, other, {})), false);
  const both = (etcd: FakeEtcd): void => [other, own].forEach((key) => put(etcd, key, {}));
  assert.equal(await makes(both, (etcd) => remove(etcd, own)), false);
});

test("a node tells what its ingress holds, and until an ingress has told anything what it held in this life of the machine", async () => {
  const clock = new VirtualClock();
  const lan = ["192.168.1.10"];
  const told = async (bootId: string, over: object): Promise<unknown> => {
    const mirror = await mirrorOf((etcd) => put(etcd, keys.node("pi4"), { ...nodeRecord("pi4", bootId), announces: lan }));
    const store = new FakeEtcd(clock).client("pi4", { clock, random: new SeededRandom(1) });
    const ports = { ...fakePorts({ node: "pi4", clock, store, mirror: mirror as StoreMirror }), ...over };
    const facts = await membershipController.observe("pi4", ports, new AbortController().signal);
    await store.close();
    return [facts?.machine.ports, facts?.machine.announces];
  };
  const ingress = { pid: 1, build: "", revision: 0, listeners: [{ protocol: "http", address: "::", port: 8080 } as const], announces: [] };
  const silent = { proxy: Object.assign(new FakeProxy(), { ingress: undefined }) };
  assert.deepEqual(await told("boot-pi4", { proxy: Object.assign(new FakeProxy(), { ingress }) }), [{ http: 8080 }, []]);
  assert.deepEqual(await told("boot-pi4", {}), [{ http: 80, dns: 53 }, undefined], "an ingress of an earlier release does not say");
  assert.deepEqual(await told("boot-pi4", silent), [{ http: 80, dns: 53 }, lan]);
  assert.deepEqual(await told("boot-before", silent), [{}, []]);
});

test("a node that was thought dead announces itself while its Docker hangs, and is back soon after that answers", async () => {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  apply(etcd, "Membership", "pi4", { role: "auto", schedulable: true });
  setMembershipState(etcd, "pi4", "Down");
  const store = etcd.client("pi4", { clock, random: new SeededRandom(1) });
  const docker = new FakeEngine({ clock, random: new SeededRandom(2) });
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const ports = fakePorts({ node: "pi4", clock, store, mirror, docker });
  const engine = new Engine({ controllers: [runnable(membershipController)], mirror, ports });
  const stop = new AbortController();
  docker.hang();
  const running = Promise.all([mirror.run(stop.signal), engine.run(stop.signal)]);
  const holds = (key: string): boolean => etcd.get(key) !== undefined;
  await clock.until(() => holds(keys.node("pi4")) && holds(keys.observed("Membership", "pi4", "pi4")), 60_000, "it is announced");
  await clock.advance(120_000);
  assert.ok(holds(keys.decided("Membership", "pi4")), "what others took over may run here");
  docker.goOn();
  const backAtMs = clock.now();
  await clock.until(() => !holds(keys.decided("Membership", "pi4")), RESYNC_MS, "it is back");
  assert.ok(clock.now() - backAtMs <= 10_000, `${clock.now() - backAtMs} ms later`);
  stop.abort(new Error("the test is over"));
  await clock.settle();
  await running;
  await store.close();
});
