// Asks the host's own name servers in a container's stead: the packet goes on as it came but for its id.
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";

const TRY_MS = 2000;
const UPSTREAMS_MAX = 3;
const IN_FLIGHT_MAX = 500;
const DNS_PORT = 53;

/** Shared by all listeners, so that its limit holds for all together. */
export class Forwarder {
  #inFlight = 0;

  /** Runs `ask` with one upstream after the other until one answers; undefined: none did. */
  async first(upstreams: readonly string[], ask: (upstream: string) => Promise<Buffer>): Promise<Buffer | undefined> {
    if (this.#inFlight >= IN_FLIGHT_MAX) return undefined;
    this.#inFlight += 1;
    try {
      for (const upstream of upstreams.slice(0, UPSTREAMS_MAX)) {
        const answer = await ask(upstream).catch(() => undefined);
        if (answer !== undefined) return answer;
      }
      return undefined;
    } finally {
      this.#inFlight -= 1;
    }
  }
}

export function forwardUdp(forwarder: Forwarder, packet: Buffer, upstreams: readonly string[]): Promise<Buffer | undefined> {
  return forwarder.first(upstreams, (upstream) => askUdp(packet, upstream));
}

export function forwardTcp(forwarder: Forwarder, packet: Buffer, upstreams: readonly string[]): Promise<Buffer | undefined> {
  return forwarder.first(upstreams, (upstream) => askTcp(packet, upstream));
}

/** A socket, and so a source port, of its own for each question: an answer cannot be guessed from outside. */
function askUdp(packet: Buffer, upstream: string): Promise<Buffer> {
  const { host, port } = endpoint(upstream);
  const socket = dgram.createSocket(net.isIPv6(host) ? "udp6" : "udp4");
  const id = randomInt(0x10000);
  return new Promise<Buffer>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`${upstream} did not answer`)), TRY_MS);
    socket.once("close", () => clearTimeout(timer));
    socket.on("error", fail);
    socket.on("message", (answer) => {
      if (answersTo(answer, packet, id)) done(withId(answer, packet.readUInt16BE(0)));
    });
    socket.connect(port, host, () => socket.send(withId(packet, id)));
  }).finally(() => socket.close());
}

function askTcp(packet: Buffer, upstream: string): Promise<Buffer> {
  const { host, port } = endpoint(upstream);
  const socket = net.connect({ host, port, timeout: TRY_MS });
  const id = randomInt(0x10000);
  return new Promise<Buffer>((done, fail) => {
    let received: Buffer = Buffer.alloc(0);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(packet.length);
    socket.write(Buffer.concat([length, withId(packet, id)]));
    socket.on("timeout", () => fail(new Error(`${upstream} did not answer`)));
    socket.on("error", fail);
    socket.on("close", () => fail(new Error(`${upstream} hung up`)));
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      const answer = received.subarray(2, received.readUInt16BE(0) + 2);
      if (answersTo(answer, packet, id)) done(withId(answer, packet.readUInt16BE(0)));
      else fail(new Error(`${upstream} answered something else`));
    });
  }).finally(() => socket.destroy());
}

/** Same id, a response, and the question repeated byte by byte but for the name's case. */
function answersTo(answer: Buffer, packet: Buffer, id: number): boolean {
  if (answer.length < 12 || answer.readUInt16BE(0) !== id || (answer.readUInt16BE(2) & 0x8000) === 0) return false;
  const end = questionEnd(packet);
  return answer.subarray(12, end).toString("latin1").toLowerCase() === packet.subarray(12, end).toString("latin1").toLowerCase();
}

function questionEnd(packet: Buffer): number {
  let offset = 12;
  while ((packet[offset] ?? 0) !== 0) offset += (packet[offset] ?? 0) + 1;
  return offset + 5; // the root label, type and class
}

function withId(packet: Buffer, id: number): Buffer {
  const copy = Buffer.from(packet);
  copy.writeUInt16BE(id, 0);
  return copy;
}

/** `ADDRESS`, `ADDRESS:PORT` (IPv4) or `[ADDRESS]:PORT`. */
function endpoint(upstream: string): { readonly host: string; readonly port: number } {
  if (net.isIP(upstream) !== 0) return { host: upstream, port: DNS_PORT };
  const colon = upstream.lastIndexOf(":");
  return { host: upstream.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(upstream.slice(colon + 1)) };
}
