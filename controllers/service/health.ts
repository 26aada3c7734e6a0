// How a container's health is known: by Docker's own HEALTHCHECK, by the agent's probe, or by nothing but that it runs.
import { durationMs } from "../../src/api/durations.ts";
import type { Container as ContainerOf, Health, HealthTiming, ServiceSpec } from "../../src/api/types.ts";
import type { Container, Probe, ProbeState } from "./docker-types.ts";
import { publishedOf } from "./published.ts";
import { networkOf } from "./traits.ts";

const LOOPBACK = "127.0.0.1";
type HealthState = Container["health"];

/** For the check that nobody wrote: TCP on the Service's port. */
const TIMING_DEFAULT: Probe["timing"] = { intervalMs: 10_000, timeoutMs: 5_000, retries: 3, startGraceMs: 30_000 };
/** What `x-least` of the schema says: shorter ones take a core, and hit the app as fast as it answers. */
const INTERVAL_MIN_MS = 100;

export interface Reach {
  readonly host: string;
  /** Where that is 127.0.0.1 for another network: ports inside (`80/tcp`) to ports there. */
  readonly published: Readonly<Record<string, number>> | undefined;
}

/** The agent's own check of a running container; undefined: Docker's, or none. */
export function probeOf(spec: ServiceSpec, container: ContainerOf, docker: Container, { host, published }: Reach): Probe | undefined {
  const probe = writtenProbe(spec, container, docker, host);
  const port = probe && (published === undefined ? probe.port : published[`${probe.port}/tcp`]);
  return probe && port !== undefined ? { ...probe, port } : undefined;
}

function writtenProbe(spec: ServiceSpec, container: ContainerOf, docker: Container, host: string): Probe | undefined {
  const { health } = container;
  const port = spec.port?.container === container.name ? spec.port.port : undefined;
  if (health === undefined) {
    if (docker.health !== "none" || port === undefined) return undefined;
    return { kind: "tcp", host, port, timing: TIMING_DEFAULT };
  }
  if (health === "none" || "command" in health) return undefined;
  if ("tcp" in health) return { kind: "tcp", host, port: health.tcp, timing: timing(health) };
  return {
    kind: "http",
    host,
    port: health.port ?? port ?? 80,
    path: health.http,
    status: statusRange(health.status),
    timing: timing(health),
  };
}

/** `none`: nobody checks, and to run is enough. */
export function healthOf(
  health: Health | undefined,
  docker: Container,
  probed: ProbeState | undefined,
): { readonly health: HealthState; readonly detail?: string } {
  if (probed !== undefined) return { health: probed.health, ...(probed.detail !== undefined && { detail: probed.detail }) };
  if (health === "none") return { health: "none" };
  return { health: docker.health, ...(docker.healthDetail !== undefined && { detail: docker.healthDetail }) };
}

/** Where a container is reached: it may share another one's network. `nodeAddress`: for the host's network. */
export function addressOf(container: ContainerOf, containers: readonly Container[], nodeAddress: string): string | undefined {
  if (container.network === "host") return nodeAddress;
  if (publishedOf(container, containers) !== undefined) return LOOPBACK;
  const owner = networkOf(container) ?? container.name;
  return containers.find((each) => each.container === owner)?.address;
}

/** An older release stored shorter intervals. */
function timing({ interval, timeout, retries, startGrace }: HealthTiming): Probe["timing"] {
  return {
    intervalMs: Math.max(INTERVAL_MIN_MS, durationMs(interval)),
    timeoutMs: durationMs(timeout),
    retries,
    startGraceMs: durationMs(startGrace),
  };
}

function statusRange(text: string): readonly [number, number] {
  const [from, to] = text.split("-").map(Number);
  return [from ?? 200, to ?? from ?? 399];
}
