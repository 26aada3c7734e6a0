// What a lease keeper needs of etcd: single calls, and renewals on a raw stream that moves to another host when one is not answered.
import { EtcdLeaseInvalidError, type ILeaseKeepAliveRequest, type ILeaseKeepAliveResponse } from "etcd3";
import type { Clock } from "../../ports.ts";
import type { CallLimits, Calls } from "./calls.ts";
import type { Credentials } from "./connect.ts";
import type { Hosts } from "./hosts.ts";
import type { Grant, LeaseCalls } from "./lease-keeper.ts";
import { AnswerStream } from "./streams.ts";
import { toLeasedDelete } from "./wire.ts";

/** How long one call may keep the next renewal waiting. */
const CALL_LIMIT_MS = 4_000;
const RENEWAL_LIMIT_MS = 2_500;

export interface LeaseCallsOptions {
  readonly hosts: Hosts;
  readonly calls: Calls;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export class EtcdLeaseCalls implements LeaseCalls {
  readonly #options: LeaseCallsOptions;
  #stream: AnswerStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> | undefined;
  #host: string | undefined;

  constructor(options: LeaseCallsOptions) {
    this.#options = options;
  }

  async grant(ttlMs: number, signal: AbortSignal): Promise<Grant> {
    const { ID, header } = await this.#options.calls.write(
      (etcd) => etcd.leaseClient.leaseGrant({ TTL: Math.ceil(ttlMs / 1000) }),
      limits(signal),
    );
    return { id: ID, clusterId: header.cluster_id };
  }

  async keepAlive(lease: Grant, signal: AbortSignal): Promise<boolean> {
    const { hosts, credentials, clock } = this.#options;
    const host = (this.#host ??= hosts.pick());
    try {
      this.#stream ??= await AnswerStream.open((etcd) => etcd.leaseClient.leaseKeepAlive(), {
        host,
        credentials,
        clock,
        signal: AbortSignal.any([signal, hosts.leaving(host)]),
      });
      this.#stream.send({ ID: lease.id });
      const { TTL, header } = await this.#stream.next(RENEWAL_LIMIT_MS);
      hosts.answered(host);
      return Number(TTL) > 0 && header.cluster_id === lease.clusterId;
    } catch (error) {
      this.close();
      if (!signal.aborted) hosts.failed(host, error);
      throw error;
    }
  }

  async put(lease: Grant, key: string, value: string, signal: AbortSignal): Promise<boolean> {
    try {
      const request = { key: Buffer.from(key), value: Buffer.from(value), lease: lease.id };
      const { header } = await this.#options.calls.write((etcd) => etcd.kv.put(request), limits(signal));
      return header.cluster_id === lease.clusterId;
    } catch (error) {
      if (error instanceof EtcdLeaseInvalidError) return false;
      throw error;
    }
  }

  async delete(lease: Grant, key: string, signal: AbortSignal): Promise<void> {
    await this.#options.calls.write((etcd) => etcd.kv.txn(toLeasedDelete(lease.id, key)), limits(signal));
  }

  async revoke(lease: Grant, signal: AbortSignal): Promise<void> {
    await this.#options.calls.write((etcd) => etcd.leaseClient.leaseRevoke({ ID: lease.id }), limits(signal));
  }

  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#host = undefined;
  }
}

function limits(signal: AbortSignal): CallLimits {
  return { signal, limitMs: CALL_LIMIT_MS };
}
