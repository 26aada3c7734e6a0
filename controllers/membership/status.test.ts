import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Condition } from "../../src/api/resource.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, setMembershipState } from "../../test/fakes/objects.ts";
import { houseStatus, membershipStatus } from "./status.ts";

interface Scene {
  readonly alive?: boolean;
  readonly down?: boolean;
  readonly schedulable?: boolean;
  readonly conditions?: readonly Condition[];
}

const house = ({ alive = true, down = false, schedulable = true, conditions = [] }: Scene) =>
  mirrorOf((etcd) => {
    if (alive) put(etcd, keys.node("nas"), { ...nodeRecord("nas", "boot-nas"), role: "standby" });
    apply(etcd, "Membership", "nas", { role: "auto", schedulable });
    if (down) setMembershipState(etcd, "nas", "Down");
    if (conditions.length > 0) put(etcd, keys.observed("Membership", "nas", "nas"), { bootId: "boot-nas", conditions });
  });

async function statusOf(scene: Scene) {
  const mirror = await house(scene);
  const membership = mirror.desired("Membership", "nas");
  assert.ok(membership);
  return membershipStatus(membership, mirror);
}

const reason = async (scene: Scene) => (await statusOf(scene)).conditions[0]?.reason;

test("a node shows what it announced", async () => {
  const status = await statusOf({});
  assert.deepEqual(
    [status.role, status.address, status.cpus, status.version, status.conditions[0]?.reason],
    ["standby", "192.168.1.10", 4, "0.1.0", "Ready"],
  );
});

test("of a silent node it is not said what it keeps of the store, but what it was made for", async () => {
  assert.equal((await statusOf({ alive: false })).role, "-");
});

test("a node is Ready, Cordoned, silent, Down, or without Docker", async () => {
  const docker: Condition = { type: "DockerReady", status: "False", reason: "DockerUnavailable", message: "" };
  assert.equal(await reason({ schedulable: false }), "Cordoned");
  assert.equal(await reason({ alive: false }), "AgentSilent");
  assert.equal(await reason({ down: true }), "Down");
  assert.equal(await reason({ conditions: [docker] }), "DockerUnavailable");
});

test("the house counts its nodes", async () => {
  for (const [scene, expected] of [
    [{}, [1, 1, "Ready"]],
    [{ alive: false }, [1, 0, "NodesMissing"]],
  ] as const) {
    const mirror = await house(scene);
    const object = mirror.desired("House", "house");
    assert.ok(object);
    const { nodes, readyNodes, conditions } = houseStatus(object, mirror);
    assert.deepEqual([nodes, readyNodes, conditions[0]?.reason], expected);
  }
});
