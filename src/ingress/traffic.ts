// What the ingress counts of HTTP requests, by route and backend: a few additions each, read when somebody asks. Pure; bounded by the
// routes of the table and a few backends each.
import type { BackendFault, BackendTraffic, FirstByte, OwnReason, RouteTraffic, TrafficReport } from "../api/traffic.ts";
import type { Backend, HttpRoute, StreamRoute } from "../api/table.ts";
import type { Counted, EndedExchange, TrafficCounter, Tried } from "../ports.ts";
import { bucketOf, quantileMs, RECENT_MS, RecentHistogram, TotalHistogram } from "./histogram.ts";

/** Backends of a route that are no longer in the table: their last errors are what people ask for after a crash. */
const GONE_MAX = 4;
const MESSAGE_LENGTH_MAX = 200;
/** Requests without a route: unknown hosts, what is no request. */
const NO_ROUTE = "";

const CODES = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"] as const;

class BackendCounts {
  readonly backend: Backend;
  readonly codes = new Float64Array(CODES.length);
  readonly faults = new Map<BackendFault, number>();
  readonly recent = new RecentHistogram();
  outSinceMs: number | undefined;
  lastError: { readonly message: string; readonly atMs: number } | undefined;

  constructor(backend: Backend) {
    this.backend = backend;
  }
}

class RouteCounts {
  /** Of requests that no backend answered. */
  readonly codes = new Float64Array(CODES.length);
  readonly reasons = new Map<OwnReason, number>();
  readonly backends = new Map<string, BackendCounts>();
  readonly firstByte = new TotalHistogram();
  readonly recent = new RecentHistogram();
  cutOff = 0;
  open = 0;
  bytesIn = 0;
  bytesOut = 0;
}

/** Of the table: a route has several where it has several paths, or ports. */
type Row = HttpRoute | StreamRoute;

interface Tabled {
  readonly protocol: RouteTraffic["protocol"];
  readonly backends: readonly Backend[];
}

/** One series of the metrics: requests of a route that ended with such a code, by who answered. */
export interface RequestCount {
  readonly route: string;
  readonly backend: string;
  readonly code: string;
  readonly requests: number;
}

export class Traffic implements TrafficCounter {
  readonly #sinceMs: number;
  readonly #routes = new Map<string, RouteCounts>();

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  began(route: Counted, before: Counted | undefined): void {
    if (before !== undefined) this.#countsOf(before.name).open -= 1;
    this.#countsOf(route.name).open += 1;
  }

  tried(route: Counted, backend: Backend, { fault, error, tookMs }: Tried, nowMs: number): void {
    const counts = backendOf(this.#countsOf(route.name), backend);
    if (fault === undefined) {
      counts.recent.add(bucketOf(tookMs), nowMs);
      counts.outSinceMs = undefined;
      return;
    }
    counts.faults.set(fault, (counts.faults.get(fault) ?? 0) + 1);
    counts.lastError = { message: (error?.message ?? "no answer in time").slice(0, MESSAGE_LENGTH_MAX), atMs: nowMs };
    if (fault === "unreachable") counts.outSinceMs ??= nowMs;
  }

  moved(route: Counted | undefined, bytesIn: number, bytesOut: number): void {
    const counts = this.#countsOf(route?.name ?? NO_ROUTE);
    counts.bytesIn += bytesIn;
    counts.bytesOut += bytesOut;
  }

  ended({ route, backend, reason, status, firstByteMs, whole }: EndedExchange, nowMs: number): void {
    const counts = this.#countsOf(route?.name ?? NO_ROUTE);
    const { codes } = backend === undefined ? counts : backendOf(counts, backend);
    const code = status >= 100 && status < 600 ? Math.floor(status / 100) : 0;
    codes[code] = (codes[code] ?? 0) + 1;
    if (reason !== undefined) counts.reasons.set(reason, (counts.reasons.get(reason) ?? 0) + 1);
    if (!whole && status > 0) counts.cutOff += 1;
    if (firstByteMs !== undefined) {
      const bucket = bucketOf(firstByteMs);
      counts.firstByte.add(bucket, firstByteMs);
      counts.recent.add(bucket, nowMs);
    }
    if (route !== undefined) counts.open -= 1;
  }

  /** After a new table: what it no longer names is forgotten, but for what is under way and a few backends that were. */
  keep(rows: readonly Row[]): void {
    const routes = new Map<string, Set<string>>();
    for (const { name, backends } of rows) {
      const keys = routes.get(name) ?? new Set();
      for (const backend of backends) keys.add(keyOf(backend));
      routes.set(name, keys);
    }
    for (const [name, counts] of this.#routes) {
      const keys = routes.get(name);
      if (keys === undefined && counts.open <= 0 && name !== NO_ROUTE) this.#routes.delete(name);
      const gone = [...counts.backends.keys()].filter((key) => !keys?.has(key));
      for (const key of gone.slice(0, Math.max(0, gone.length - GONE_MAX))) counts.backends.delete(key);
    }
  }

  report(nowMs: number, rows: readonly Row[]): TrafficReport {
    const inTable = new Map<string, Tabled>();
    for (const row of rows) {
      const known = inTable.get(row.name)?.backends ?? [];
      inTable.set(row.name, { protocol: "protocol" in row ? row.protocol : "http", backends: [...known, ...row.backends] });
    }
    const routes = [...inTable].map(([name, tabled]) => routeReport(name, this.#routes.get(name) ?? new RouteCounts(), tabled, nowMs));
    return { forMs: nowMs - this.#sinceMs, recentMs: RECENT_MS, routes };
  }

  // ---- for the metrics

  *requests(): Iterable<RequestCount> {
    for (const [route, counts] of this.#routes) {
      yield* codeCounts(route, "", counts.codes);
      for (const each of counts.backends.values()) yield* codeCounts(route, nameOf(each.backend), each.codes);
    }
  }

  *faults(): Iterable<{ readonly route: string; readonly backend: string; readonly fault: BackendFault; readonly tries: number }> {
    for (const [route, { backends }] of this.#routes)
      for (const { backend, faults } of backends.values())
        for (const [fault, tries] of faults) yield { route, backend: nameOf(backend), fault, tries };
  }

  *reasons(): Iterable<{ readonly route: string; readonly reason: OwnReason; readonly requests: number }> {
    for (const [route, { reasons }] of this.#routes) for (const [reason, requests] of reasons) yield { route, reason, requests };
  }

  *routes(): Iterable<
    { readonly route: string; readonly firstByte: TotalHistogram } & Pick<RouteCounts, "bytesIn" | "bytesOut" | "cutOff" | "open">
  > {
    for (const [route, { bytesIn, bytesOut, cutOff, open, firstByte }] of this.#routes)
      yield { route, bytesIn, bytesOut, cutOff, open, firstByte };
  }

  #countsOf(name: string): RouteCounts {
    const known = this.#routes.get(name);
    if (known !== undefined) return known;
    const fresh = new RouteCounts();
    this.#routes.set(name, fresh);
    return fresh;
  }
}

function backendOf(counts: RouteCounts, backend: Backend): BackendCounts {
  const key = keyOf(backend);
  const known = counts.backends.get(key);
  if (known !== undefined) return known;
  const fresh = new BackendCounts(backend);
  counts.backends.set(key, fresh);
  return fresh;
}

function keyOf({ node, instance, host, port }: Backend): string {
  return `${node} ${instance} ${host} ${port}`;
}

/** What is no container has no instance: its address says which it is. */
function nameOf({ instance, host, port }: Backend): string {
  return instance === "" ? `${host}:${port}` : instance;
}

function* codeCounts(route: string, backend: string, codes: Float64Array): Iterable<RequestCount> {
  for (const [index, code] of CODES.entries()) {
    const requests = codes[index] ?? 0;
    if (requests > 0) yield { route, backend, code, requests };
  }
}

function routeReport(route: string, counts: RouteCounts, { protocol, backends }: Tabled, nowMs: number): RouteTraffic {
  const tabled = new Set(backends.map(keyOf));
  const sums = new Float64Array(CODES.length);
  for (const codes of [counts.codes, ...[...counts.backends.values()].map((each) => each.codes)])
    codes.forEach((count, index) => (sums[index] = (sums[index] ?? 0) + count));
  const gone = [...counts.backends].filter(([key]) => !tabled.has(key)).map(([, each]) => each);
  const present = [...new Map(backends.map((backend) => [keyOf(backend), backend]))].map(
    ([key, backend]) => counts.backends.get(key) ?? new BackendCounts(backend),
  );
  const firstByte = firstByteOf(counts.recent, nowMs);
  return {
    route,
    protocol,
    requests: sums.reduce((total, count) => total + count, 0),
    codes: Object.fromEntries(CODES.map((code, index) => [code, sums[index] ?? 0])),
    reasons: Object.fromEntries(counts.reasons),
    cutOff: counts.cutOff,
    open: counts.open,
    bytesIn: counts.bytesIn,
    bytesOut: counts.bytesOut,
    ...(firstByte && { firstByte }),
    backends: [...present.map((each) => backendReport(each, nowMs)), ...gone.map((each) => backendReport(each, nowMs, true))],
  };
}

function backendReport(
  { backend, codes, faults, recent, outSinceMs, lastError }: BackendCounts,
  nowMs: number,
  gone = false,
): BackendTraffic {
  const { node, instance, host, port } = backend;
  const firstByte = firstByteOf(recent, nowMs);
  return {
    node,
    instance,
    host,
    port,
    ...(gone && { gone: true }),
    requests: codes.reduce((total, count) => total + count, 0),
    faults: Object.fromEntries(faults),
    ...(outSinceMs !== undefined && !gone && { outForMs: nowMs - outSinceMs }),
    ...(lastError && { lastError: { message: lastError.message, agoMs: nowMs - lastError.atMs } }),
    ...(firstByte && { firstByte }),
  };
}

function firstByteOf(recent: RecentHistogram, nowMs: number): FirstByte | undefined {
  const counts = recent.counts(nowMs);
  const p50Ms = quantileMs(counts, 0.5);
  const p99Ms = quantileMs(counts, 0.99);
  if (p50Ms === undefined || p99Ms === undefined) return undefined;
  return { requests: counts.reduce((total, count) => total + count, 0), p50Ms: rounded(p50Ms), p99Ms: rounded(p99Ms) };
}

/** Two digits: the histogram knows no more. */
function rounded(ms: number): number {
  return Number(ms.toPrecision(2));
}
