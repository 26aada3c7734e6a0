// One watch for as long as its reader wants it: on raw streams, from host to host, each resuming where the last one stood.
import type { IWatchRequest, IWatchResponse } from "etcd3";
import { WatchExpired } from "../../api/errors.ts";
import type { Clock, Log, WatchBatch } from "../../ports.ts";
import type { Credentials } from "./connect.ts";
import type { Hosts } from "./hosts.ts";
import { AnswerStream } from "./streams.ts";
import { WatchPosition } from "./watch-position.ts";
import { endOfPrefix, toStoreEvent } from "./wire.ts";

export interface WatchOptions {
  readonly hosts: Hosts;
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: Log;
  readonly prefix: string;
  readonly fromRevision: number;
  /** Of the listing that the watch goes on from. */
  readonly clusterId: string;
  /** The store's revision now, as a quorum has it. */
  readonly currentRevision: () => Promise<number>;
  readonly signal: AbortSignal;
}

/** How long a host may take to begin; it has a leader and a connection then. */
const BEGIN_LIMIT_MS = 4_000;
/** A host that is alive answers at least this often, because it is asked; the first time once etcd has caught the watch up (each 100 ms). */
const PROGRESS_FIRST_MS = 250;
const PROGRESS_EVERY_MS = 5_000;
const SILENCE_LIMIT_MS = 12_000;
const PAUSE_MIN_MS = 100;
const PAUSE_MAX_MS = 2_000;

type Stream = AnswerStream<IWatchRequest, IWatchResponse>;

/** Throws WatchExpired, or the signal's reason; every other failure is a reason to go to another host. */
export async function* watch(options: WatchOptions): AsyncGenerator<WatchBatch> {
  const { hosts, clock, log, signal } = options;
  const position = new WatchPosition(options.fromRevision);
  for (let pauseMs = PAUSE_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
    signal.throwIfAborted();
    const host = hosts.pick();
    try {
      for await (const batch of watchOn(host, position, options)) {
        pauseMs = PAUSE_MIN_MS;
        yield batch;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WatchExpired) throw error;
      log.debug("Watch moved", { from: host, error });
      hosts.failed(host, error);
    }
    await clock.sleep(pauseMs, signal);
  }
}

/** On one host, until it fails. */
async function* watchOn(host: string, position: WatchPosition, options: WatchOptions): AsyncGenerator<WatchBatch> {
  const { hosts, credentials, clock, prefix } = options;
  const signal = AbortSignal.any([options.signal, hosts.leaving(host)]);
  const stream: Stream = await AnswerStream.open((etcd) => etcd.watchClient.watch(), { host, credentials, clock, signal });
  const stopAsking = askForProgress(stream, clock);
  try {
    const fromRevision = position.resume();
    // From one revision earlier, whose events are known and dropped: etcd 3.7 answers no request for progress while the revision that a
    // watch starts from lies in the future, and in a quiet house it does so for hours.
    const startRevision = Math.max(1, fromRevision - 1);
    stream.send({
      create_request: { key: Buffer.from(prefix), range_end: endOfPrefix(prefix), start_revision: startRevision, fragment: true },
    });
    await checkBegun(await stream.next(BEGIN_LIMIT_MS), fromRevision, options);
    hosts.answered(host);
    for (;;) {
      const response = await stream.next(SILENCE_LIMIT_MS);
      checkAlive(response, fromRevision);
      yield position.take({ events: response.events.map(toStoreEvent), fragment: response.fragment });
    }
  } finally {
    stopAsking();
    stream.close();
  }
}

/** A member that lags behind is waited for; a store that has gone back is not. */
async function checkBegun(response: IWatchResponse, fromRevision: number, { clusterId, currentRevision }: WatchOptions): Promise<void> {
  const { header } = response;
  if (header.cluster_id !== clusterId)
    throw new WatchExpired(`Cannot watch on: the store is cluster ${header.cluster_id}, not ${clusterId}`);
  checkAlive(response, fromRevision);
  if (Number(header.revision) >= fromRevision - 1) return;
  const revision = await currentRevision();
  if (revision < fromRevision - 1)
    throw new WatchExpired(`Cannot watch from revision ${fromRevision}: the store has gone back to ${revision}`);
}

function checkAlive({ canceled, compact_revision: compactRevision, cancel_reason: reason }: IWatchResponse, fromRevision: number): void {
  if (!canceled) return;
  if (compactRevision !== "0") throw new WatchExpired(`Cannot watch from revision ${fromRevision}: compacted to ${compactRevision}`);
  throw new Error(`The watch was cancelled: ${reason}`);
}

function askForProgress(stream: Stream, clock: Clock): () => void {
  let cancel = (): void => {};
  const askAfter = (ms: number): void => {
    cancel = clock.timer(ms, () => {
      stream.send({ progress_request: {} });
      askAfter(PROGRESS_EVERY_MS);
    });
  };
  askAfter(PROGRESS_FIRST_MS);
  return () => cancel();
}
