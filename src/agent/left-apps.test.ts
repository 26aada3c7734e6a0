import assert from "node:assert/strict";
import { test } from "node:test";
import { leftApps } from "./left-apps.ts";

const container = (name: string, restartPolicy: string, wantedRestart?: string, pid = 7) => ({
  id: `id-${name}`,
  name,
  pid,
  gateway: "",
  restartPolicy,
  ...(wantedRestart !== undefined && { wantedRestart }),
});
const alone = { isShared: false };

test("what runs is started by Docker from now on, whatever its policy was for the sake of an order", () => {
  const containers = [container("db", "on-failure", "on-failure"), container("app", "no", "on-failure")];
  assert.deepEqual(leftApps(containers, alone), {
    policies: [
      { id: "id-db", policy: "unless-stopped" },
      { id: "id-app", policy: "unless-stopped" },
    ],
    started: ["db", "app"],
    unstarted: [],
  });
});

test("a person's `restart: no`, and what has ended, is left as it is and counted as not started", () => {
  const containers = [container("once", "no", "no"), container("job", "on-failure", "on-failure", 0)];
  assert.deepEqual(leftApps(containers, alone), { policies: [], started: [], unstarted: ["once", "job"] });
});

test("of what an earlier release made Docker's policy is all that is known", () => {
  const containers = [container("web", "on-failure"), container("old", "no"), container("again", "unless-stopped")];
  assert.deepEqual(leftApps(containers, alone), {
    policies: [{ id: "id-web", policy: "unless-stopped" }],
    started: ["web", "again"],
    unstarted: ["old"],
  });
});

test("what other computers run from now on is not started here, not after a power cut either", () => {
  const containers = [
    container("web", "on-failure", "on-failure"),
    container("app", "no", "on-failure"),
    container("job", "on-failure", "on-failure", 0),
  ];
  assert.deepEqual(leftApps(containers, { isShared: true }), {
    policies: [
      { id: "id-web", policy: "no" },
      { id: "id-job", policy: "no" },
    ],
    started: [],
    unstarted: ["web", "app", "job"],
  });
});
