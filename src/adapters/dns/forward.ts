// Asks other name servers in somebody's stead, one after the other, and no more at once than it can bear.
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import type { Backend, ResolverUpstream } from "../../api/table.ts";
import type { DatagramSession, Ways } from "../../ports.ts";
import { cutShort, fitsDatagram, passBack, passOn } from "./passed-on.ts";

export interface Forwarded {
  /** As the asker sent it, read by the codec before. */
  readonly packet: Buffer;
  readonly client: string;
  readonly upstreams: readonly ResolverUpstream[];
  readonly over: "udp" | "tcp";
}

const TRY_MS = 2000;
const UPSTREAMS_MAX = 4;
const IN_FLIGHT_MAX = 500;
/** One asker leaves room for others. */
const IN_FLIGHT_EACH_MAX = 100;
/** One that answered nothing so often in a row is asked last for a while: a single name may be slow for reasons of its own. */
const SILENCES_MAX = 3;
const AWAY_MS = 5000;
const SILENT_MAX = 64;

/** Shared by all listeners, so that its limits hold for all together. */
export class Forwarder {
  readonly #inFlight = new Map<string, number>();
  readonly #silent = new Map<string, { readonly times: number; readonly atMs: number }>();
  readonly #ways: Ways;
  #total = 0;

  constructor(ways: Ways) {
    this.#ways = ways;
  }

  /** The answer for the asker, one that fits what it asked over; undefined: no upstream had one. */
  async ask({ packet, client, upstreams, over }: Forwarded): Promise<Buffer | undefined> {
    const own = this.#inFlight.get(client) ?? 0;
    if (this.#total >= IN_FLIGHT_MAX || own >= IN_FLIGHT_EACH_MAX) return undefined;
    this.#total += 1;
    this.#inFlight.set(client, own + 1);
    try {
      for (const upstream of this.#inOrder(upstreams)) {
        const answer = await this.#askOne(upstream, packet, client, over).catch(() => undefined);
        this.#heard(upstream, answer !== undefined);
        if (answer !== undefined) return over === "tcp" || fitsDatagram(answer, packet) ? answer : cutShort(answer, packet);
      }
      return undefined;
    } finally {
      this.#total -= 1;
      const left = (this.#inFlight.get(client) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(client);
      else this.#inFlight.set(client, left);
    }
  }

  async #askOne(upstream: ResolverUpstream, packet: Buffer, client: string, over: Forwarded["over"]): Promise<Buffer> {
    const id = randomInt(0x10000);
    const question = passOn(packet, id, upstream.isApp === true ? client : undefined);
    const read = (answer: Buffer): Buffer | undefined => passBack(answer, packet, id);
    return (over === "udp" ? askUdp : askTcp)(upstream, this.#ways, question, read);
  }

  #inOrder(upstreams: readonly ResolverUpstream[]): readonly ResolverUpstream[] {
    const now = performance.now();
    const isAway = (upstream: ResolverUpstream): boolean => {
      const { times = 0, atMs = 0 } = this.#silent.get(keyOf(upstream)) ?? {};
      return times >= SILENCES_MAX && now - atMs < AWAY_MS;
    };
    return [...upstreams.filter((each) => !isAway(each)), ...upstreams.filter(isAway)].slice(0, UPSTREAMS_MAX);
  }

  #heard(upstream: ResolverUpstream, hasAnswered: boolean): void {
    const key = keyOf(upstream);
    const times = this.#silent.get(key)?.times ?? 0;
    if (hasAnswered) this.#silent.delete(key);
    else {
      if (this.#silent.size >= SILENT_MAX) this.#silent.clear();
      this.#silent.set(key, { times: times + 1, atMs: performance.now() });
    }
  }
}

function keyOf({ node = "", host, port }: ResolverUpstream): string {
  return `${node} ${host} ${port}`;
}

type Read = (answer: Buffer) => Buffer | undefined;

/** A session of its own, and so a source port, for each question: an answer cannot be guessed from outside. */
function askUdp(upstream: ResolverUpstream, ways: Ways, question: Buffer, read: Read): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => reject(new Error(`${upstream.host} did not answer`)), TRY_MS);
  const message = (packet: Buffer): void => {
    const answer = read(packet);
    if (answer !== undefined) resolve(answer);
  };
  const backend = backendOf(upstream, upstream.port);
  const close = ways.isElsewhere(backend)
    ? askThrough(ways, backend, question, { message, closed: reject })
    : askHere(upstream, question, message, reject);
  return promise.finally(() => {
    clearTimeout(timer);
    close();
  });
}

function askThrough(ways: Ways, backend: Backend, question: Buffer, session: DatagramSession): () => void {
  const way = ways.datagrams(backend, session);
  way.send(question);
  return () => way.close();
}

function askHere(
  { host, port }: ResolverUpstream,
  question: Buffer,
  message: (packet: Buffer) => void,
  failed: (error: Error) => void,
): () => void {
  const socket = dgram.createSocket(net.isIPv6(host) ? "udp6" : "udp4");
  socket.on("error", failed);
  socket.on("message", message);
  // Where there is no way Node tells the callback, and nobody else.
  socket.connect(port, host, (error?: Error) => (error === undefined ? socket.send(question) : failed(error)));
  return () => socket.close();
}

async function askTcp(upstream: ResolverUpstream, ways: Ways, question: Buffer, read: Read): Promise<Buffer> {
  const { host, port, tcpPort = port } = upstream;
  const backend = backendOf(upstream, tcpPort);
  const socket = ways.isElsewhere(backend) ? await ways.connect(backend, { limitMs: TRY_MS }) : net.connect({ host, port: tcpPort });
  const timer = setTimeout(() => socket.destroy(new Error(`${host} did not answer`)), TRY_MS);
  return new Promise<Buffer>((done, fail) => {
    let received: Buffer = Buffer.alloc(0);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(question.length);
    socket.write(Buffer.concat([length, question]));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error(`${host} hung up`)));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      const answer = read(received.subarray(2, received.readUInt16BE(0) + 2));
      if (answer === undefined) fail(new Error(`${host} answered something else`));
      else done(answer);
    });
    socket.resume();
  }).finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

function backendOf({ node = "", instance = "", host }: ResolverUpstream, port: number): Backend {
  return { node, instance, host, port };
}
