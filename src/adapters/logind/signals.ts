// What logind says, as `busctl` prints it: one JSON object a line. Pure.

/** `begins`: the machine is about to; else it is over, after a sleep. */
export interface PowerSignal {
  readonly what: "shutdown" | "sleep";
  readonly begins: boolean;
}

/** Undefined: it is about something else. */
export function parseSignal(line: string): PowerSignal | undefined {
  const { member, payload } = parse(line);
  const [begins] = payload?.data ?? [];
  if (typeof begins !== "boolean") return undefined;
  if (member === "PrepareForShutdown") return { what: "shutdown", begins };
  return member === "PrepareForSleep" ? { what: "sleep", begins } : undefined;
}

/** Of `busctl --json=short get-property ... InhibitDelayMaxUSec`; undefined: it cannot be read. */
export function parseDelayMs(text: string): number | undefined {
  const { data } = parse(text);
  return typeof data === "number" && data > 0 ? data / 1000 : undefined;
}

interface Printed {
  readonly member?: unknown;
  readonly payload?: { readonly data?: readonly unknown[] };
  readonly data?: unknown;
}

function parse(text: string): Printed {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {}; // a line that was cut off
  }
}
