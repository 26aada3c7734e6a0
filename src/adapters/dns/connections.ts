// DNS over TCP on one address: one connection, any number of questions on it, each with its length before it (RFC 7766).
import net from "node:net";
import type { Peer } from "../../api/dns-reply.ts";
import type { ListenAt } from "../../ports.ts";
import { decodeQuery, encodeAnswer, joined, questionFor, refusal } from "./codec.ts";
import type { Forwarded } from "./forward.ts";
import type { Limits } from "./rate-limit.ts";
import { codeOf, type DnsOptions } from "./reply.ts";

const IDLE_MS = 10_000;
const CONNECTIONS_MAX = 256;
/** One asker leaves room for others. */
const CONNECTIONS_EACH_MAX = 32;
/** A question is at most 12 + 255 + 4 bytes and its options; whoever sends more does not ask for a name. */
const QUESTION_BYTES_MAX = 4096;
const UNSENT_BYTES_MAX = 256 * 1024;

export async function listenTcp(options: DnsOptions, address: string, at: ListenAt, limits: Limits): Promise<net.Server> {
  const open = new Map<string, number>();
  const server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const client = socket.remoteAddress ?? "";
    const own = open.get(client) ?? 0;
    if (own >= CONNECTIONS_EACH_MAX) return void socket.destroy();
    open.set(client, own + 1);
    socket.once("close", () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left === 0) open.delete(client);
      else open.set(client, left);
    });
    converse(options, { asked: address, client }, socket, limits);
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    const [fd] = "fds" in at ? at.fds : [];
    server.listen(fd === undefined ? { port: "port" in at ? at.port : 0, host: address, ipv6Only: net.isIPv6(address) } : { fd }, () => {
      server.off("error", fail);
      done();
    });
  });
  server.on("error", (error) => options.log.warn("DNS socket failed", { address, error: error.message }));
  return server;
}

function converse(options: DnsOptions, peer: Peer, socket: net.Socket, limits: Limits): void {
  const conversation: Conversation = { socket, limits, waiting: 0, hasEnded: false };
  let rest: Buffer = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  // Who asked all that it wanted to ask still waits for the answers.
  socket.on("end", () => {
    conversation.hasEnded = true;
    if (conversation.waiting === 0) socket.end();
  });
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0);
      if (length > QUESTION_BYTES_MAX || socket.writableLength > UNSENT_BYTES_MAX) return socket.destroy();
      if (rest.length < length + 2) return undefined;
      const packet = rest.subarray(2, length + 2);
      rest = rest.subarray(length + 2);
      if (!answer(options, packet, peer, conversation)) return socket.destroy();
    }
    return undefined;
  });
}

interface Conversation {
  readonly socket: net.Socket;
  readonly limits: Limits;
  /** Questions that others were asked. */
  waiting: number;
  hasEnded: boolean;
}

/** False: with this one there is nothing more to say. */
function answer(options: DnsOptions, packet: Buffer, peer: Peer, conversation: Conversation): boolean {
  const { socket, limits } = conversation;
  const send = (reply: Buffer): true => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    if (socket.writable) socket.write(Buffer.concat([length, reply]));
    return true;
  };
  const later = (asked: Pick<Forwarded, "packet" | "upstreams">, make: (found: Buffer | undefined) => Buffer): true => {
    conversation.waiting += 1;
    void options.forwarder.ask({ ...asked, client: peer.client, over: "tcp" }).then((found) => {
      conversation.waiting -= 1;
      send(make(found));
      if (conversation.hasEnded && conversation.waiting === 0) socket.end();
    });
    return true;
  };
  const decoded = decodeQuery(packet);
  if (decoded.kind === "ignore") return false;
  if (decoded.kind === "error") options.counted("malformed");
  if (options.placeOf(peer) === undefined && !limits.stranger()) return false;
  if (decoded.kind === "error") return send(decoded.reply);
  const { query } = decoded;
  const reply = options.reply(query.question, peer);
  options.counted(codeOf(reply));
  switch (reply.kind) {
    case "answer":
      if (reply.follow !== undefined && query.recursionDesired) {
        const { name, upstreams } = reply.follow;
        return later({ packet: questionFor(query, name), upstreams }, (rest) => joined(query, reply.answer, rest));
      }
      return send(encodeAnswer(query, reply.answer, reply.recursion));
    case "stranger":
      return send(refusal(query, "REFUSED"));
    case "forward":
      if (!query.recursionDesired) return send(refusal(query, "REFUSED"));
      return later({ packet, upstreams: reply.upstreams }, (found) => found ?? refusal(query, "SERVFAIL"));
  }
}
