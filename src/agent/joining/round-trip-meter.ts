// How long it takes to another node and back, as the network alone has it: a TCP connection is answered by the kernel over there, however
// busy its programs are, and what this program was late itself is taken off.
import { createConnection } from "node:net";
import { performance } from "node:perf_hooks";

export interface MeterTarget {
  readonly address: string;
  readonly port: number;
  /** Which of this computer's addresses to speak from; absent: what the route says. */
  readonly localAddress?: string;
}

/** Of which the kernel repeats its question: what took longer tells of a lost packet, as of a cut or a boot, and not of the way. */
const LIMIT_MS = 900;
const BEAT_MS = 5;

/** Milliseconds; undefined: nobody answered, which is another one's concern. */
export async function measureRoundTrip({ address, port, localAddress }: MeterTarget, signal: AbortSignal): Promise<number | undefined> {
  const lateness = new Lateness();
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const socket = createConnection({ host: address, port, ...(localAddress !== undefined && { localAddress }) });
  const onAbort = (): void => resolve(undefined);
  const timer = setTimeout(onAbort, LIMIT_MS);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("connect", () => resolve(lateness.onTime()));
  socket.on("error", onAbort);
  try {
    return await promise;
  } finally {
    socket.destroy();
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    lateness.end();
  }
}

/** Time since the beginning, without the moments in which this program was busy with something else. */
class Lateness {
  readonly #startedAtMs = performance.now();
  #beatAtMs = this.#startedAtMs;
  #lateMs = 0;
  readonly #beat = setInterval(() => this.#look(), BEAT_MS);

  onTime(): number {
    this.#look();
    return Math.max(0, this.#beatAtMs - this.#startedAtMs - this.#lateMs);
  }

  end(): void {
    clearInterval(this.#beat);
  }

  #look(): void {
    const nowMs = performance.now();
    this.#lateMs += Math.max(0, nowMs - this.#beatAtMs - 2 * BEAT_MS);
    this.#beatAtMs = nowMs;
  }
}
