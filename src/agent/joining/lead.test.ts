import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterMember } from "../../adapters/etcd3/cluster.ts";
import type { MemberStatus } from "../../adapters/etcd3/member.ts";
import { handOverLead, type LeadPorts } from "./lead.ts";

const never = new AbortController().signal;
const member = (id: string, learner = false): ClusterMember => ({
  id,
  name: `${id}-1`,
  peerUrl: `https://${id}:2380`,
  clientUrls: [`https://${id}:2379`],
  learner,
});

/** a is this node's; `silent` do not answer, `behind` have less than the others. */
function house({ leader = "a", silent = "", learners = "", behind = "" } = {}): { readonly ports: LeadPorts; readonly moved: string[] } {
  const moved: string[] = [];
  const status = (host: string): Promise<MemberStatus> => {
    const id = host.slice(0, 1);
    if (silent.includes(id)) return Promise.reject(new Error("silent"));
    const revision = behind.includes(id) ? 3 : 9;
    return Promise.resolve({
      clusterId: "c",
      memberId: id,
      leaderId: leader,
      learner: learners.includes(id),
      term: 1,
      version: "3.7.3",
      dbBytes: 1,
      dbInUseBytes: 1,
      isFull: false,
      revision,
    });
  };
  const cluster: LeadPorts["cluster"] = {
    members: () => Promise.resolve(["a", "b", "c"].map((id) => member(id, learners.includes(id)))),
    moveLeader: (id) => {
      moved.push(id);
      return Promise.resolve({ kind: "done" });
    },
  };
  return { ports: { cluster, status, localHost: "a:2379", leaving: new Set() }, moved };
}

test("the lead goes to another voter that answers, and has most of what was written", async () => {
  const { ports, moved } = house({ behind: "b" });
  assert.equal(await handOverLead(ports, never), true);
  assert.deepEqual(moved, ["c"]);
});

test("to one that is left as well only when there is no other", async () => {
  const one = house();
  await handOverLead({ ...one.ports, leaving: new Set(["b"]) }, never);
  assert.deepEqual(one.moved, ["c"]);
  const both = house({ silent: "c" });
  await handOverLead({ ...both.ports, leaving: new Set(["b"]) }, never);
  assert.deepEqual(both.moved, ["b"]);
});

test("who does not lead has nothing to hand over", async () => {
  const { ports, moved } = house({ leader: "b" });
  assert.equal(await handOverLead(ports, never), true);
  assert.deepEqual(moved, []);
});

test("not to a learner, and not to one that is silent", async () => {
  for (const over of [{ learners: "bc" }, { silent: "bc" }]) {
    const { ports, moved } = house(over);
    assert.equal(await handOverLead(ports, never), false);
    assert.deepEqual(moved, []);
  }
});
