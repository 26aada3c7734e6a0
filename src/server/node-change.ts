// What a person changes of a node without a manifest: its labels, and whether it takes new apps. Whoever manages it keeps managing it.
import type { NodeChange } from "../api/computers.ts";
import { keys } from "../api/keys.ts";
import type { Name, StoredResource } from "../api/resource.ts";
import type { ApplyAnswer } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import { notFound } from "./not-found.ts";
import { seen } from "./own-writes.ts";
import type { ServerPorts } from "./ports.ts";

const TRIES_MAX = 5;
const LABELS_MAX = 64;
const LABEL_KEY = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** Throws BadRequest. */
export function readNodeChange(body: unknown): NodeChange {
  const { labels, schedulable, drain } = (typeof body === "object" && body !== null ? body : {}) as Record<keyof NodeChange, unknown>; // checked here
  const policy = { ...readFlag("schedulable", schedulable), ...readFlag("drain", drain) };
  if (labels === undefined) {
    if (Object.keys(policy).length === 0) throw new ApiError("BadRequest", "Cannot change the node: nothing of it was named.");
    return policy;
  }
  if (typeof labels !== "object" || labels === null)
    throw new ApiError("BadRequest", "Cannot label the node: `labels` should be an object.");
  const entries = Object.entries(labels as Readonly<Record<string, unknown>>); // each is checked in the next line
  const read = entries.slice(0, LABELS_MAX).map(([key, value]) => readLabel(key, value));
  return { labels: Object.fromEntries(read), ...policy };
}

function readFlag(name: "schedulable" | "drain", value: unknown): NodeChange {
  if (value === undefined) return {};
  if (typeof value !== "boolean") throw new ApiError("BadRequest", `Cannot change the node: \`${name}\` should be true or false.`);
  return { [name]: value };
}

export async function changeNode(ports: ServerPorts, name: Name, change: NodeChange, signal: AbortSignal): Promise<ApplyAnswer> {
  const key = keys.desired("Membership", name);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const entry = await ports.store.get(key, signal);
    if (entry === undefined) throw notFound(ports, "Membership", name, "change");
    const before = JSON.parse(entry.value) as StoredResource<"Membership">; // admission or its own node wrote it
    mayChange(before);
    const after = changed(before, change);
    const value = JSON.stringify(after);
    if (value === JSON.stringify(before)) return answer(name, "unchanged", entry.version, ports.reader.revision);
    const { committed, revision } = await ports.store.commit(
      { compare: [{ key, modRevision: entry.modRevision }], writes: [{ put: key, value }] },
      signal,
    );
    if (!committed) continue;
    await seen(ports, revision);
    return answer(name, "configured", entry.version + 1, revision);
  }
  throw new ApiError("Conflict", `Cannot change node/${name}: others changed it ${TRIES_MAX} times in between. Try again.`);
}

function changed(before: StoredResource<"Membership">, { labels = {}, schedulable, drain }: NodeChange): StoredResource<"Membership"> {
  const { labels: old = {}, ...metadata } = before.metadata;
  const next = Object.fromEntries(Object.entries({ ...old, ...labels }).filter((each): each is [string, string] => each[1] !== null));
  const { drain: drained, ...spec } = {
    ...before.spec,
    ...(schedulable !== undefined && { schedulable }),
    ...(drain !== undefined && { drain }),
  };
  return {
    ...before,
    metadata: { ...metadata, ...(Object.keys(next).length > 0 && { labels: next }) },
    spec: { ...spec, ...(drained === true && { drain: true }) },
  };
}

/** What comes out of a repository would be set back at its next look. */
function mayChange({ manager, metadata: { name } }: StoredResource<"Membership">): void {
  if (!manager.startsWith("git/")) return;
  throw new ApiError("ManagedElsewhere", `Cannot change node/${name} here: "${manager}" manages it, and would set it back.`, {
    next: `fossora describe node/${name}`,
  });
}

function readLabel(key: string, value: unknown): readonly [string, string | null] {
  if (!LABEL_KEY.test(key) || (value !== null && (typeof value !== "string" || !LABEL_VALUE.test(value))))
    throw new ApiError(
      "BadRequest",
      `Cannot label the node with "${key}=${String(value)}": keys and values have letters, digits, dots, dashes and underscores, 63 at most.`,
      { next: "fossora node label NODE disk=big" },
    );
  return [key, value];
}

function answer(name: Name, action: "configured" | "unchanged", generation: number, revision: number): ApplyAnswer {
  return { kind: "ApplyResult", dryRun: false, revision, results: [{ kind: "Membership", name, action, generation, warnings: [] }] };
}
