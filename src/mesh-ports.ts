// What nodes are to each other on port 733: types only. src/adapters/mesh implements them; whoever joins, forwards or streams uses them.
import type { Duplex } from "node:stream";

/** The other end of a connection, as TLS proved it. */
export interface MeshPeer {
  /** Follows from the key that the peer proved. */
  readonly nodeId: string;
  /** `member`: its certificate is this house's, good, and the node was not removed. `stranger`: nothing but its key is proven. */
  readonly standing: "member" | "stranger";
  /** PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string;
  /** The house whose agent's leaf it showed, ours or not; absent: it belongs to none, or did not show it. */
  readonly house?: {
    /** Of the CA's key. */
    readonly hash: string;
    /** PEM. */
    readonly ca: string;
  };
  readonly address: string;
  readonly port: number;
  /** RFC 8446, 7.5: the same bytes at both ends of this one connection, and nowhere else. */
  exporter(label: string, bytes: number): Uint8Array;
}

/** Answers what others ask. What is thrown as MeshRefusal goes back as it is; anything else is logged and goes back as "Internal". */
export interface MeshHandler {
  request(peer: MeshPeer, method: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** Members only: the answer, and what to do with the bytes that follow it. */
  stream?(peer: MeshPeer, method: string, body: unknown, signal: AbortSignal): Promise<MeshStreamAnswer>;
}

export interface MeshStreamAnswer {
  readonly answer: unknown;
  /** `bytes` is paused until it is piped, iterated or resumed; whoever has it ends it. */
  run(bytes: Duplex): void;
}

/** One connection to another node, from the asker's end. */
export interface MeshLink {
  readonly peer: MeshPeer;
  /** Aborted when the connection is over, whoever ended it. */
  readonly closed: AbortSignal;
  /** Throws MeshRefusal (the other's no) or MeshUnreachable. */
  request(method: string, body: unknown, options: { readonly limitMs: number; readonly signal?: AbortSignal }): Promise<unknown>;
  close(): void;
}

/** What each node says to every other one, twice a second, by UDP on 733. */
export interface SignOfLife {
  readonly nodeId: string;
  /** New at each start of the machine. */
  readonly bootId: string;
  /** Grows with each sign of a boot. */
  readonly counter: number;
  /** When the sender itself last heard the others; those that it never heard are left out. */
  readonly heard: readonly { readonly nodeId: string; readonly agoMs: number }[];
}
