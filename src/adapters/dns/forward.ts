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

export interface ForwarderLimits {
  /** For one upstream's answer. */
  readonly tryMs: number;
  /** For so long one that was silent is asked last; twice as long after each time that it was tried in vain. */
  readonly awayMs: number;
  readonly awayMaxMs: number;
}

const LIMITS: ForwarderLimits = { tryMs: 2000, awayMs: 5000, awayMaxMs: 60_000 };
const UPSTREAMS_MAX = 4;
const IN_FLIGHT_MAX = 500;
/** One asker leaves room for others. */
const IN_FLIGHT_EACH_MAX = 100;
/** One that answered nothing so often in a row is asked last for a while: a single name may be slow for reasons of its own. */
const SILENCES_MAX = 3;
const SILENT_MAX = 64;
const SERVFAIL = 2;
const REFUSED = 5;

interface Silence {
  times: number;
  /** Since then it is asked last, for `awayMs`. */
  sinceMs: number;
  awayMs: number;
  /** A question finds out right now whether it is back. */
  isTried: boolean;
}

interface Asked {
  readonly packet: Buffer;
  readonly client: string;
  readonly over: Forwarded["over"];
}

interface Said {
  readonly answer: Buffer;
  /** Nobody else need be asked. */
  readonly isGood: boolean;
}

/** Shared by all listeners, so that its limits hold for all together. */
export class Forwarder {
  readonly #inFlight = new Map<string, number>();
  readonly #silent = new Map<string, Silence>();
  readonly #ways: Ways;
  readonly #limits: ForwarderLimits;
  readonly #now: () => number;
  #total = 0;

  constructor(ways: Ways, limits: ForwarderLimits = LIMITS, now = (): number => performance.now()) {
    this.#ways = ways;
    this.#limits = limits;
    this.#now = now;
  }

  /** The answer for the asker, one that fits what it asked over; undefined: no upstream had one. */
  async ask({ packet, client, upstreams, over }: Forwarded): Promise<Buffer | undefined> {
    const own = this.#inFlight.get(client) ?? 0;
    if (this.#total >= IN_FLIGHT_MAX || own >= IN_FLIGHT_EACH_MAX) return undefined;
    this.#total += 1;
    this.#inFlight.set(client, own + 1);
    try {
      const answer = await this.#askAll(upstreams, { packet, client, over });
      return answer === undefined || over === "tcp" || fitsDatagram(answer, packet) ? answer : cutShort(answer, packet);
    } finally {
      this.#total -= 1;
      const left = (this.#inFlight.get(client) ?? 1) - 1;
      if (left === 0) this.#inFlight.delete(client);
      else this.#inFlight.set(client, left);
    }
  }

  /** One question at a time finds out whether a silent upstream is back, and asks the others beside it: nobody waits for that. */
  async #askAll(upstreams: readonly ResolverUpstream[], asked: Asked): Promise<Buffer | undefined> {
    const due = upstreams.length > 1 ? upstreams.find((each) => this.#isDue(each)) : undefined;
    const others = this.#inOrder(upstreams.filter((each) => each !== due));
    if (due === undefined) return (await this.#askInTurn(others, asked))?.answer;
    const both = [this.#askInTurn([due], asked), this.#askInTurn(others, asked)] as const;
    const good = both.map(async (each) => {
      const said = await each;
      if (said?.isGood !== true) throw new Error("another may know better");
      return said;
    });
    return (await Promise.any(good).catch(async () => (await both[1]) ?? both[0]))?.answer;
  }

  /** One that cannot or will not answer is not the last word: another may know. What it said is given where nobody says better. */
  async #askInTurn(upstreams: readonly ResolverUpstream[], asked: Asked): Promise<Said | undefined> {
    let failure: Said | undefined;
    for (const upstream of upstreams) {
      const answer = await this.#try(upstream, asked);
      if (answer === undefined) continue;
      const said = { answer, isGood: !isFailure(answer, upstream) };
      if (said.isGood) return said;
      failure ??= said;
    }
    return failure;
  }

  async #try(upstream: ResolverUpstream, asked: Asked): Promise<Buffer | undefined> {
    const silence = this.#silent.get(keyOf(upstream));
    const isTrial = silence !== undefined && this.#isDue(upstream);
    if (isTrial) silence.isTried = true;
    const answer = await this.#askOne(upstream, asked).catch(() => undefined);
    if (isTrial) silence.isTried = false;
    if (answer === undefined) this.#wasSilent(upstream, isTrial);
    else this.#silent.delete(keyOf(upstream));
    return answer;
  }

  async #askOne(upstream: ResolverUpstream, { packet, client, over }: Asked): Promise<Buffer> {
    const id = randomInt(0x10000);
    const question = passOn(packet, id, upstream.isApp === true ? client : undefined);
    const read = (answer: Buffer): Buffer | undefined => passBack(answer, packet, id);
    const how = { ways: this.#ways, tryMs: this.#limits.tryMs };
    return (over === "udp" ? askUdp : askTcp)(upstream, how, question, read);
  }

  #inOrder(upstreams: readonly ResolverUpstream[]): readonly ResolverUpstream[] {
    const isAway = (upstream: ResolverUpstream): boolean => (this.#silent.get(keyOf(upstream))?.times ?? 0) >= SILENCES_MAX;
    return [...upstreams.filter((each) => !isAway(each)), ...upstreams.filter(isAway)].slice(0, UPSTREAMS_MAX);
  }

  /** It was asked last for long enough, and nobody tries it yet. */
  #isDue(upstream: ResolverUpstream): boolean {
    const silence = this.#silent.get(keyOf(upstream));
    if (silence === undefined || silence.times < SILENCES_MAX || silence.isTried) return false;
    return this.#now() - silence.sinceMs >= silence.awayMs;
  }

  #wasSilent(upstream: ResolverUpstream, isTrial: boolean): void {
    const key = keyOf(upstream);
    const { awayMs, awayMaxMs } = this.#limits;
    if (!this.#silent.has(key) && this.#silent.size >= SILENT_MAX) this.#silent.clear();
    const silence = this.#silent.get(key) ?? { times: 0, sinceMs: 0, awayMs, isTried: false };
    silence.times += 1;
    if (isTrial) silence.awayMs = Math.min(silence.awayMs * 2, awayMaxMs);
    if (isTrial || silence.times <= SILENCES_MAX) silence.sinceMs = this.#now();
    this.#silent.set(key, silence);
  }
}

/** An app that filters may refuse on purpose: nobody else is asked for what it keeps away. */
function isFailure(answer: Buffer, { isApp }: Pick<ResolverUpstream, "isApp">): boolean {
  const rcode = answer.readUInt8(3) & 0x0f;
  return rcode === SERVFAIL || (rcode === REFUSED && isApp !== true);
}

function keyOf({ node = "", host, port }: ResolverUpstream): string {
  return `${node} ${host} ${port}`;
}

interface How {
  readonly ways: Ways;
  readonly tryMs: number;
}

type Read = (answer: Buffer) => Buffer | undefined;

/** A session of its own, and so a source port, for each question: an answer cannot be guessed from outside. */
function askUdp(upstream: ResolverUpstream, { ways, tryMs }: How, question: Buffer, read: Read): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const timer = setTimeout(() => reject(new Error(`${upstream.host} did not answer`)), tryMs);
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

async function askTcp(upstream: ResolverUpstream, { ways, tryMs }: How, question: Buffer, read: Read): Promise<Buffer> {
  const { host, port, tcpPort = port } = upstream;
  const backend = backendOf(upstream, tcpPort);
  const socket = ways.isElsewhere(backend) ? await ways.connect(backend, { limitMs: tryMs }) : net.connect({ host, port: tcpPort });
  const timer = setTimeout(() => socket.destroy(new Error(`${host} did not answer`)), tryMs);
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
