// One member as a server, whoever leads: what it says of itself, and a copy of what it holds.
import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Etcd3 } from "etcd3";
import { abortable } from "./calls.ts";
import { connect, type Credentials } from "./connect.ts";

export interface MemberOptions {
  /** `address:port`. */
  readonly host: string;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
}

export interface MemberStatus {
  readonly clusterId: string;
  readonly memberId: string;
  /** Absent: it knows of none, and nothing can be written through it. */
  readonly leaderId?: string;
  readonly learner: boolean;
  /** Raft's: grows with each election. */
  readonly term: number;
  readonly version: string;
  readonly dbBytes: number;
  readonly dbInUseBytes: number;
  readonly isFull: boolean;
  readonly revision: number;
}

const STATUS_LIMIT_MS = 4_000;
/** Of half a gigabyte on a memory card. */
const DEFRAGMENT_LIMIT_MS = 120_000;
const CONNECTIONS_MAX = 16;

/** Throws when it does not answer within 4 s. */
export async function memberStatus({ host, credentials, signal }: MemberOptions): Promise<MemberStatus> {
  const etcd = connect({ host, credentials, attemptMs: STATUS_LIMIT_MS });
  return ask(etcd, signal).finally(() => etcd.close());
}

/** For whoever asks each second: one connection a member, for as long as it answers. A handshake costs more than a hundred questions. */
export class MemberStatuses {
  readonly #credentials: Credentials;
  readonly #connections = new Map<string, Etcd3>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Of the member at `address:port`. Throws when it does not answer within 4 s. */
  async of(host: string, signal: AbortSignal): Promise<MemberStatus> {
    const etcd = this.#connections.get(host) ?? this.#connect(host);
    try {
      return await ask(etcd, signal);
    } catch (error) {
      this.#drop(host, etcd);
      throw error;
    }
  }

  close(): void {
    for (const [host, etcd] of this.#connections) this.#drop(host, etcd);
  }

  #connect(host: string): Etcd3 {
    const [oldest] = this.#connections;
    if (oldest !== undefined && this.#connections.size >= CONNECTIONS_MAX) this.#drop(...oldest);
    const etcd = connect({ host, credentials: this.#credentials, attemptMs: STATUS_LIMIT_MS });
    this.#connections.set(host, etcd);
    return etcd;
  }

  #drop(host: string, etcd: Etcd3): void {
    if (this.#connections.get(host) === etcd) this.#connections.delete(host);
    setTimeout(() => etcd.close(), STATUS_LIMIT_MS).unref(); // another question may be under way on it
  }
}

async function ask(etcd: Etcd3, signal: AbortSignal): Promise<MemberStatus> {
  const { header, leader, isLearner, raftTerm, version, dbSize, dbSizeInUse, errors } = await abortable(etcd.maintenance.status(), signal);
  return {
    clusterId: header.cluster_id,
    memberId: header.member_id,
    ...(leader !== "0" && { leaderId: leader }),
    learner: isLearner,
    term: Number(raftTerm),
    version,
    dbBytes: Number(dbSize),
    dbInUseBytes: Number(dbSizeInUse),
    isFull: hasNoRoom(errors),
    revision: Number(header.revision),
  };
}

/** As etcd prints its alarms: "memberID:1 alarm:NOSPACE". */
export function hasNoRoom(errors: readonly string[]): boolean {
  return errors.some((text) => text.includes("NOSPACE"));
}

/** Writes the member's file anew, without what is free in it; it answers nothing meanwhile. */
export async function defragment({ host, credentials, signal }: MemberOptions): Promise<void> {
  const etcd = connect({ host, credentials, attemptMs: DEFRAGMENT_LIMIT_MS });
  await abortable(etcd.maintenance.defragment(), signal).finally(() => etcd.close());
}

/** Writes a snapshot that `etcdutl snapshot restore` takes; the file is there whole or not at all. Bounded by the signal alone. */
export async function saveSnapshot(file: string, { host, credentials, signal }: MemberOptions): Promise<void> {
  const partial = `${file}.part`;
  const etcd = connect({ host, credentials, attemptMs: 0 });
  try {
    const stream = await etcd.maintenance.snapshot();
    const blobs = (stream as unknown as Readable).map(({ blob }: { blob: Buffer }) => blob); // grpc-js' stream is a Node stream
    await pipeline(blobs, createWriteStream(partial, { mode: 0o600, flush: true }), { signal });
    await rename(partial, file);
    await syncFolder(path.dirname(file));
  } finally {
    etcd.close();
    await rm(partial, { force: true });
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
