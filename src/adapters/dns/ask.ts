// One question to one name server, or to everybody on the LAN: what `fossora dns check` asks on a person's own computer.
import { randomInt } from "node:crypto";
import dgram from "node:dgram";
import net from "node:net";
import { networkInterfaces } from "node:os";
import dnsPacket, { type DecodedPacket } from "dns-packet";
import type { DnsReply } from "../../api/dns-facts.ts";
import type { NameServer } from "../../ports.ts";
import { countsFit, HEADER_BYTES } from "./wire.ts";

const ANSWER_WITHIN_MS = 2000;
/** A datagram may be lost. */
const AGAIN_AFTER_MS = 700;
const REPLY_BYTES_MAX = 65_535;

const MDNS = { address: "224.0.0.251", port: 5353 } as const;
const INTERFACES_MAX = 16;

type Type = "A" | "AAAA" | "NS" | "SOA";

/** Throws when nothing comes within two seconds. */
export async function ask(server: NameServer, name: string, type: Type): Promise<DnsReply> {
  const id = randomInt(0x10000);
  const query = encode(id, name, type);
  const startedMs = performance.now();
  const packet = server.protocol === "tcp" ? await askTcp(server, query) : await askUdp(server, query, id);
  return replyOf(packet, performance.now() - startedMs);
}

/** The first answer of anybody on any LAN of this computer (RFC 6762, 5.1: from a port of its own). */
export async function askLocal(name: string): Promise<DnsReply> {
  const id = randomInt(0x10000);
  const query = encode(id, name, "A", "AAAA");
  const startedMs = performance.now();
  const segments = lanAddresses().map((address) => ({ address, socket: dgram.createSocket("udp4") }));
  try {
    const packet = await Promise.race([
      Promise.any(segments.map(({ socket, address }) => askSegment(socket, address, query, name))),
      late(`nobody on the LAN answered within ${ANSWER_WITHIN_MS} ms`),
    ]).catch((error: unknown) => {
      throw error instanceof AggregateError ? new Error(firstMessage(error)) : error;
    });
    return replyOf(packet, performance.now() - startedMs);
  } finally {
    for (const { socket } of segments) socket.close();
  }
}

async function askUdp({ address, port }: NameServer, query: Buffer, id: number): Promise<Buffer> {
  const socket = dgram.createSocket(net.isIPv6(address) ? "udp6" : "udp4");
  try {
    return await Promise.race([
      new Promise<Buffer>((done, fail) => {
        socket.on("error", fail);
        socket.on("message", (packet) => {
          if (packet.length >= HEADER_BYTES && packet.readUInt16BE(0) === id) done(packet);
        });
        // Where there is no way Node tells the callback, and nobody else.
        socket.connect(port, address, (error?: Error) => (error === undefined ? repeat(socket, () => socket.send(query)) : fail(error)));
      }),
      late(`no answer within ${ANSWER_WITHIN_MS} ms`),
    ]);
  } finally {
    socket.close();
  }
}

async function askTcp({ address, port }: NameServer, query: Buffer): Promise<Buffer> {
  const socket = net.connect({ host: address, port });
  try {
    return await Promise.race([
      new Promise<Buffer>((done, fail) => {
        let received: Buffer = Buffer.alloc(0);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(query.length);
        socket.write(Buffer.concat([length, query]));
        socket.on("error", fail);
        socket.on("close", () => fail(new Error("it hung up")));
        socket.on("data", (chunk: Buffer) => {
          received = Buffer.concat([received, chunk]);
          if (received.length > REPLY_BYTES_MAX + 2) return fail(new Error("its answer has no end"));
          if (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2)
            done(received.subarray(2, received.readUInt16BE(0) + 2));
        });
      }),
      late(`no answer within ${ANSWER_WITHIN_MS} ms`),
    ]);
  } finally {
    socket.destroy();
  }
}

function firstMessage({ errors }: AggregateError): string {
  const [first] = errors as readonly Error[]; // nothing else is thrown there
  return first?.message ?? "this computer is on no LAN";
}

function askSegment(socket: dgram.Socket, address: string, query: Buffer, name: string): Promise<Buffer> {
  return new Promise((done, fail) => {
    socket.on("error", fail);
    socket.on("message", (packet) => {
      // Somebody else's answer to somebody else may pass by.
      if (answersOf(packet).some((answer) => answer.name.toLowerCase() === name.toLowerCase())) done(packet);
    });
    socket.bind({ address, port: 0 }, () => {
      socket.setMulticastInterface(address);
      repeat(socket, () => socket.send(query, MDNS.port, MDNS.address, (error) => void (error && fail(error))));
    });
  });
}

function repeat(socket: dgram.Socket, send: () => void): void {
  send();
  const again = setTimeout(send, AGAIN_AFTER_MS);
  socket.once("close", () => clearTimeout(again));
}

function late(message: string): Promise<never> {
  return new Promise((_, fail) => setTimeout(() => fail(new Error(message)), ANSWER_WITHIN_MS).unref());
}

function lanAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address }) => address)
    .slice(0, INTERFACES_MAX);
}

function encode(id: number, name: string, ...types: readonly Type[]): Buffer {
  const questions = types.map((type) => ({ type, class: "IN" as const, name }));
  return dnsPacket.encode({ type: "query", id, flags: dnsPacket.RECURSION_DESIRED, questions });
}

function answersOf(packet: Buffer): readonly dnsPacket.Answer[] {
  try {
    return decode(packet).answers ?? [];
  } catch {
    return [];
  }
}

/** Throws where the bytes are none of DNS. */
function replyOf(packet: Buffer, ms: number): DnsReply {
  const decoded = decode(packet);
  return {
    // Its types leave the code out, which the decoder always sets.
    rcode: (decoded as DecodedPacket & { readonly rcode: string }).rcode,
    authoritative: decoded.flag_aa,
    answers: (decoded.answers ?? []).flatMap(shown),
    ms,
  };
}

function decode(packet: Buffer): DecodedPacket {
  if (!countsFit(packet)) throw new Error("its answer is no DNS message");
  return dnsPacket.decode(packet);
}

function shown(answer: dnsPacket.Answer): DnsReply["answers"] {
  switch (answer.type) {
    case "A":
    case "AAAA":
    case "NS":
    case "CNAME":
      return [{ type: answer.type, data: answer.data }];
    case "SOA":
      return [{ type: answer.type, data: answer.data.mname }];
    default:
      return [];
  }
}
