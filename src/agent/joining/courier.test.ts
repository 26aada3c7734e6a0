import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { join } from "../../../test/fakes/joining.ts";
import { TestNode } from "../../../test/support/mesh.ts";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { MeshRefusal } from "../../api/errors.ts";
import { Courier, type CourierOptions } from "./courier.ts";

async function newCourier(t: TestContext, node: TestNode, options: Partial<CourierOptions>): Promise<Courier> {
  const courier = new Courier({
    nodeId: node.nodeId,
    trust: await node.trust(),
    token: () => undefined,
    onAnswer: () => undefined,
    onRefusal: () => undefined,
    onNobody: () => undefined,
    onFailure: () => undefined,
    log: silentLog,
    ...options,
  });
  t.after(() => courier.close());
  return courier;
}

test("a person reads that the house says no; that its store does not answer is no such thing, and neither is a failure of the way", async (t) => {
  const newcomer = new TestNode(t);
  const codes = ["TryAnother", "Refused", "TooOften"];
  const house = await (
    await new TestNode(t).found()
  ).listen({
    request: async () => {
      const code = codes.shift() ?? "";
      throw new MeshRefusal(code, `said ${code}`);
    },
  });
  const [refusals, failures]: [string[], string[]] = [[], []];
  const courier = await newCourier(t, newcomer, {
    onRefusal: (why) => refusals.push(why),
    onFailure: (_address, error) => failures.push(String(error)),
  });
  for (const left of [2, 1, 0]) {
    courier.send([`127.0.0.1:${house.port}`], join("x"));
    await until("it was asked", () => codes.length === left);
  }
  await until("the last was heard", () => refusals.length === 2);
  assert.deepEqual([refusals, failures], [["said Refused", "said TooOften"], ["MeshRefusal: said TooOften"]]);
});
