// What the sockets of DNS are told about a question: by whom it was asked, and what is to be said.
import type { Peer, Reply } from "../../api/dns-reply.ts";
import type { Log } from "../../ports.ts";
import type { Query } from "./codec.ts";
import type { Forwarder } from "./forward.ts";

export interface DnsOptions {
  readonly reply: (question: Query["question"], peer: Peer) => Reply;
  /** Below 16; who asks the same address from the same place is told the same. undefined: a stranger. */
  readonly placeOf: (peer: Peer) => number | undefined;
  /** Another object whenever replies or places may be others. */
  readonly epoch: () => object | undefined;
  /** What became of a question: the answer's code, `forwarded`, `stranger` or `malformed`. */
  readonly counted: (what: string) => void;
  readonly forwarder: Pick<Forwarder, "ask">;
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
