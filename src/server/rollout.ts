// What a person does with the rollout of a Service without a manifest. Whoever manages it keeps managing it.
import { canonicalJson } from "../api/hash.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { Name, Resource, StoredResource } from "../api/resource.ts";
import { changedSpec, type Revision, type RolloutChange } from "../api/rollout-change.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import { notFound } from "./not-found.ts";
import { seen } from "./own-writes.ts";
import type { ServerPorts } from "./ports.ts";

const TRIES_MAX = 5;
const ACTIONS: ReadonlySet<unknown> = new Set<RolloutChange["action"]>(["pause", "resume", "restart", "undo"]);

/** Throws BadRequest. */
export function readRolloutChange(body: unknown): RolloutChange {
  const { action, to } = (typeof body === "object" && body !== null ? body : {}) as Readonly<Record<string, unknown>>; // checked here
  if (!ACTIONS.has(action))
    throw new ApiError("BadRequest", "Cannot change the rollout: `action` should be pause, resume, restart or undo.");
  if (to !== undefined && !(Number.isSafeInteger(to) && action === "undo"))
    throw new ApiError("BadRequest", "Cannot change the rollout: `to` should be the generation that undo goes back to.");
  return { action, ...(to !== undefined && { to }) } as RolloutChange; // checked above
}

export async function changeRollout(ports: ServerPorts, name: Name, change: RolloutChange, signal: AbortSignal): Promise<ApplyAnswer> {
  const key = keys.desired("Service", name);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const [entry, history] = await Promise.all([ports.store.get(key, signal), historyOf(ports, name, signal)]);
    if (entry === undefined) throw notFound(ports, "Service", name, "change");
    const before = JSON.parse(entry.value) as StoredResource<"Service">; // admission wrote it
    mayChange(before);
    const generation = entry.version;
    const spec = changedSpec({ generation, spec: before.spec }, change, { history, now: ports.clock.wall() });
    if (spec === undefined) throw nothingBefore(name, change, history);
    const value = canonicalJson({ ...before, spec });
    if (value === canonicalJson(before)) return answer(name, "unchanged", generation, ports.reader.revision);
    const writes = [
      { put: key, value },
      { put: keys.history("Service", name, generation + 1), value },
    ];
    const { committed, revision } = await ports.store.commit({ compare: [{ key, modRevision: entry.modRevision }], writes }, signal);
    if (!committed) continue;
    await seen(ports, revision);
    return answer(name, "configured", generation + 1, revision);
  }
  throw new ApiError("Conflict", `Cannot change service/${name}: others changed it ${TRIES_MAX} times in between. Try again.`);
}

/** What was applied, the oldest first. */
export async function historyOf({ store }: Pick<ServerPorts, "store">, name: Name, signal: AbortSignal): Promise<readonly Revision[]> {
  const { entries } = await store.list(`${PREFIX.history}Service/${name}/`, signal);
  return entries
    .map(({ key, value }) => ({
      generation: Number(key.slice(key.lastIndexOf("/") + 1)),
      spec: (JSON.parse(value) as Resource<"Service">).spec,
    })) // admission wrote it
    .sort((a, b) => a.generation - b.generation);
}

/** What comes out of a repository would be set back at its next look. */
function mayChange({ manager, metadata: { name } }: StoredResource<"Service">): void {
  if (!manager.startsWith("git/")) return;
  throw new ApiError("ManagedElsewhere", `Cannot change service/${name} here: "${manager}" manages it, and would set it back.`, {
    next: `fossora describe service/${name}`,
  });
}

function nothingBefore(name: Name, change: RolloutChange, history: readonly Revision[]): ApiError {
  const asked =
    change.action === "undo" && change.to !== undefined ? `generation ${change.to} is not kept` : "nothing else was applied before";
  const kept = history.map(({ generation }) => generation).join(", ");
  return new ApiError("NotFound", `Cannot go back with service/${name}: ${asked}${kept === "" ? "" : `; there are ${kept}`}.`, {
    next: `fossora rollout history svc/${name}`,
  });
}

function answer(name: Name, action: "configured" | "unchanged", generation: number, revision: number): ApplyAnswer {
  return { kind: "ApplyResult", dryRun: false, revision, results: [{ kind: "Service", name, action, generation, warnings: [] }] };
}
