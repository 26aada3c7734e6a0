// DNS on one address and port, UDP and TCP: bytes in, bytes out. What to say is somebody else's decision.
import dgram from "node:dgram";
import net from "node:net";
import type { Listen, ListenAt, Listening, Log } from "../../ports.ts";
import { decodeQuery, encodeAnswer, encodeDatagram, refusal, truncated, type Answer, type Query } from "./codec.ts";
import { forwardTcp, forwardUdp, type Forwarder } from "./forward.ts";
import { RateLimit } from "./rate-limit.ts";

export interface Peer {
  /** The local address that was asked. */
  readonly asked: string;
  readonly client: string;
}

export type Reply =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** Ask these in the peer's stead. */
  | { readonly kind: "forward"; readonly upstreams: readonly string[] }
  /** Somebody from the internet: refused, and not often. */
  | { readonly kind: "stranger" };

export interface DnsOptions {
  readonly reply: (question: Query["question"], peer: Peer) => Reply;
  readonly forwarder: Forwarder;
  readonly log: Log;
}

/** As much as the kernel allows: on a busy machine the default of 250 small questions was seen to run over. */
const RECEIVE_BYTES = 1024 * 1024;
const SMALL_BYTES = 512;
const LARGE_PER_SECOND = 1000;
const STRANGERS_PER_SECOND = 20;
const TCP_IDLE_MS = 10_000;
const TCP_CONNECTIONS_MAX = 256;
/** A question is at most 12 + 255 + 4 bytes and its options; whoever sends more does not ask for a name. */
const TCP_QUESTION_BYTES_MAX = 4096;
const TCP_UNSENT_BYTES_MAX = 256 * 1024;
const UDP_DRAIN_POLL_MS = 20;
const UDP_DRAIN_MS = 10_000;

/** Opens both or neither; handed down as UDP, TCP. */
export function dnsListener(options: DnsOptions): Listen {
  const large = new RateLimit(LARGE_PER_SECOND);
  const strangers = new RateLimit(STRANGERS_PER_SECOND);

  return async (address, at) => {
    const datagrams = new Datagrams(options, address, { large, strangers });
    const [udpFd, tcpFd] = "fds" in at ? at.fds : [];
    await datagrams.bind(udpFd === undefined ? at : { fds: [udpFd] });
    try {
      const tcp = await listenTcp(options, address, tcpFd === undefined ? { port: datagrams.port } : { fds: [tcpFd] }, strangers);
      return combine(datagrams, tcp);
    } catch (cause) {
      await datagrams.drain();
      throw cause;
    }
  };
}

function combine(datagrams: Datagrams, tcp: net.Server): Listening {
  return {
    port: datagrams.port,
    sockets: [datagrams.socket, tcp],
    async drain() {
      await Promise.all([datagrams.drain(), new Promise<void>((done) => tcp.close(() => done()))]);
    },
  };
}

class Datagrams {
  readonly #options: DnsOptions;
  readonly #address: string;
  readonly #limits: { readonly large: RateLimit; readonly strangers: RateLimit };
  readonly #socket: dgram.Socket;
  #inFlight = 0;

  constructor(options: DnsOptions, address: string, limits: { readonly large: RateLimit; readonly strangers: RateLimit }) {
    this.#options = options;
    this.#address = address;
    this.#limits = limits;
    const family = net.isIPv6(address) ? 6 : 4;
    // Answers go to addresses, never to names: nothing to look up.
    const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, host, family);
    this.#socket = dgram.createSocket({ type: `udp${family}`, ipv6Only: family === 6, lookup, recvBufferSize: RECEIVE_BYTES });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get socket(): dgram.Socket {
    return this.#socket;
  }

  async bind(at: ListenAt): Promise<void> {
    await new Promise<void>((done, fail) => {
      this.#socket.once("error", fail);
      const ready = (): void => {
        this.#socket.off("error", fail);
        done();
      };
      const [fd] = "fds" in at ? at.fds : [];
      if (fd === undefined) this.#socket.bind({ port: "port" in at ? at.port : 0, address: this.#address }, ready);
      else this.#socket.bind({ fd }, ready);
    }).catch((cause: unknown) => {
      this.#socket.close();
      throw cause;
    });
    this.#socket.on("error", (error) => this.#options.log.warn("DNS socket failed", { address: this.#address, error: error.message }));
    this.#socket.on("message", (packet, sender) => this.#receive(packet, sender));
  }

  /** Answers what it already took; the next process reads what is still in the kernel's queue. */
  async drain(): Promise<void> {
    for (let waited = 0; this.#inFlight > 0 && waited < UDP_DRAIN_MS; waited += UDP_DRAIN_POLL_MS) {
      await new Promise((done) => setTimeout(done, UDP_DRAIN_POLL_MS));
    }
    await new Promise<void>((done) => this.#socket.close(done));
  }

  #receive(packet: Buffer, sender: dgram.RemoteInfo): void {
    if (sender.port === 0) return; // nobody can be answered there, and Node throws at it
    const decoded = decodeQuery(packet);
    if (decoded.kind === "ignore") return;
    const peer = { asked: this.#address, client: sender.address };
    const now = Date.now();
    if (decoded.kind === "error") {
      if (this.#limits.large.take(peer.client, now)) this.#send(decoded.reply, sender);
      return;
    }
    const { query } = decoded;
    const reply = this.#options.reply(query.question, peer);
    switch (reply.kind) {
      case "answer": {
        const whole = encodeDatagram(query, reply.answer);
        const fits = whole.length <= SMALL_BYTES || this.#limits.large.take(peer.client, now);
        return this.#send(fits ? whole : truncated(query), sender);
      }
      case "stranger":
        if (this.#limits.strangers.take("all", now)) this.#send(refusal(query, "REFUSED"), sender);
        return;
      case "forward":
        this.#inFlight += 1;
        void forwardUdp(this.#options.forwarder, packet, reply.upstreams).then((answer) => {
          this.#inFlight -= 1;
          this.#send(answer ?? refusal(query, "SERVFAIL"), sender);
        });
    }
  }

  #send(packet: Buffer, to: dgram.RemoteInfo): void {
    this.#inFlight += 1;
    // An asker that is gone is no error of ours.
    this.#socket.send(packet, to.port, to.address, () => (this.#inFlight -= 1));
  }
}

async function listenTcp(options: DnsOptions, address: string, at: ListenAt, strangers: RateLimit): Promise<net.Server> {
  const server = net.createServer({ noDelay: true }, (socket) => converse(options, address, socket, strangers));
  server.maxConnections = TCP_CONNECTIONS_MAX;
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

/** One connection, any number of questions on it, each with its length before it (RFC 7766). */
function converse(options: DnsOptions, asked: string, socket: net.Socket, strangers: RateLimit): void {
  const peer = { asked, client: socket.remoteAddress ?? "" };
  let rest: Buffer = Buffer.alloc(0);
  socket.setTimeout(TCP_IDLE_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 2) {
      const length = rest.readUInt16BE(0);
      if (length > TCP_QUESTION_BYTES_MAX || socket.writableLength > TCP_UNSENT_BYTES_MAX) return socket.destroy();
      if (rest.length < length + 2) return undefined;
      const packet = rest.subarray(2, length + 2);
      rest = rest.subarray(length + 2);
      answerTcp(options, packet, peer, { socket, strangers });
    }
    return undefined;
  });
}

function answerTcp(
  options: DnsOptions,
  packet: Buffer,
  peer: Peer,
  { socket, strangers }: { readonly socket: net.Socket; readonly strangers: RateLimit },
): void {
  const send = (reply: Buffer): void => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(reply.length);
    if (socket.writable) socket.write(Buffer.concat([length, reply]));
  };
  const decoded = decodeQuery(packet);
  if (decoded.kind === "ignore") return void socket.destroy();
  if (decoded.kind === "error") return send(decoded.reply);
  const { query } = decoded;
  const reply = options.reply(query.question, peer);
  switch (reply.kind) {
    case "answer":
      return send(encodeAnswer(query, reply.answer));
    case "stranger":
      if (strangers.take("all", Date.now())) send(refusal(query, "REFUSED"));
      else socket.destroy();
      return undefined;
    case "forward":
      void forwardTcp(options.forwarder, packet, reply.upstreams).then((answer) => send(answer ?? refusal(query, "SERVFAIL")));
      return undefined;
  }
}
