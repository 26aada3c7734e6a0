// `GET /metrics`: what this node's agent and its ingress count, as one text for Prometheus.
import { counter, gauge, renderMetrics, type MetricFamily } from "../api/prometheus.ts";
import type { EngineCounts, KindCounts, StoreStatus } from "../ports.ts";
import type { ServerPorts } from "./ports.ts";

const ANSWERS_WITHIN_MS = 2_000;

export async function scrape(ports: ServerPorts, signal: AbortSignal): Promise<string> {
  const soon = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
  const [ingress, store] = await Promise.all([
    ports.ingress.metrics(soon).catch(() => undefined),
    ports.store.status(soon).catch(() => undefined),
  ]);
  const families = [
    { ...gauge("fossora_build_info", "The version that runs, 1.", 1), samples: [{ labels: { version: ports.version }, value: 1 }] },
    gauge("fossora_ingress_up", "Whether this node's ingress answers.", ingress === undefined ? 0 : 1),
    ...storeFamilies(ports, store),
    ...engineFamilies(ports.engine()),
    ...processFamilies(),
  ];
  return `${renderMetrics(families)}${ingress ?? ""}`;
}

function storeFamilies({ reader }: ServerPorts, store: StoreStatus | undefined): readonly MetricFamily[] {
  return [
    gauge("fossora_store_up", "Whether the store answers.", store === undefined ? 0 : 1),
    gauge("fossora_store_quorum", "Whether the store has a leader: without one nothing can be changed.", store?.quorum === true ? 1 : 0),
    gauge("fossora_mirror_fresh", "Whether this node's copy of the store is fresh.", reader.fresh ? 1 : 0),
    gauge("fossora_mirror_revision", "The store's revision that this node has seen.", reader.revision),
    ...(store === undefined ? [] : [gauge("fossora_store_size_bytes", "What the store takes on disk.", store.dbBytes)]),
  ];
}

function engineFamilies({ queued, failing, kinds }: EngineCounts): readonly MetricFamily[] {
  const byKind = (name: string, help: string, what: keyof KindCounts): MetricFamily => ({
    name,
    help,
    type: "counter",
    samples: [...kinds].map(([kind, counts]) => ({ labels: { kind }, value: counts[what] })),
  });
  return [
    byKind("fossora_reconcile_total", "Looks at a name and what it should be.", "looks"),
    byKind("fossora_reconcile_actions_total", "Actions carried out.", "actions"),
    byKind("fossora_reconcile_failures_total", "Looks and actions that failed.", "failures"),
    gauge("fossora_queue_length", "Names that wait for the engine or are in its hands.", queued),
    gauge("fossora_failing_names", "Names whose last try failed; they are tried again.", failing),
  ];
}

function processFamilies(): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    gauge("fossora_agent_start_time_seconds", "When this agent started, in Unix time.", performance.timeOrigin / 1000),
    counter("fossora_agent_cpu_seconds_total", "Processor time of the agent.", (user + system) / 1e6),
    gauge("fossora_agent_resident_memory_bytes", "Memory of the agent.", process.memoryUsage.rss()),
  ];
}
