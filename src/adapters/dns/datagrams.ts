// DNS over UDP on one address: nearly every question is answered from bytes that are kept, the others are decoded and decided.
import dgram from "node:dgram";
import net from "node:net";
import type { Peer, Reply } from "../../api/dns-reply.ts";
import type { ListenAt } from "../../ports.ts";
import { AnswerCache } from "./answer-cache.ts";
import { decodeQuery, encodeDatagram, joined, questionFor, refusal, truncated, type Query } from "./codec.ts";
import type { Limits } from "./rate-limit.ts";
import { codeOf, type DnsOptions } from "./reply.ts";
import { datagramLimit, UDP_BYTES } from "./wire.ts";

/** As much as the kernel allows: on a busy machine the default of 250 small questions was seen to run over. */
const RECEIVE_BYTES = 1024 * 1024;
const DRAIN_POLL_MS = 20;
const DRAIN_MS = 10_000;
const CLIENTS_MAX = 4096;
const STRANGER = -1;

export class Datagrams {
  readonly #options: DnsOptions;
  readonly #address: string;
  readonly #limits: Limits;
  readonly #socket: dgram.Socket;
  readonly #cache = new AnswerCache();
  /** Where askers are, as long as that holds. */
  readonly #places = new Map<string, number>();
  #epoch: unknown;
  /** Questions that others were asked. */
  #asking = 0;
  #isClosed = false;

  constructor(options: DnsOptions, address: string, limits: Limits) {
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
    const isBusy = (): boolean => this.#asking > 0 || this.#socket.getSendQueueCount() > 0;
    for (let waited = 0; isBusy() && waited < DRAIN_MS; waited += DRAIN_POLL_MS) {
      await new Promise((done) => setTimeout(done, DRAIN_POLL_MS));
    }
    this.#isClosed = true;
    await new Promise<void>((done) => this.#socket.close(done));
  }

  #receive(packet: Buffer, sender: dgram.RemoteInfo): void {
    if (sender.port === 0) return; // nobody can be answered there, and Node throws at it
    const place = this.#placeOf(sender.address);
    const kept = place === undefined ? undefined : this.#cache.find(packet, place);
    if (kept !== undefined) {
      this.#options.counted("NOERROR");
      return this.#send(kept, sender);
    }
    const decoded = decodeQuery(packet);
    if (decoded.kind === "ignore") return;
    if (decoded.kind === "error") this.#options.counted("malformed");
    const isTolerated = place === undefined ? this.#limits.stranger() : decoded.kind === "query" || this.#limits.large(sender.address);
    if (!isTolerated) return;
    if (decoded.kind === "error") return this.#send(decoded.reply, sender);
    this.#decide(packet, decoded.query, place, sender);
  }

  #decide(packet: Buffer, query: Query, place: number | undefined, sender: dgram.RemoteInfo): void {
    const peer: Peer = { asked: this.#address, client: sender.address };
    const reply = this.#options.reply(query.question, peer);
    this.#options.counted(codeOf(reply));
    switch (reply.kind) {
      case "answer": {
        if (reply.follow !== undefined && query.recursionDesired) return this.#follow(query, { ...reply, follow: reply.follow }, sender);
        const whole = encodeDatagram(query, reply.answer, reply.recursion);
        // An alias that leads outside has another answer for who wants it followed.
        if (place !== undefined && reply.follow === undefined) this.#cache.keep(packet, place, whole);
        return this.#send(this.#isSmallOrRare(whole, peer.client) ? whole : truncated(query), sender);
      }
      case "stranger":
        return this.#send(refusal(query, "REFUSED"), sender);
      case "forward":
        // Who wants no recursion asks what we know ourselves.
        if (!query.recursionDesired) return this.#send(refusal(query, "REFUSED"), sender);
        this.#asking += 1;
        void this.#options.forwarder
          .ask({ packet, client: peer.client, upstreams: reply.upstreams, over: "udp" })
          .then((answer) => this.#send(this.#passable(answer, query, peer), sender))
          .finally(() => (this.#asking -= 1));
    }
  }

  #follow(query: Query, { answer, follow }: Required<Extract<Reply, { readonly kind: "answer" }>>, sender: dgram.RemoteInfo): void {
    this.#asking += 1;
    const packet = questionFor(query, follow.name);
    void this.#options.forwarder
      .ask({ packet, client: sender.address, upstreams: follow.upstreams, over: "udp" })
      .then((rest) => {
        const whole = joined(query, answer, rest);
        const fits = whole.length <= datagramLimit(query.udpSize) && this.#isSmallOrRare(whole, sender.address);
        this.#send(fits ? whole : truncated(query), sender);
      })
      .finally(() => (this.#asking -= 1));
  }

  #passable(answer: Buffer | undefined, query: Query, peer: Peer): Buffer {
    if (answer === undefined) return refusal(query, "SERVFAIL");
    return this.#isSmallOrRare(answer, peer.client) ? answer : truncated(query);
  }

  #isSmallOrRare(answer: Buffer, client: string): boolean {
    return answer.length <= UDP_BYTES || this.#limits.large(client);
  }

  #placeOf(client: string): number | undefined {
    const epoch = this.#options.epoch();
    if (epoch !== this.#epoch || this.#places.size >= CLIENTS_MAX) {
      this.#epoch = epoch;
      this.#places.clear();
      this.#cache.enter(epoch);
    }
    const known = this.#places.get(client);
    if (known !== undefined) return known === STRANGER ? undefined : known;
    const place = this.#options.placeOf({ asked: this.#address, client });
    this.#places.set(client, place ?? STRANGER);
    return place;
  }

  /** Nearly always gone when this returns. An asker that is gone is no error of ours, and without a callback Node says nothing of it. */
  #send(packet: Buffer, to: dgram.RemoteInfo): void {
    if (this.#isClosed) return; // others were asked, and answered too late
    this.#socket.send(packet, to.port, to.address);
  }
}
