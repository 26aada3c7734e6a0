// Following objects until each is as wanted: one watch a kind, all that is known in one place, whatever the connection does.
import { namesOf } from "../api/kinds.ts";
import type { PullReport, ServedKind, ServedObject } from "../api/wire.ts";
import type { Pulls } from "./rollout.ts";
import { watchLines } from "./client.ts";
import { isPassing } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

export interface Followed {
  readonly kind: ServedKind;
  readonly name: string;
}

/** What is known at one moment. An object that is not there is absent. */
export interface Sight {
  readonly objects: ReadonlyMap<string, ServedObject>;
  readonly pulls: Pulls;
}

export const NOTHING_SEEN: Sight = { objects: new Map(), pulls: { running: [], ended: [] } };

/** What lasts is looked at again though nothing changes. */
const LOOK_EVERY_MS = 500;
const AGAIN_AFTER_MS = 500;

export function keyOf({ kind, name }: Followed): string {
  return `${kind}/${name}`;
}

/**
 * Calls `look` at each change until it answers something, and answers that. Undefined: the time is over. Throws when the person
 * interrupts, and when the server refuses.
 */
export async function follow<T>(
  wanted: readonly Followed[],
  ports: CliPorts,
  timeoutMs: number,
  look: (sight: Sight) => T | undefined,
): Promise<T | undefined> {
  const objects = new Map<string, ServedObject>();
  const synced = new Set<ServedKind>();
  let pulls = NOTHING_SEEN.pulls;
  const ended = new AbortController();
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([ended.signal, timeout, ports.interrupted]);
  const kinds = [...new Set(wanted.map(({ kind }) => kind))];
  return new Promise<T | undefined>((resolve, reject) => {
    const finish = (settle: () => void): void => {
      ended.abort();
      stopLooking();
      settle();
    };
    const seen = (): void => {
      if (ended.signal.aborted || synced.size < kinds.length) return;
      try {
        const answer = look({ objects, pulls });
        if (answer !== undefined) finish(() => resolve(answer));
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const stopLooking = ports.every(LOOK_EVERY_MS, seen);
    signal.addEventListener("abort", () => {
      if (ports.interrupted.aborted) finish(() => reject(ports.interrupted.reason as Error)); // aborted with a Failure
      else if (timeout.aborted) finish(() => resolve(undefined));
    });
    if (ports.interrupted.aborted) return finish(() => reject(ports.interrupted.reason as Error)); // as above
    for (const kind of kinds) {
      const names = wanted.filter((each) => each.kind === kind).map(({ name }) => name);
      followKind(kind, names, ports, signal, {
        objects,
        synced() {
          synced.add(kind);
          seen();
        },
        changed: seen,
        pulling(reports) {
          pulls = { running: reports, ended: [...pulls.ended, ...pulls.running].filter((each) => !isAmong(each, reports)) };
          seen();
        },
      }).catch((error: unknown) => finish(() => reject(error)));
    }
  });
}

function isAmong(pull: PullReport, reports: readonly PullReport[]): boolean {
  return reports.some(({ service, image }) => service === pull.service && image === pull.image);
}

interface Notes {
  readonly objects: Map<string, ServedObject>;
  synced(): void;
  changed(): void;
  pulling(pulls: readonly PullReport[]): void;
}

async function followKind(kind: ServedKind, names: readonly string[], ports: CliPorts, signal: AbortSignal, notes: Notes): Promise<void> {
  const query = { fieldSelector: `metadata.name in (${names.join(",")})`, ...(kind === "Service" && { progress: "1" }) };
  let connected = false;
  while (!signal.aborted) {
    try {
      const there = new Set<string>();
      let syncing = true;
      for await (const line of watchLines(ports.client, `/api/v1/${namesOf(kind).plural}`, { query, signal })) {
        connected = true;
        if (line.type === "PROGRESS") notes.pulling(line.pulls);
        else if (line.type === "BOOKMARK") {
          if (syncing) for (const name of names) if (!there.has(name)) notes.objects.delete(keyOf({ kind, name }));
          syncing = false;
          notes.synced();
        } else {
          const { name } = line.object.metadata;
          there.add(name);
          if (line.type === "DELETED") notes.objects.delete(keyOf({ kind, name }));
          else notes.objects.set(keyOf({ kind, name }), line.object);
          if (!syncing) notes.changed();
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      // A node that restarts is back soon; one that never answered does not run.
      if (!connected || !isPassing(error)) throw error;
    }
    await ports.sleep(AGAIN_AFTER_MS, signal).catch(() => undefined);
  }
}
