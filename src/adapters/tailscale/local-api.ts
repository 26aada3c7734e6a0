// Tailscale's LocalAPI: HTTP on the socket of the tailscaled of this machine. It is asked and never changed.
import http from "node:http";
import { createInterface } from "node:readline";
import type { Clock } from "../../ports.ts";
import type { TailnetState, TailnetWho } from "../../trust/tailnet.ts";
import { busLineTells, readSplitDns, readStatus, readWhois } from "./answers.ts";

const TAILSCALED_SOCKET = "/var/run/tailscale/tailscaled.sock";

const ANSWER_MS = 5_000;
const ANSWER_BYTES_MAX = 32 * 1024 * 1024;
/** State, peers, preferences; 256 more are refused by some releases. */
const BUS_MASK = 36_866;
const LOOK_EVERY_MS = 15_000;
/** One change of a tailnet is several lines. */
const SETTLE_MS = 500;
const BUS_RETRY_MS = 5_000;

export class TailscaleLocalApi {
  readonly #socketPath: string;
  readonly #answerMs: number;

  constructor({ socketPath = TAILSCALED_SOCKET, answerMs = ANSWER_MS }: { readonly socketPath?: string; readonly answerMs?: number } = {}) {
    this.#socketPath = socketPath;
    this.#answerMs = answerMs;
  }

  /** Never throws but for the signal: what cannot be known is unknown. */
  async status(signal: AbortSignal): Promise<TailnetState> {
    try {
      const { code, text } = await this.#get("status", signal);
      return code === 200 ? readStatus(text) : { kind: "unknown", state: `tailscaled answers ${code}` };
    } catch (error) {
      signal.throwIfAborted();
      if (["ENOENT", "ECONNREFUSED"].includes(codeOf(error))) return { kind: "absent" };
      return { kind: "unknown", state: error instanceof Error ? error.message : "no answer" };
    }
  }

  /** Who has a tailnet address now; undefined: nobody that this machine may see, or nothing can be known. */
  async whois(address: string, signal: AbortSignal): Promise<TailnetWho | undefined> {
    try {
      const { code, text } = await this.#get(`whois?addr=${encodeURIComponent(address)}`, signal);
      return code === 200 ? readWhois(text) : undefined;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Servers by zone; undefined: tailscaled does not tell (before 1.98), or is away. */
  async splitDns(signal: AbortSignal): Promise<Readonly<Record<string, readonly string[]>> | undefined> {
    try {
      const { code, text } = await this.#get("dns-config", signal);
      return code === 200 ? readSplitDns(text) : undefined;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Says when to look: at once, soon after each change, and every 15 s for what the bus did not tell. Ends with the signal. */
  async *looks(clock: Clock, callerSignal: AbortSignal): AsyncGenerator<void> {
    const done = new AbortController();
    const signal = AbortSignal.any([callerSignal, done.signal]);
    let wake = Promise.withResolvers<void>();
    const following = this.#followBus(() => wake.resolve(), clock, signal);
    try {
      while (!signal.aborted) {
        yield;
        const cancel = clock.timer(LOOK_EVERY_MS, () => wake.resolve());
        await wake.promise;
        cancel();
        await clock.sleep(SETTLE_MS, signal).catch(() => {});
        wake = Promise.withResolvers<void>();
      }
    } finally {
      done.abort();
      await following;
    }
  }

  async #followBus(onChange: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", onChange, { once: true });
    while (!signal.aborted) {
      try {
        const response = await this.#open(`watch-ipn-bus?mask=${BUS_MASK}`, signal);
        response.on("error", () => {}); // readline does not pass it on
        if (response.statusCode === 200) for await (const line of createInterface({ input: response })) if (busLineTells(line)) onChange();
        response.destroy();
      } catch {
        // tailscaled is away, or restarts: what it says next is a change
      }
      await clock.sleep(BUS_RETRY_MS, signal).catch(() => {});
    }
  }

  async #get(path: string, signal: AbortSignal): Promise<{ readonly code: number; readonly text: string }> {
    const late = AbortSignal.timeout(this.#answerMs);
    const response = await this.#open(path, AbortSignal.any([signal, late]));
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) throw new Error(`tailscaled answers more than ${ANSWER_BYTES_MAX} bytes`);
      chunks.push(chunk);
    }
    return { code: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  }

  /** With the one Host that it takes, and neither Origin nor Referer: those are what a web page would send (403). */
  #open(path: string, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    const headers = { Host: "local-tailscaled.sock" };
    http.get({ socketPath: this.#socketPath, path: `/localapi/v0/${path}`, headers, agent: false, signal }, resolve).on("error", reject);
    return promise;
  }
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code);
}
