import assert from "node:assert/strict";
import { test } from "node:test";
import { dial } from "../../adapters/mesh/client.ts";
import { limitMs, TestNode } from "../../../test/support/mesh.ts";
import { findVoter } from "./find-voter.ts";

test("the agent of another node at a voter's address is not the voter's: a person may say so", async (t) => {
  const self = await new TestNode(t).found();
  const [former, now] = [await self.admit(new TestNode(t)), await self.admit(new TestNode(t))];
  await now.listen({ request: async () => null });
  const trust = await self.trust();
  const find = ({ nodeId }: TestNode): ReturnType<typeof findVoter> =>
    findVoter(
      { nodeId, name: "nas", addresses: [`127.0.0.1:${now.port}`], peerUrl: "" },
      { dial: (_address, expected) => dial({ address: "127.0.0.1", port: now.port, trust, limitMs, expect: { nodeId: expected } }) },
    );
  const { agentAnswers, answersAt } = await find(former);
  assert.deepEqual({ agentAnswers, answersAt }, { agentAnswers: false, answersAt: "127.0.0.1" });
  assert.equal((await find(now)).agentAnswers, true);
});
