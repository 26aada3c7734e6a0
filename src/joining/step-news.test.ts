import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, houseNode, nodeId, view } from "../../test/fakes/joining.ts";
import type { ActiveAdmission } from "./house-view.ts";
import { stepNews } from "./step-news.ts";

const active: ActiveAdmission = {
  nodeId: nodeId("n"),
  name: "pi4",
  peerUrl: "https://n:2380",
  memberName: "n-1",
  role: "learner",
  step: "adding",
  until: "",
};
const house = view({ voters: "a", learners: "b" });

test("each step that people wait for is told of the computer that it is about", () => {
  assert.deepEqual(stepNews({ kind: "activate", active }, house), {
    name: "pi4",
    type: "Normal",
    reason: "Admitted",
    message: "is being let in as a standby",
  });
  const starting = { kind: "advance", active: { ...active, step: "added" }, modRevision: 1 } as const;
  assert.equal(stepNews(starting, house)?.reason, "Starting");
  assert.equal(stepNews({ kind: "finish", node: houseNode("n", { name: "pi4" }), modRevision: 1 }, house)?.reason, "Joined");
  assert.deepEqual(stepNews({ kind: "promote", memberId: "mb", why: "3 voters survive more" }, house), {
    name: "b",
    type: "Normal",
    reason: "Promoted",
    message: "votes from now on: 3 voters survive more",
  });
  assert.equal(stepNews({ kind: "remove", memberId: "ma", why: "" }, house)?.name, "a");
});

test("what comes to nothing is a warning, and what nobody waits for is no news", () => {
  const seen = { ...house, active: { value: active, modRevision: 1, seenAtMs: 0 } };
  assert.deepEqual(
    [
      stepNews({ kind: "give-up", modRevision: 1, order: 1, why: "it never started" }, seen),
      stepNews({ kind: "drop", entry: entry("n"), why: "it did not answer" }, house),
    ].map((news) => [news?.name, news?.type]),
    [
      ["pi4", "Warning"],
      ["n", "Warning"],
    ],
  );
  // It may have certificates by then, and is in no list.
  const removal = new RegExp(`fossora node remove ${nodeId("n")}$`);
  assert.match(stepNews({ kind: "drop", entry: entry("n"), why: "" }, house)?.message ?? "", removal);
  assert.match(stepNews({ kind: "give-up", modRevision: 1, order: 1, why: "" }, seen)?.message ?? "", removal);
  assert.doesNotMatch(stepNews({ kind: "give-up", modRevision: 1, entry: entry("n"), order: 1, why: "" }, seen)?.message ?? "", removal);
  assert.equal(stepNews({ kind: "add-learner", peerUrl: "" }, house), undefined);
  assert.equal(stepNews({ ...{ kind: "advance", modRevision: 1 }, active } as const, house), undefined);
  assert.equal(stepNews({ kind: "remove", memberId: "nobody's", why: "" }, house), undefined);
});
