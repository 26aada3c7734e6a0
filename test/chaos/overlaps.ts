// Whether what must run once ever ran on two computers at once, from what was seen on each in turn. Pure.
import type { Span } from "./tally.ts";

/** A container that was seen running without a pause between the two. */
export interface Run {
  readonly app: string;
  readonly host: string;
  readonly container: string;
  readonly firstMs: number;
  readonly lastMs: number;
}

export interface Overlap {
  readonly app: string;
  readonly atMs: number;
  readonly what: string;
}

/** A computer that was not seen for so long has two runs: nobody knows what was between them. */
export const RUN_GAP_MS = 2_500;

/** One more look at a computer. */
export function withLook(
  runs: readonly Run[],
  {
    app,
    host,
    atMs,
    containers,
  }: { readonly app: string; readonly host: string; readonly atMs: number; readonly containers: readonly string[] },
): readonly Run[] {
  const isSame = (run: Run, container: string): boolean =>
    run.app === app && run.host === host && run.container === container && atMs - run.lastMs <= RUN_GAP_MS;
  const fresh = containers.filter((container) => !runs.some((run) => isSame(run, container)));
  return [
    ...runs.map((run) => (containers.some((container) => isSame(run, container)) ? { ...run, lastMs: atMs } : run)),
    ...fresh.map((container) => ({ app, host, container, firstMs: atMs, lastMs: atMs })),
  ];
}

/** `excused`: times of a host in which it may be late: it was frozen, and its agent has not had its turn yet. */
export function overlaps(runs: readonly Run[], excused: (host: string) => readonly Span[]): readonly Overlap[] {
  return runs.flatMap((a, index) =>
    runs.slice(index + 1).flatMap((b) => {
      const [fromMs, toMs] = [Math.max(a.firstMs, b.firstMs), Math.min(a.lastMs, b.lastMs)];
      if (a.app !== b.app || a.host === b.host || fromMs >= toMs) return [];
      const isExcused = [a, b].some(({ host }) => excused(host).some((span) => span.fromMs <= fromMs && toMs <= span.toMs));
      if (isExcused) return [];
      const what = `${a.container} on ${a.host} and ${b.container} on ${b.host} ran together for ${((toMs - fromMs) / 1000).toFixed(1)} s`;
      return [{ app: a.app, atMs: fromMs, what }];
    }),
  );
}
