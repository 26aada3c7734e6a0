// Events: what happened, kept for a day, read straight from the store because no mirror holds them.
import { PREFIX } from "../api/keys.ts";
import { API_VERSION } from "../api/resource.ts";
import type { EventRecord } from "../api/state.ts";
import type { EventObject } from "../api/wire.ts";
import type { Entry, Store } from "../ports.ts";
import type { JsonLines } from "./http.ts";

/** The oldest first. */
export async function readEvents(
  store: Store,
  signal: AbortSignal,
): Promise<{ readonly events: readonly EventObject[]; readonly revision: number }> {
  const { entries, revision } = await store.list(PREFIX.events, signal);
  const events = entries.flatMap(eventOf).sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
  return { events, revision };
}

/** Tells what there is (unless it goes on from a revision), then what comes, until the signal. */
export async function watchEvents(
  store: Store,
  lines: JsonLines,
  options: { readonly since?: number; readonly matches: (event: EventObject) => boolean },
  signal: AbortSignal,
): Promise<void> {
  const { events, revision } = await readEvents(store, signal);
  if (options.since === undefined) for (const event of events) await tell(lines, event, revision, options.matches);
  lines.write({ type: "BOOKMARK", revision });
  for await (const batch of store.watch(PREFIX.events, (options.since ?? revision) + 1, signal)) {
    for (const change of batch.events) {
      // An event that goes has only grown old.
      if (change.type === "put") for (const event of eventOf(change.entry)) await tell(lines, event, batch.revision, options.matches);
    }
    if (batch.events.length === 0) lines.write({ type: "BOOKMARK", revision: batch.revision });
    await lines.drained();
  }
}

async function tell(lines: JsonLines, event: EventObject, revision: number, matches: (event: EventObject) => boolean): Promise<void> {
  if (!matches(event)) return;
  lines.write({ type: "ADDED", revision, object: event });
  await lines.drained();
}

/** None where a newer release wrote what this one cannot read. */
function eventOf(entry: Entry): readonly EventObject[] {
  const record = parse(entry.value);
  if (typeof record?.kind !== "string" || typeof record.name !== "string") return [];
  const { kind, name, type, reason, message, node, time } = record;
  return [
    {
      apiVersion: API_VERSION,
      kind: "Event",
      metadata: {
        name: entry.key.slice(PREFIX.events.length).replaceAll("/", "."),
        resourceVersion: String(entry.modRevision),
        creationTimestamp: time,
      },
      spec: { object: `${kind}/${name}`, type, reason, message, node },
    },
  ];
}

function parse(text: string): EventRecord | undefined {
  try {
    return JSON.parse(text) as EventRecord; // written by agents; what is not there is caught by the caller
  } catch {
    return undefined;
  }
}
