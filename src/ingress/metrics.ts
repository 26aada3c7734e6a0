// What the ingress counts, as families for Prometheus. Pure.
import { counter, gauge, type MetricFamily, type MetricSample } from "../api/prometheus.ts";
import type { TotalHistogram } from "./histogram.ts";
import type { Traffic } from "./traffic.ts";

/** Counted by the process, not by route. */
export interface ProcessCounts {
  readonly build: string;
  readonly revision: number;
  readonly startedAtSeconds: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly held: number;
  readonly tcpConnections: number;
  readonly udpSessions: number;
  readonly mesh: { readonly incoming: number; readonly outgoing: number };
  /** By the answer's code; `forwarded` and `stranger` have none of ours. */
  readonly dnsQueries: ReadonlyMap<string, number>;
  /** Absent: off. */
  readonly accessLog?: { readonly lines: number; readonly dropped: number } | undefined;
}

/** Powers of four, because they are bounds of the histogram's own buckets: 1 ms to 16 s. */
const BOUNDS_MS = [1, 4, 16, 64, 256, 1024, 4096, 16_384] as const;

/** `streams`: of raw routes. */
export function ingressMetrics(http: Traffic, streams: Traffic, counts: ProcessCounts): readonly MetricFamily[] {
  return [...requestFamilies(http), ...routeFamilies(http), ...streamFamilies(streams), ...processFamilies(counts)];
}

function streamFamilies(traffic: Traffic): readonly MetricFamily[] {
  const ended = [...traffic.requests()].map(({ route, backend, requests: value }) => ({ labels: { route, backend }, value }));
  const reasons = [...traffic.reasons()].map(({ route, reason, requests: value }) => ({ labels: { route, reason }, value }));
  const faults = [...traffic.faults()].map(({ route, backend, fault, tries: value }) => ({ labels: { route, backend, fault }, value }));
  const routes = [...traffic.routes()];
  const each = (value: (route: (typeof routes)[number]) => number): readonly MetricSample[] =>
    routes.map((route) => ({ labels: { route: route.route }, value: value(route) }));
  return [
    family("fossora_stream_ended_total", "Raw connections and sessions that ended, by who had them.", "counter", ended),
    family("fossora_stream_refused_total", "Raw connections and sessions that no backend had, by why.", "counter", reasons),
    family("fossora_stream_backend_faults_total", "Tries of a backend that made no connection.", "counter", faults),
    family(
      "fossora_stream_open",
      "Raw connections and sessions that are open.",
      "gauge",
      each(({ open }) => open),
    ),
    family(
      "fossora_stream_received_bytes_total",
      "Bytes from clients of raw routes.",
      "counter",
      each(({ bytesIn }) => bytesIn),
    ),
    family(
      "fossora_stream_sent_bytes_total",
      "Bytes to clients of raw routes.",
      "counter",
      each(({ bytesOut }) => bytesOut),
    ),
  ];
}

function requestFamilies(traffic: Traffic): readonly MetricFamily[] {
  const requests = [...traffic.requests()].map(({ route, backend, code, requests: value }) => ({
    labels: { route, backend, code },
    value,
  }));
  const reasons = [...traffic.reasons()].map(({ route, reason, requests: value }) => ({ labels: { route, reason }, value }));
  const faults = [...traffic.faults()].map(({ route, backend, fault, tries: value }) => ({ labels: { route, backend, fault }, value }));
  return [
    family("fossora_http_requests_total", "Requests that ended, by class of the answer and who gave it.", "counter", requests),
    family("fossora_http_own_answers_total", "Requests that no backend answered, by why.", "counter", reasons),
    family("fossora_http_backend_faults_total", "Tries of a backend that brought no answer.", "counter", faults),
  ];
}

function routeFamilies(traffic: Traffic): readonly MetricFamily[] {
  const routes = [...traffic.routes()];
  const each = (value: (route: (typeof routes)[number]) => number): readonly MetricSample[] =>
    routes.map((route) => ({ labels: { route: route.route }, value: value(route) }));
  return [
    family(
      "fossora_http_cut_off_total",
      "Answers that ended before they were whole.",
      "counter",
      each(({ cutOff }) => cutOff),
    ),
    family(
      "fossora_http_received_bytes_total",
      "Bytes from clients, heads included.",
      "counter",
      each(({ bytesIn }) => bytesIn),
    ),
    family(
      "fossora_http_sent_bytes_total",
      "Bytes to clients, heads included.",
      "counter",
      each(({ bytesOut }) => bytesOut),
    ),
    family(
      "fossora_http_open_requests",
      "Requests under way, WebSockets among them.",
      "gauge",
      each(({ open }) => open),
    ),
    family(
      "fossora_http_first_byte_seconds",
      "From a request's arrival to the head of a backend's answer.",
      "histogram",
      routes.flatMap(({ route, firstByte }) => histogramSamples({ route }, firstByte)),
    ),
  ];
}

function processFamilies({ accessLog, ...counts }: ProcessCounts): readonly MetricFamily[] {
  const queries = [...counts.dnsQueries].map(([rcode, value]) => ({ labels: { rcode }, value }));
  const build = { labels: { build: counts.build }, value: 1 };
  return [
    gauge("fossora_http_held", "Requests that wait for a backend.", counts.held),
    family("fossora_dns_queries_total", "DNS questions, by the code of the answer.", "counter", queries),
    gauge("fossora_tcp_connections", "Open connections of raw TCP routes.", counts.tcpConnections),
    gauge("fossora_udp_sessions", "Clients of raw UDP routes that are remembered.", counts.udpSessions),
    family("fossora_mesh_connections", "Connections with the ingresses of other nodes, idle ones too.", "gauge", [
      { labels: { direction: "in" }, value: counts.mesh.incoming },
      { labels: { direction: "out" }, value: counts.mesh.outgoing },
    ]),
    gauge("fossora_table_revision", "The store's revision that the served table was made from.", counts.revision),
    family("fossora_ingress_build_info", "The build that runs, 1.", "gauge", [build]),
    gauge("fossora_ingress_start_time_seconds", "When this ingress started, in Unix time.", counts.startedAtSeconds),
    counter("fossora_ingress_cpu_seconds_total", "Processor time of the ingress.", counts.cpuSeconds),
    gauge("fossora_ingress_resident_memory_bytes", "Memory of the ingress.", counts.memoryBytes),
    ...(accessLog === undefined
      ? []
      : [
          counter("fossora_access_log_lines_total", "Lines of the access log that were written.", accessLog.lines),
          counter("fossora_access_log_dropped_total", "Lines of the access log that were lost.", accessLog.dropped),
        ]),
  ];
}

function family(name: string, help: string, type: MetricFamily["type"], samples: readonly MetricSample[]): MetricFamily {
  return { name, help, type, samples };
}

function histogramSamples(labels: Readonly<Record<string, string>>, histogram: TotalHistogram): readonly MetricSample[] {
  return [
    ...BOUNDS_MS.map((ms) => ({ suffix: "_bucket", labels: { ...labels, le: String(ms / 1000) }, value: histogram.atMost(ms) })),
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: histogram.count },
    { suffix: "_sum", labels, value: histogram.sumMs / 1000 },
    { suffix: "_count", labels, value: histogram.count },
  ];
}
