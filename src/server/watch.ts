// Watches: every change of the store, or a second that passed, shows each watcher what differs from what it was last told. Nothing is
// queued for a slow one: it gets the newest state once it reads on, and is sent away when it does not.
import type { AnyResource, Kind, Name } from "../api/resource.ts";
import type { ErrorStatus, PullReport, ServedObject, WatchLine } from "../api/wire.ts";
import type { BootMs } from "../ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import type { ObjectChange, ServerPorts } from "./ports.ts";
import { resourceOf, resourcesOf, viewAll, type ViewKind } from "./view.ts";

/** One change of the house is several keys: they are told together. */
export const COALESCE_MS = 20;
/** Status may change without the store (a pull, a silent store), and a client wants to know that we live. */
const TICK_MS = 1_000;
export const BOOKMARK_EVERY_MS = 10_000;
export const STALLED_AFTER_MS = 30_000;
export const WATCHERS_MAX = 256;
/** Deletions kept for those who resume from an older revision. */
export const DELETIONS_MAX = 1_000;

const MIRRORED: readonly Kind[] = ["Service", "Route", "DnsRecord", "Membership", "House"];

export interface WatchSink {
  /** False while the client has not taken what was written before. */
  readonly writable: boolean;
  write(line: WatchLine): void;
  /** Ends the stream. */
  end(): void;
}

export interface WatchOptions {
  readonly kind: ViewKind;
  readonly matches: (object: ServedObject) => boolean;
  /** Goes on from a listing of that revision; absent: begins with all that there is. */
  readonly since?: number;
  /** Also tells of pulls. */
  readonly pulls: boolean;
}

interface Told {
  readonly object: ServedObject;
  readonly text: string;
}

type Rendered = ReadonlyMap<Name, Told>;

interface Watcher extends WatchOptions {
  readonly sink: WatchSink;
  readonly told: Map<Name, Told>;
  /** Objects that a resuming client knows already in an older form. */
  readonly known: Set<Name>;
  synced: boolean;
  toldPulls: string;
  pullsAtMs: BootMs;
  bookmarkedAtMs: BootMs;
  stalledSinceMs: BootMs | undefined;
}

export class WatchHub {
  readonly #ports: ServerPorts;
  readonly #watchers = new Set<Watcher>();
  readonly #objects = new Map<string, AnyResource>();
  readonly #deletions: { readonly revision: number; readonly object: AnyResource }[] = [];
  /** Deletions after this revision are all known. */
  #floor: number;
  #cancelSoon: (() => void) | undefined;
  #cancelTick: (() => void) | undefined;
  readonly #unsubscribe: () => void;

  constructor(ports: ServerPorts) {
    this.#ports = ports;
    this.#floor = ports.reader.revision;
    for (const kind of MIRRORED)
      for (const object of resourcesOf(ports.reader, kind)) this.#objects.set(keyOf(kind, object.metadata.name), object);
    this.#unsubscribe = ports.reader.subscribe((changes) => this.#changed(changes));
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Throws Expired when what was deleted since then is not known any more, and TooManyRequests. */
  admit(kind: ViewKind, since: number | undefined): void {
    if (this.#watchers.size >= WATCHERS_MAX)
      throw new ApiError("TooManyRequests", `Cannot watch: ${WATCHERS_MAX} watches are open already.`);
    if (since === undefined) return;
    const { revision } = this.#ports.reader;
    const known = kind === "Instance" ? since === revision : since >= this.#floor && since <= revision;
    if (!known)
      throw new ApiError(
        "Expired",
        `Cannot watch from revision ${since}: the house is at ${revision} and remembers deletions since ${this.#floor}. List again.`,
      );
  }

  /** After `admit`. Answers the function that ends the watch. */
  watch(options: WatchOptions, sink: WatchSink & { onDrain(run: () => void): void }): () => void {
    const watcher: Watcher = {
      ...options,
      sink,
      told: new Map(),
      known: new Set(),
      synced: false,
      toldPulls: "[]",
      pullsAtMs: -TICK_MS,
      bookmarkedAtMs: 0,
      stalledSinceMs: undefined,
    };
    if (options.since !== undefined) this.#resume(watcher, options.since);
    this.#watchers.add(watcher);
    sink.onDrain(() => this.#tell(watcher, new Map()));
    this.#tell(watcher, new Map());
    this.#cancelTick ??= this.#ports.clock.timer(TICK_MS, () => this.#tick());
    return () => this.#remove(watcher);
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelSoon?.();
    for (const watcher of [...this.#watchers]) {
      watcher.sink.end();
      this.#remove(watcher);
    }
  }

  #changed(changes: readonly ObjectChange[]): void {
    // The first list: what was deleted before it is not known.
    if (this.#floor === 0) this.#floor = this.#ports.reader.revision;
    for (const { room, kind, name } of changes) if (room === "desired" && kind) this.#keep(kind, name);
    if (changes.length > 0 && this.#watchers.size > 0) this.#cancelSoon ??= this.#ports.clock.timer(COALESCE_MS, () => this.#tellAll());
  }

  #keep(kind: Kind, name: Name): void {
    const key = keyOf(kind, name);
    const now = resourceOf(this.#ports.reader, kind, name);
    const before = this.#objects.get(key);
    if (now) this.#objects.set(key, now);
    else if (before) {
      this.#objects.delete(key);
      this.#deletions.push({ revision: this.#ports.reader.revision, object: before });
      if (this.#deletions.length > DELETIONS_MAX) this.#floor = this.#deletions.shift()?.revision ?? this.#floor;
    }
  }

  /**
   * Status has no revision of its own, so whatever may have changed since then is told again; what went is told first.
   */
  #resume(watcher: Watcher, since: number): void {
    const { revision } = this.#ports.reader;
    for (const deletion of this.#deletions) {
      if (deletion.revision <= since || deletion.object.kind !== watcher.kind || !watcher.matches(deletion.object)) continue;
      watcher.sink.write({ type: "DELETED", revision: deletion.revision, object: deletion.object });
    }
    for (const object of viewAll(this.#ports, watcher.kind)) {
      const { name, resourceVersion } = object.metadata;
      if (since === revision && watcher.matches(object)) watcher.told.set(name, told(object));
      else if (Number(resourceVersion) <= since) watcher.known.add(name);
    }
  }

  #tick(): void {
    const again = this.#watchers.size > 0;
    this.#cancelTick = again ? this.#ports.clock.timer(TICK_MS, () => this.#tick()) : undefined;
    if (again) this.#tellAll();
  }

  #tellAll(): void {
    this.#cancelSoon?.();
    this.#cancelSoon = undefined;
    const rendered = new Map<ViewKind, Rendered>();
    for (const watcher of [...this.#watchers]) this.#tell(watcher, rendered);
  }

  #tell(watcher: Watcher, cache: Map<ViewKind, Rendered>): void {
    if (!this.#watchers.has(watcher) || this.#stalled(watcher)) return;
    try {
      const rendered = cache.get(watcher.kind) ?? render(viewAll(this.#ports, watcher.kind));
      cache.set(watcher.kind, rendered);
      if (this.#tellObjects(watcher, rendered)) this.#tellRest(watcher);
    } catch (error) {
      // A stored value that cannot be read: a timer has nobody else to tell.
      this.#ports.log.warn("Watch ended: what it shows cannot be read", { kind: watcher.kind, error });
      this.#sendAway(watcher, statusOf(error));
    }
  }

  /** False: the client must read first; the rest follows when it did. */
  #tellObjects(watcher: Watcher, rendered: Rendered): boolean {
    const { revision } = this.#ports.reader;
    const { sink } = watcher;
    for (const [name, before] of watcher.told) {
      const now = rendered.get(name);
      if (now && watcher.matches(now.object)) continue;
      if (!sink.writable) return false;
      watcher.told.delete(name);
      sink.write({ type: "DELETED", revision, object: before.object });
    }
    for (const [name, now] of rendered) {
      const before = watcher.told.get(name);
      if (before?.text === now.text || !watcher.matches(now.object)) continue;
      if (!sink.writable) return false;
      watcher.told.set(name, now);
      sink.write({ type: before || watcher.known.has(name) ? "MODIFIED" : "ADDED", revision, object: now.object });
    }
    return true;
  }

  #tellRest(watcher: Watcher): void {
    const { reader, clock } = this.#ports;
    if (watcher.pulls) this.#tellPulls(watcher);
    if (watcher.synced && clock.now() - watcher.bookmarkedAtMs < BOOKMARK_EVERY_MS) return;
    watcher.synced = true;
    watcher.bookmarkedAtMs = clock.now();
    watcher.sink.write({ type: "BOOKMARK", revision: reader.revision, ...(!reader.fresh && { stale: true }) });
  }

  #tellPulls(watcher: Watcher): void {
    const pulls = [...watcher.told.values()].flatMap(({ object }) =>
      object.kind === "Service" ? pullsOf(this.#ports, object.metadata.name) : [],
    );
    const text = JSON.stringify(pulls);
    if (text === watcher.toldPulls || this.#ports.clock.now() - watcher.pullsAtMs < TICK_MS) return;
    watcher.toldPulls = text;
    watcher.pullsAtMs = this.#ports.clock.now();
    watcher.sink.write({ type: "PROGRESS", revision: this.#ports.reader.revision, pulls });
  }

  #stalled(watcher: Watcher): boolean {
    if (watcher.sink.writable) {
      watcher.stalledSinceMs = undefined;
      return false;
    }
    watcher.stalledSinceMs ??= this.#ports.clock.now();
    if (this.#ports.clock.now() - watcher.stalledSinceMs >= STALLED_AFTER_MS) {
      const { status } = new ApiError("Expired", `The watch was not read for ${STALLED_AFTER_MS / 1000} s. List again.`);
      this.#sendAway(watcher, status);
    }
    return true;
  }

  #sendAway(watcher: Watcher, status: ErrorStatus): void {
    watcher.sink.write({ type: "ERROR", status });
    watcher.sink.end();
    this.#remove(watcher);
  }

  #remove(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
  }
}

export function pullsOf(ports: Pick<ServerPorts, "statusReader" | "identity">, service: Name): readonly PullReport[] {
  return ports.statusReader.progress(service).map(({ image, progress }) => ({
    service,
    image,
    node: ports.identity.node,
    doneBytes: progress?.doneBytes ?? 0,
    totalBytes: progress?.totalBytes ?? 0,
    layers: progress?.layers ?? 0,
  }));
}

function render(objects: readonly ServedObject[]): Rendered {
  return new Map(objects.map((object) => [object.metadata.name, told(object)]));
}

function told(object: ServedObject): Told {
  return { object, text: JSON.stringify(object) };
}

function keyOf(kind: Kind, name: Name): string {
  return `${kind}/${name}`;
}
