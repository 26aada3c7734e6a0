// Measures this machine and Fossora's containers on it for `top`: two looks a second apart, when somebody asks and at no other time.
import { readMachineCounts, type MachineCounts } from "../adapters/system/machine-load.ts";
import type { ContainerLoad, NodeLoad } from "../api/load.ts";
import type { Container, Containers } from "../container-ports.ts";
import type { Clock } from "../ports.ts";

export interface NodeLoadOptions {
  readonly containers: Pick<Containers, "list" | "stats">;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly counts?: () => Promise<MachineCounts>;
}

const APART_MS = 1_000;

interface Look {
  readonly container: Container;
  readonly atMs: number;
  readonly cpuNanos: number;
  readonly usedBytes: number;
}

export async function measureLoad(options: NodeLoadOptions, signal: AbortSignal): Promise<NodeLoad> {
  const { containers, clock, counts = readMachineCounts } = options;
  const running = (await containers.list(undefined, signal)).filter(({ state }) => state === "running");
  const [before, looked] = await Promise.all([counts(), lookAt(running, options, signal)]);
  await clock.sleep(APART_MS, signal);
  const [after, again] = await Promise.all([counts(), lookAt(running, options, signal)]);
  const { cpus, memoryBytes, usedBytes } = after;
  const share = (after.busyTicks - before.busyTicks) / Math.max(1, after.allTicks - before.allTicks);
  const loads = looked.flatMap((first): readonly ContainerLoad[] => {
    const last = again.find(({ container }) => container.id === first.container.id);
    return last === undefined ? [] : [loadBetween(first, last)];
  });
  return { cpus, busyCpus: cpus * share, memoryBytes, usedBytes, containers: loads };
}

/** One that has just ended is left out. */
async function lookAt(
  running: readonly Container[],
  { containers, clock }: NodeLoadOptions,
  signal: AbortSignal,
): Promise<readonly Look[]> {
  const looks = await Promise.allSettled(
    running.map(async (container): Promise<Look> => {
      const { cpuNanos, memoryBytes } = await containers.stats(container.id, signal);
      return { container, atMs: clock.now(), cpuNanos, usedBytes: memoryBytes };
    }),
  );
  signal.throwIfAborted();
  return looks.flatMap((look) => (look.status === "fulfilled" ? [look.value] : []));
}

function loadBetween(first: Look, { container, atMs, cpuNanos, usedBytes }: Look): ContainerLoad {
  const { service, instance } = container;
  const busyCpus = Math.max(0, cpuNanos - first.cpuNanos) / 1e6 / Math.max(1, atMs - first.atMs);
  return { service, instance: instance.startsWith(`${service}-`) ? instance : `${service}-${instance}`, busyCpus, usedBytes };
}
