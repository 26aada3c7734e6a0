import assert from "node:assert/strict";
import { test } from "node:test";
import { houseFacts } from "./house-facts.ts";

const house = (generation: number, joining: "auto" | "off" = "auto") =>
  ({ kind: "House", metadata: { generation }, spec: { zone: "home.internal", joining } }) as const;
const membership = (generation: number) =>
  ({ kind: "Membership", metadata: { generation }, spec: { role: "auto", schedulable: true } }) as const;
const service = { kind: "Service", metadata: { generation: 1 }, spec: { containers: [] } } as never;

test("a house of which agents alone have made the objects has none of people's", () => {
  assert.deepEqual(houseFacts([house(1), membership(1)]), { hasObjects: false, joining: "auto" });
  assert.deepEqual(houseFacts([]), { hasObjects: false, joining: "auto" });
});

test("whatever a person applied, or changed, is worth keeping", () => {
  for (const changed of [house(2), membership(2), service])
    assert.equal(houseFacts([house(1), changed]).hasObjects, true, JSON.stringify(changed));
});

test("how computers are let in is what the House says", () => {
  assert.equal(houseFacts([membership(1), house(2, "off")]).joining, "off");
});
