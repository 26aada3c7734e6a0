import assert from "node:assert/strict";
import { test } from "node:test";
import { API_VERSION, type Resource } from "../api/resource.ts";
import type { DecidedMembership } from "../api/state.ts";
import type { Transaction } from "../ports.ts";
import { recordDeath, type DeathPorts } from "./death.ts";

const membership: Resource<"Membership"> = {
  apiVersion: API_VERSION,
  kind: "Membership",
  metadata: { name: "pi4", uid: "u", generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { role: "auto", schedulable: true },
};

async function die(over: {
  readonly fresh?: boolean;
  readonly known?: boolean;
  readonly verdict?: { readonly value: DecidedMembership; readonly modRevision: number };
  readonly committed?: boolean;
  readonly announcedAt?: number | undefined;
}) {
  const { fresh = true, known = true, verdict, committed = true } = over;
  const announcedAt = "announcedAt" in over ? over.announcedAt : 5;
  const commits: Transaction[] = [];
  const events: string[] = [];
  const ports = {
    mirror: {
      fresh,
      desired: () => (known ? membership : undefined),
      decided: () => verdict && { ...verdict, seenAtMs: 0 },
    } as unknown as DeathPorts["mirror"], // generic methods, of one kind here
    store: {
      commit: async (transaction: Transaction) => {
        commits.push(transaction);
        return { committed, revision: 9 };
      },
    } as unknown as DeathPorts["store"],
    lease: { writtenAt: (name: string) => (name === own.key ? announcedAt : undefined) },
    events: { emit: ({ reason }: { readonly reason: string }) => void events.push(reason) } as DeathPorts["events"],
    clock: { wall: () => "2026-02-02T00:00:00Z" },
  };
  await recordDeath(ports, { node: "pi4", by: "nas" }, new AbortController().signal);
  return { commits, events };
}

const own = { key: "/fossora/nodes/nas", modRevision: 5 };
const key = "/fossora/decided/Membership/pi4";
const down = JSON.stringify({ state: "Down", by: "nas", since: "2026-02-02T00:00:00Z" });

test("a death is recorded against what was last seen of the verdict, by who is announced still", async () => {
  assert.deepEqual(await die({}), {
    commits: [{ compare: [{ key, modRevision: 0 }, own], writes: [{ put: key, value: down }] }],
    events: ["Down"],
  });
  const { commits } = await die({ verdict: { value: { state: "Up" }, modRevision: 7 } });
  assert.deepEqual(commits[0]?.compare, [{ key, modRevision: 7 }, own]);
  assert.deepEqual(await die({ announcedAt: undefined }), { commits: [], events: [] });
});

test("it is recorded once, of members alone, and never on what may be old", async () => {
  for (const over of [{ fresh: false }, { known: false }, { verdict: { value: { state: "Down" as const }, modRevision: 3 } }])
    assert.deepEqual(await die(over), { commits: [], events: [] });
});

test("whoever came too late says nothing", async () => {
  assert.deepEqual((await die({ committed: false })).events, []);
});
