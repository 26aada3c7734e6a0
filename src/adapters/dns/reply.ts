// What the sockets of DNS are told about a question: by whom it was asked, and what is to be said.
import type { Log } from "../../ports.ts";
import type { Answer, Query } from "./codec.ts";
import type { Forwarder, Upstream } from "./forward.ts";

export interface Peer {
  /** The local address that was asked. */
  readonly asked: string;
  readonly client: string;
}

export type Reply =
  /** `recursion`: this asker may ask for names outside as well. */
  | {
      readonly kind: "answer";
      readonly answer: Answer;
      readonly recursion: boolean;
      /** An alias leads outside: ask these for the rest, since programs follow none themselves. */
      readonly follow?: { readonly name: string; readonly upstreams: readonly Upstream[] };
    }
  /** Ask these in the peer's stead. */
  | { readonly kind: "forward"; readonly upstreams: readonly Upstream[] }
  /** Somebody from the internet: refused, and not often. */
  | { readonly kind: "stranger" };

export interface DnsOptions {
  readonly reply: (question: Query["question"], peer: Peer) => Reply;
  /** Below 16; who asks the same address from the same place is told the same. undefined: a stranger. */
  readonly placeOf: (peer: Peer) => number | undefined;
  /** Another object whenever replies or places may be others. */
  readonly epoch: () => object | undefined;
  /** What became of a question: the answer's code, `forwarded`, `stranger` or `malformed`. */
  readonly counted: (what: string) => void;
  readonly forwarder: Forwarder;
  readonly log: Log;
}

export function codeOf(reply: Reply): string {
  switch (reply.kind) {
    case "answer":
      return reply.answer.rcode;
    case "forward":
      return "forwarded";
    case "stranger":
      return "stranger";
  }
}
