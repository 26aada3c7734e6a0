// What a lease keeper needs of etcd: single calls, and renewals on a raw stream that moves to another host when one is not answered.
import { EtcdLeaseInvalidError, type ILeaseKeepAliveRequest, type ILeaseKeepAliveResponse } from "etcd3";
import type { Clock } from "../../ports.ts";
import type { CallLimits, Calls } from "./calls.ts";
import type { Credentials } from "./connect.ts";
import type { Hosts } from "./hosts.ts";
import { callLimitMs, type Grant, type LeaseCalls } from "./lease-keeper.ts";
import { AnswerStream } from "./streams.ts";
import { toLeasedDelete } from "./wire.ts";

export interface LeaseCallsOptions {
  readonly ttlMs: number;
  readonly hosts: Hosts;
  readonly calls: Calls;
  readonly credentials: Credentials;
  readonly clock: Clock;
}

export class EtcdLeaseCalls implements LeaseCalls {
  readonly #options: LeaseCallsOptions;
  readonly #limitMs: number;
  #stream: AnswerStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse> | undefined;
  #host: string | undefined;

  constructor(options: LeaseCallsOptions) {
    this.#options = options;
    this.#limitMs = callLimitMs(options.ttlMs);
  }

  async grant(ttlMs: number, signal: AbortSignal): Promise<Grant> {
    const { ID, header } = await this.#options.calls.write(
      (etcd) => etcd.leaseClient.leaseGrant({ TTL: Math.ceil(ttlMs / 1000) }),
      this.#limits(signal),
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
      const { TTL, header } = await this.#stream.next(this.#limitMs);
      hosts.answered(host);
      return Number(TTL) > 0 && header.cluster_id === lease.clusterId;
    } catch (error) {
      this.close();
      if (!signal.aborted) hosts.failed(host, error);
      throw error;
    }
  }

  async put(lease: Grant, key: string, value: string, signal: AbortSignal): Promise<number | undefined> {
    try {
      const request = { key: Buffer.from(key), value: Buffer.from(value), lease: lease.id };
      const { header } = await this.#options.calls.write((etcd) => etcd.kv.put(request), this.#limits(signal));
      return header.cluster_id === lease.clusterId ? Number(header.revision) : undefined;
    } catch (error) {
      if (error instanceof EtcdLeaseInvalidError) return undefined;
      throw error;
    }
  }

  async delete(lease: Grant, key: string, signal: AbortSignal): Promise<void> {
    await this.#options.calls.write((etcd) => etcd.kv.txn(toLeasedDelete(lease.id, key)), this.#limits(signal));
  }

  async revoke(lease: Grant, signal: AbortSignal): Promise<void> {
    await this.#options.calls.write((etcd) => etcd.leaseClient.leaseRevoke({ ID: lease.id }), this.#limits(signal));
  }

  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#host = undefined;
  }

  #limits(signal: AbortSignal): CallLimits {
    return { signal, limitMs: this.#limitMs };
  }
}
