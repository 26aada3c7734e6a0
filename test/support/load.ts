// Steady load on a house while something is done to it: requests by name and DNS queries at a fixed rate, every failure kept.
import dgram from "node:dgram";
import http from "node:http";
import dnsPacket from "dns-packet";
import { until } from "./until.ts";

export interface LoadOptions {
  /** Address of the node. */
  readonly address: string;
  readonly httpPort: number;
  readonly dnsPort: number;
  /** Asked by HTTP and DNS alike: `hello.home.internal`. */
  readonly host: string;
  /** Absent: `/`. */
  readonly path?: string;
  /** Every so many requests is a POST, which nobody may say twice; absent: none. */
  readonly postEvery?: number;
  readonly requestsPerSecond: number;
  readonly queriesPerSecond: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly queries: number;
  readonly failures: readonly LoadFailure[];
  /** ms, of the requests that were answered. */
  readonly slowestMs: number;
  /** Longest time between two answers, ms: the outage as a person sees it. */
  readonly longestGapMs: number;
}

export interface LoadFailure {
  /** When it was asked, ms since the start. */
  readonly atMs: number;
  readonly what: string;
}

const requestLimitMs = 15_000;
const queryLimitMs = 3_000;
const answersLimitMs = 120_000;
/** Every tenth request opens a connection of its own: a hand-over that only kept connections survive would be half of it. */
const freshEvery = 10;

export interface Load {
  /** Resolves once as many more requests were answered. */
  answers(count: number): Promise<void>;
  /** Since its start. */
  passedMs(): number;
  stop(): Promise<LoadResult>;
}

/** Runs until `stop()`, which waits for what is under way and answers the sum. */
export function startLoad(options: LoadOptions): Load {
  const startedAt = performance.now();
  const failures: LoadFailure[] = [];
  const pending = new Set<Promise<void>>();
  const agent = new http.Agent({ keepAlive: true });
  const socket = new QuerySocket(options.address, options.dnsPort);
  let [requests, queries, answered, slowestMs, longestGapMs, lastAnswer] = [0, 0, 0, 0, 0, startedAt];

  const track = (what: string, run: Promise<void>): void => {
    const atMs = Math.round(performance.now() - startedAt);
    const tracked: Promise<void> = run
      .catch((error: unknown) => {
        const tookMs = Math.round(performance.now() - startedAt) - atMs;
        failures.push({ atMs, what: `${what}: ${error instanceof Error ? error.message : String(error)} after ${tookMs} ms` });
      })
      .finally(() => pending.delete(tracked));
    pending.add(tracked);
  };
  const request = async (): Promise<void> => {
    const began = performance.now();
    const isPost = options.postEvery !== undefined && requests % options.postEvery === 0;
    await ask(options, { agent: requests % freshEvery === 0 ? false : agent, method: isPost ? "POST" : "GET" });
    const now = performance.now();
    answered++;
    slowestMs = Math.max(slowestMs, now - began);
    longestGapMs = Math.max(longestGapMs, now - lastAnswer);
    lastAnswer = now;
  };
  // Open loop: what is due is sent whether or not the last one was answered, else a stall would hide itself.
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1000;
    for (; requests < seconds * options.requestsPerSecond; requests++) track("GET", request());
    for (; queries < seconds * options.queriesPerSecond; queries++) track("DNS", socket.ask(options.host));
  }, 5);

  return {
    async answers(count) {
      const wanted = answered + count;
      await until(`${count} more answers`, () => answered >= wanted, answersLimitMs);
    },
    passedMs: () => performance.now() - startedAt,
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      agent.destroy();
      socket.close();
      return { requests, queries, failures, slowestMs: Math.round(slowestMs), longestGapMs: Math.round(longestGapMs) };
    },
  };
}

/** Ten times the second that another ingress takes. */
const outageMaxMs = 10_000;
/** Asked just before, and under way in that moment. */
const underWayMaxMs = 1_000;

/** Without those that the end of the one process that answers people explains, which ended `endedMs` after the start. */
export function failuresBesides(endedMs: number, failures: readonly LoadFailure[]): readonly LoadFailure[] {
  return failures.filter(({ atMs }) => atMs < endedMs - underWayMaxMs || atMs > endedMs + outageMaxMs);
}

function ask(
  options: LoadOptions,
  { agent, method }: { readonly agent: http.Agent | false; readonly method: "GET" | "POST" },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const { address, httpPort, path = "/", host } = options;
    const request = http.request(
      { host: address, port: httpPort, path, method, agent, headers: { host }, timeout: requestLimitMs },
      (response) => {
        response.on("error", reject);
        response.on("data", () => {});
        response.on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`status ${response.statusCode}`))));
      },
    );
    request.on("timeout", () => request.destroy(new Error(`no answer within ${requestLimitMs} ms`)));
    request.on("error", reject);
    request.end(method === "POST" ? "x" : undefined);
  });
}

/** One UDP socket; answers are matched by id. */
class QuerySocket {
  readonly #socket = dgram.createSocket("udp4");
  readonly #waiting = new Map<number, (answers: number) => void>();
  readonly #address: string;
  readonly #port: number;
  #id = 0;

  constructor(address: string, port: number) {
    this.#address = address;
    this.#port = port;
    this.#socket.on("message", (message) => {
      const packet = dnsPacket.decode(message);
      this.#waiting.get(packet.id ?? -1)?.(packet.answers?.length ?? 0);
    });
    this.#socket.on("error", () => {}); // the query's own limit tells
    this.#socket.unref();
  }

  async ask(name: string): Promise<void> {
    const id = (this.#id = (this.#id + 1) % 65536);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    // This process itself may have stood still: what has arrived meanwhile is heard first.
    const timer = setTimeout(
      () => setImmediate(() => setImmediate(() => reject(new Error(`no answer within ${queryLimitMs} ms`)))),
      queryLimitMs,
    );
    this.#waiting.set(id, resolve);
    this.#socket.send(
      dnsPacket.encode({ id, type: "query", flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: "A" }] }),
      this.#port,
      this.#address,
    );
    try {
      if ((await promise) === 0) throw new Error("an answer without addresses");
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
