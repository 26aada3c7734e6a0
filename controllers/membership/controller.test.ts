import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Ports } from "../../src/engine/contract.ts";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { put, remove } from "../../test/fakes/objects.ts";
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
