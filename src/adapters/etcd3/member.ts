// One member as a server, whoever leads: what it says of itself, and a copy of what it holds.
import { createWriteStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
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
  readonly revision: number;
}

const STATUS_LIMIT_MS = 4_000;

/** Throws when it does not answer within 4 s. */
export async function memberStatus({ host, credentials, signal }: MemberOptions): Promise<MemberStatus> {
  const etcd = connect({ host, credentials, attemptMs: STATUS_LIMIT_MS });
  try {
    const { header, leader, isLearner, raftTerm, version, dbSize } = await abortable(etcd.maintenance.status(), signal);
    return {
      clusterId: header.cluster_id,
      memberId: header.member_id,
      ...(leader !== "0" && { leaderId: leader }),
      learner: isLearner,
      term: Number(raftTerm),
      version,
      dbBytes: Number(dbSize),
      revision: Number(header.revision),
    };
  } finally {
    etcd.close();
  }
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
