// How long ago something was, in its largest unit: `9d`, `2m`, `0s`.

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** `-` where the time cannot be read. */
export function age(since: string | undefined, nowMs: number): string {
  const sinceMs = Date.parse(since ?? "");
  if (Number.isNaN(sinceMs)) return "-";
  return span(nowMs - sinceMs);
}

/** A duration in its largest unit; what is negative is none. */
export function span(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= each) ?? ["s", 1_000];
  return `${Math.floor(Math.max(0, ms) / size)}${unit}`;
}

/** `18.4s`, `2m05s`: how long somebody waits already. */
export function stopwatch(ms: number): string {
  const tenths = Math.floor(ms / 100);
  if (tenths < 600) return `${Math.floor(tenths / 10)}.${tenths % 10}s`;
  const seconds = Math.floor(ms / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
}

/** `312 MB`, as registries count. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"] as const;
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `8Gi`, as manifests count. */
export function binaryBytes(count: number | undefined): string {
  if (count === undefined) return "-";
  const gibibytes = count / 2 ** 30;
  return gibibytes >= 1 ? `${Math.round(gibibytes)}Gi` : `${Math.round(count / 2 ** 20)}Mi`;
}
