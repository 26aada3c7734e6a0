// A name server for tests that answers as it is told, over UDP and TCP on one port of loopback, and remembers what it was asked.
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import dnsPacket from "dns-packet";
import { soon } from "./ingress.ts";

export interface TestNameServer {
  readonly port: number;
  readonly asked: readonly Buffer[];
  stop(): void;
}

/** `answer` makes the reply of a question; undefined: none. Absent: one address for every name. */
export async function startNameServer(
  answer: (question: Buffer, over: "udp" | "tcp") => Buffer | undefined = (question) => addressAnswer(question, "203.0.113.7"),
): Promise<TestNameServer> {
  const asked: Buffer[] = [];
  const reply = (question: Buffer, over: "udp" | "tcp"): Buffer | undefined => {
    asked.push(question);
    return answer(question, over);
  };
  const { udp, tcp } = await bothOnOnePort();
  udp.on("message", (packet, sender) => {
    const found = reply(packet, "udp");
    if (found !== undefined) udp.send(found, sender.port, sender.address);
  });
  tcp.on("connection", (socket: net.Socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      const found = reply(chunk.subarray(2), "tcp");
      if (found !== undefined) socket.write(framed(found));
    });
  });
  return {
    port: udp.address().port,
    asked,
    stop() {
      udp.close();
      tcp.close();
    },
  };
}

/** A port that is free for one may be taken for the other. */
async function bothOnOnePort(): Promise<{ readonly udp: dgram.Socket; readonly tcp: net.Server }> {
  for (let tries = 0; ; tries += 1) {
    const udp = dgram.createSocket("udp4").bind(0, "127.0.0.1");
    await once(udp, "listening");
    const tcp = net.createServer().listen(udp.address().port, "127.0.0.1");
    try {
      await once(tcp, "listening");
      return { udp, tcp };
    } catch (error) {
      udp.close();
      if (tries === 20) throw error;
    }
  }
}

export function addressAnswer(packet: Buffer, address: string, count = 1): Buffer {
  const { id, questions = [] } = dnsPacket.decode(packet);
  const answers = questions.flatMap(({ name }) =>
    Array.from({ length: count }, () => ({ name, type: "A" as const, ttl: 60, data: address })),
  );
  return dnsPacket.encode({ type: "response", id: id ?? 0, flags: dnsPacket.RECURSION_AVAILABLE, questions, answers });
}

export type Answer = dnsPacket.DecodedPacket & { readonly rcode?: string };

export interface Ask {
  readonly type?: string;
  /** Of the server. */
  readonly address?: string;
  /** Of the asker. */
  readonly from?: string;
  readonly flags?: number;
  readonly additionals?: readonly dnsPacket.Answer[];
}

export function question(name: string, { type = "A", flags = dnsPacket.RECURSION_DESIRED, additionals = [] }: Ask = {}, id = 1): Buffer {
  return dnsPacket.encode({ type: "query", id, flags, questions: [{ name, type: type as "A" }], additionals: [...additionals] });
}

export async function sendUdp(port: number, packet: Buffer, { address = "127.0.0.1", from }: Ask = {}): Promise<Buffer> {
  const socket = dgram.createSocket(net.isIPv6(address) ? "udp6" : "udp4");
  if (from !== undefined) await new Promise<void>((done) => socket.bind(0, from, done));
  socket.send(packet, port, address);
  try {
    const [reply] = (await once(socket, "message", { signal: soon() })) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
}

export async function askUdp(port: number, name: string, ask: Ask = {}): Promise<Answer> {
  return dnsPacket.decode(await sendUdp(port, question(name, ask), ask));
}

export async function askTcp(port: number, name: string, ask: Ask = {}): Promise<Answer> {
  const socket = net.connect({ port, host: ask.address ?? "127.0.0.1", ...(ask.from !== undefined && { localAddress: ask.from }) });
  socket.write(framed(question(name, ask)));
  const [packet] = await readFramed(socket, 1);
  socket.destroy();
  if (packet === undefined) throw new Error("the name server hung up");
  return packet;
}

export function addressesIn({ answers = [] }: Answer): readonly unknown[] {
  return answers.map((row) => "data" in row && row.data);
}

export function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

export async function readFramed(socket: net.Socket, count: number): Promise<readonly Answer[]> {
  const packets: Answer[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= rest.readUInt16BE(0) + 2) {
      packets.push(dnsPacket.decode(rest.subarray(2, rest.readUInt16BE(0) + 2)));
      rest = rest.subarray(rest.readUInt16BE(0) + 2);
    }
    if (packets.length >= count) break;
  }
  return packets;
}
