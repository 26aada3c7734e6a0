import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import { decided, houseFacts, nodeFacts } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec } from "../../test/fakes/objects.ts";
import { fitnessOf, schedulingProblem, whyNowhere, whyUnplaced } from "./scheduling.ts";

const value = decided("app", serviceSpec("app", "app:1"), []);

test("fitnessOf() has a reason for each node", () => {
  const house = houseFacts({ nodes: [nodeFacts("pi", { schedulable: false }), nodeFacts("nas")] });
  assert.deepEqual(fitnessOf("app", value, house), [
    { node: "nas", fits: true, reason: "it fits" },
    { node: "pi", fits: false, reason: "it is cordoned" },
  ]);
  assert.deepEqual(fitnessOf("app", undefined, house), []);
});

test("whyUnplaced() names every node's reason, or that there is no node", () => {
  assert.equal(
    whyUnplaced("app", value, houseFacts({ nodes: [nodeFacts("pi", { schedulable: false })] })).message,
    "None of 1 nodes fits: pi: it is cordoned",
  );
  assert.equal(whyUnplaced("app", value, houseFacts({ nodes: [] })).message, "There is no node yet");
});

test("whyUnplaced() says when a node fits and only has to wait", () => {
  assert.equal(whyUnplaced("app", value, houseFacts()).reason, "Waiting");
});

test("whyNowhere() speaks only of what no node can take", async () => {
  const said = async (schedulable: boolean, replicas: number) => {
    const mirror = await mirrorOf((etcd) => {
      put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
      apply(etcd, "Membership", "nas", { role: "auto", schedulable });
      apply(etcd, "Service", "app", { ...serviceSpec("app", "app:1"), replicas });
    });
    return whyNowhere("app", mirror)?.message;
  };
  assert.equal(await said(false, 1), "None of 1 nodes fits: nas: it is cordoned");
  assert.equal(await said(true, 1), undefined, "it is about to be placed");
  assert.equal(await said(false, 0), undefined, "nothing is wanted");
});

test("schedulingProblem() says whose the Volume is that the Service would take for its own, and what to do", () => {
  const spec = serviceSpec("app", "app:1");
  const told = (of: typeof spec) => {
    const next = decided("app", of, [], { takenVolumes: { "app-b-c": "app-b" } });
    return schedulingProblem("app", { next, chosen: undefined, unplaced: 0, recheckAfterMs: undefined }, houseFacts());
  };
  assert.equal(told(spec)?.reason, "VolumeTaken");
  assert.match(told(spec)?.message ?? "", /'app-b-c'.*'app-b'.*give the mount 'b-c' another name/);
  assert.equal(told({ ...spec, replicas: 0 }), undefined);
});
