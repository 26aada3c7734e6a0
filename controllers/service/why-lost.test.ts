import assert from "node:assert/strict";
import { test } from "node:test";
import type { VolumeMount } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observedInstance } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { lostCondition } from "./why-lost.ts";

const mounting = (...volumes: readonly VolumeMount[]) =>
  serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes })] });
const share: VolumeMount = { type: "host", source: "/mnt/share", path: "/share", readOnly: false };
const down = nodeFacts("nas", { record: undefined, downSinceMs: 5, goneSinceMs: 9 });

function why(spec = mounting(share), fenced = true, node = down): string {
  const told = new Map([["nas", { bootId: "b", instances: [observedInstance("aaaa", fenced ? { fenced: true } : {})] }]]);
  const house = houseFacts({ nodes: [node, nodeFacts("pi")], told });
  return lostCondition("app", decided("app", spec, [instance("aaaa", "nas", spec)]), house)?.message ?? "";
}

test("what stays says where its data is, and what to do", () => {
  const own: VolumeMount = { type: "volume", name: "data", path: "/data", readOnly: false };
  assert.match(why(mounting(own)), /^Its data is on nas, which is Down: bring nas back\. .*'app-data' another name/);
  const folder: VolumeMount = { type: "node", node: "nas", source: "/tank", path: "/films", readOnly: true };
  assert.match(why(mounting(folder)), /^Its data is on nas, which is Down.*mount a folder of another computer/);
  assert.match(why({ ...mounting(share), failover: "never" }), /'failover: never' keeps it there: bring nas back/);
  assert.match(why(mounting(share), false), /may still run it there.*fossora node remove nas/);
});

test("what is about to move says so, and what is on a living node nothing", () => {
  assert.match(why(), /starts elsewhere as soon as it is certain/);
  assert.match(why(mounting(share), true, { ...down, goneSinceMs: undefined }), /starts elsewhere as soon as it is certain/);
  assert.equal(why(mounting(share), true, nodeFacts("nas")), "");
});

test("of what runs on each node none moves", () => {
  assert.match(why({ ...mounting(share), replicas: "all" }, false), /^nas, where it ran, is Down: every other node that fits has its own/);
});

test("what may run twice names the time that it waits, and what nobody else can take why", () => {
  const plain = serviceSpec("app", "app:1", { failover: { after: "10m" } });
  assert.match(why(plain), /starts elsewhere when that has been so for 10m, as 'failover.after' says/);
  const tied = { ...plain, placement: { spread: "node" as const, require: { nodes: ["nas"] } } };
  assert.match(why(tied), /no other node can take it \(pi: placement requires nas\): bring nas back, or make room/);
});
