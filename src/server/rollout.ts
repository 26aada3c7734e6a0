// What a person does with the rollout of a Service without a manifest. Whoever manages it keeps managing it.
import type { AppliedRecord, HistoryEntry } from "../api/apply.ts";
import { canonicalJson } from "../api/hash.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { Name, StoredResource } from "../api/resource.ts";
import { changedSpec, goneBackTo, type Revision, type RolloutChange } from "../api/rollout-change.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import { trimHistory } from "./history.ts";
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

/** A revision, with who applied it and what their file said. */
interface Kept extends Revision, Pick<HistoryEntry, "manager" | "applied"> {}

export async function changeRollout(ports: ServerPorts, name: Name, change: RolloutChange, signal: AbortSignal): Promise<ApplyAnswer> {
  const key = keys.desired("Service", name);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const [entry, history] = await Promise.all([ports.store.get(key, signal), keptOf(ports, name, signal)]);
    if (entry === undefined) throw notFound(ports, "Service", name, "change");
    const before = JSON.parse(entry.value) as StoredResource<"Service">; // admission wrote it
    mayChange(before);
    const generation = entry.version;
    const current = { generation, spec: before.spec };
    const spec = changedSpec(current, change, { history, now: ports.clock.wall() });
    if (spec === undefined) throw nothingBefore(name, change, history);
    const value = canonicalJson({ ...before, spec });
    if (value === canonicalJson(before)) return answer(name, "unchanged", generation, ports.reader.revision);
    const target = change.action === "undo" ? goneBackTo(current, change.to, history) : undefined;
    const recordKey = keys.applied("Service", name, before.manager);
    const recorded = await ports.store.get(recordKey, signal);
    const record = recorded && withApplied(JSON.parse(recorded.value) as AppliedRecord, before.manager, target); // admission wrote it
    const next: HistoryEntry<"Service"> = { ...before, spec, ...(record && { applied: record.spec }) };
    const writes = [
      { put: key, value },
      { put: keys.history("Service", name, generation + 1), value: canonicalJson(next) },
      ...(record ? [{ put: recordKey, value: canonicalJson(record) }] : []),
    ];
    const compare = [
      { key, modRevision: entry.modRevision },
      { key: recordKey, modRevision: recorded?.modRevision ?? 0 },
    ];
    const { committed, revision } = await ports.store.commit({ compare, writes }, signal);
    if (!committed) continue;
    trimHistory(ports, [{ kind: "Service", name, generation: generation + 1 }]);
    await seen(ports, revision);
    return answer(name, "configured", generation + 1, revision);
  }
  throw new ApiError("Conflict", `Cannot change service/${name}: others changed it ${TRIES_MAX} times in between. Try again.`);
}

/** What is back by an undo was its manager's then: it goes with the next apply that does not name it. */
function withApplied(record: AppliedRecord, manager: string, target: Kept | undefined): AppliedRecord {
  return target?.manager === manager && target.applied !== undefined ? { ...record, spec: target.applied } : record;
}

/** What was applied, the oldest first. */
export async function historyOf(ports: Pick<ServerPorts, "store">, name: Name, signal: AbortSignal): Promise<readonly Revision[]> {
  return (await keptOf(ports, name, signal)).map(({ generation, spec }) => ({ generation, spec }));
}

async function keptOf({ store }: Pick<ServerPorts, "store">, name: Name, signal: AbortSignal): Promise<readonly Kept[]> {
  const { entries } = await store.list(`${PREFIX.history}Service/${name}/`, signal);
  return entries
    .map(({ key, value }): Kept => {
      const { spec, manager, applied } = JSON.parse(value) as HistoryEntry<"Service">; // admission wrote it
      return { generation: Number(key.slice(key.lastIndexOf("/") + 1)), spec, manager, applied };
    })
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
