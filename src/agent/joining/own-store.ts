// The store of this node on its way into a house: made with the house, or started as the member that it was admitted as.
import { memberStatus } from "../../adapters/etcd3/member.ts";
import { openStore } from "../../adapters/etcd3/store.ts";
import { StoreUnavailable } from "../../api/errors.ts";
import { keys } from "../../api/keys.ts";
import type { HouseNode } from "../../joining/house-view.ts";
import type { JoinerEvent, Membership } from "../../joining/joiner-state.ts";
import type { Address, JoinRequest, Sender } from "../../joining/messages.ts";
import type { MeshLink } from "../../mesh-ports.ts";
import type { Clock, Log } from "../../ports.ts";
import type { Child } from "../child.ts";
import { enterHouse } from "../entry.ts";
import { begunAs, keepEtcd, setStoreTiming, writeAdmitted } from "../etcd.ts";
import type { EtcdProgram } from "../etcd-binary.ts";
import { foundHouse } from "../found.ts";
import { takeName } from "../identity.ts";
import { dueLeaves, forgetHouse, houseHash, loadTrust } from "../trust.ts";
import { Ground } from "./ground.ts";
import { isCountedOut, writeHosts } from "./seen.ts";
import { readCredentials } from "./inside.ts";
import { readCredentialsText } from "./letter.ts";
import type { UnderWay } from "./member-disk.ts";
import type { Takeover } from "./takeover-disk.ts";

export interface OwnStoreOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly addresses: () => readonly string[];
  /** Of the House that it founds. */
  readonly tailnetTags?: readonly string[];
  /** Before it founds a house. Throws UserError where this computer has the containers of another one. */
  readonly mayFound: (signal: AbortSignal) => Promise<void>;
  readonly etcd: EtcdProgram;
  readonly child: Child;
  readonly clock: Clock;
  readonly log: Log;
}

const RENEW_MS = 10_000;
const STATUS_LIMIT_MS = 1_500;
const STATUS_EVERY_MS = 100;
const STORE_RETRY_MS = 50;
/** A store whose list of members is not the house's ends at once, each time. */
const STARTS_MAX = 3;

export class OwnStore {
  readonly ground: Ground;
  readonly #options: OwnStoreOptions;

  constructor(options: OwnStoreOptions) {
    this.#options = options;
    const { dataDir, mayFound } = options;
    // What a person took it out with are leftovers.
    this.ground = new Ground({ ...options, mayFound: async (signal) => (isCountedOut(dataDir) ? undefined : mayFound(signal)) });
  }

  /** Makes the house, or goes on making it. */
  async found(
    own: { readonly self: Sender; readonly request: JoinRequest },
    signal: AbortSignal,
  ): Promise<Extract<JoinerEvent, { kind: "founded" }>> {
    const { dataDir, tailnetTags, clock, log } = this.#options;
    if (begunAs(dataDir) === undefined) {
      await this.ground.mustBeClear(signal);
      // The certificates of a house that was left are not the new one's.
      forgetHouse(dataDir);
    }
    const host = await this.keep();
    const store = openStore({ hosts: [host], credentials: readCredentials(dataDir), clock, log });
    try {
      const { hasObjects, status } = await this.#whenServing(async () => {
        const outcome = await foundHouse({ store, dataDir, clock, ...(tailnetTags && { tailnetTags }) }, signal);
        const { nodeId, name, addresses, versions } = own.self;
        const node: HouseNode = { nodeId, name, addresses, versions, request: own.request, role: "auto" };
        const key = keys.houseNode(nodeId);
        await store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: JSON.stringify(node) }] }, signal);
        // One that was there may have any.
        return { hasObjects: outcome === "found", status: await store.status(signal) };
      }, signal);
      const { clusterId, memberId } = status;
      const house = { id: houseHash(dataDir) ?? "", epoch: 1, clusterId, nodes: 1, hasObjects, joining: "auto" } as const;
      return { kind: "founded", house, clusterId, memberId };
    } finally {
      await store.close();
    }
  }

  /** Of a store that was restored: this node is its only voter, under new ids. */
  async takeOver(
    { houseId, epoch }: Takeover,
    own: { readonly self: Sender; readonly request: JoinRequest },
    signal: AbortSignal,
  ): Promise<Membership> {
    const { dataDir, clock, log } = this.#options;
    const host = await this.keep();
    const store = openStore({ hosts: [host], credentials: readCredentials(dataDir), clock, log });
    try {
      const { clusterId, memberId } = await this.#whenServing(async () => {
        const key = keys.houseNode(own.self.nodeId);
        const entry = await store.get(key, signal);
        const { nodeId, name, addresses, versions } = own.self;
        const known = entry && (JSON.parse(entry.value) as HouseNode); // written by agents alone
        const node: HouseNode = { role: "auto", ...known, nodeId, name, addresses, versions, request: own.request };
        const compare = [{ key, modRevision: entry?.modRevision ?? 0 }];
        await store.commit({ compare, writes: [{ put: key, value: JSON.stringify(node) }] }, signal);
        return store.status(signal);
      }, signal);
      return { houseId, epoch, clusterId, memberId };
    } finally {
      await store.close();
    }
  }

  /** etcd needs a moment from its start until it serves. */
  async #whenServing<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StoreUnavailable)) throw error;
        await this.#options.clock.sleep(STORE_RETRY_MS, signal);
      }
    }
  }

  /** Safe to repeat: certificates that are good already are not asked for again. */
  async enter(
    { house, admission, leader }: UnderWay,
    credentials: string,
    dial: (address: Address) => Promise<MeshLink>,
    signal: AbortSignal,
  ): Promise<void> {
    const { dataDir, addresses } = this.#options;
    const { letter, clusterToken, hosts, timing } = readCredentialsText(credentials);
    const own = addresses();
    const has = houseHash(dataDir) === house.id && dueLeaves(dataDir, { addresses: own }).length === 0;
    const failures: unknown[] = [];
    for (const address of has ? [] : new Set([...leader, ...house.contacts])) {
      try {
        signal.throwIfAborted();
        const link = await dial(address);
        await enterHouse(dataDir, letter, { houseHash: house.id, addresses: own, limitMs: RENEW_MS }, link).finally(() => link.close());
        break;
      } catch (error) {
        failures.push(error);
      }
    }
    if (houseHash(dataDir) !== house.id)
      throw new AggregateError(failures, "Cannot enter the house: nobody gave this node its certificates");
    signal.throwIfAborted();
    takeName(dataDir, admission.name);
    writeHosts(dataDir, hosts);
    setStoreTiming(dataDir, timing);
    if (admission.role === "learner")
      writeAdmitted(dataDir, { memberName: admission.memberName, clusterToken, admittedTo: admission.initialCluster });
  }

  /** Answers when etcd has spoken, or will not. */
  async start(signal: AbortSignal): Promise<Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>> {
    const { dataDir, child, clock } = this.#options;
    const host = await this.keep();
    const pids = new Set<number | undefined>();
    for (;;) {
      pids.add(child.pid);
      if (pids.size > STARTS_MAX) return { kind: "etcd-ended", reason: "failed" };
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(STATUS_LIMIT_MS)]);
        const { clusterId, memberId } = await memberStatus({ host, credentials: readCredentials(dataDir), signal: limit });
        return { kind: "etcd-runs", clusterId, memberId };
      } catch {
        await clock.sleep(STATUS_EVERY_MS, signal);
      }
    }
  }

  /** Starts or adopts etcd, or starts it anew in any case; answers its client endpoint. */
  async keep({ inAnyCase = false } = {}): Promise<string> {
    const { dataDir, nodeId, etcd, child, addresses } = this.#options;
    const trust = await loadTrust(dataDir, { addresses: addresses() });
    return keepEtcd({ dataDir, nodeId, program: etcd, trust, child, addresses: addresses(), inAnyCase });
  }
}
