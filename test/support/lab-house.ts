// Several computers of one person on lab hosts in a real tailnet: how they are started, what their etcd says of members, and a writer that
// goes on meanwhile.
import assert from "node:assert/strict";
import { Cluster, type ClusterMember } from "../../src/adapters/etcd3/cluster.ts";
import type { Credentials } from "../../src/adapters/etcd3/connect.ts";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { openStore, type EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { keys, PREFIX } from "../../src/api/keys.ts";
import type { MembershipStatus } from "../../src/api/status.ts";
import { nodeOfMember } from "../../src/joining/house-view.ts";
import { HouseNode, supervise } from "./house.ts";
import type { Lab } from "./lab.ts";
import { realClock, silentLog } from "./real.ts";
import { until } from "./until.ts";

/** Ten times the aim of a join, and of three voters. */
export const LIMIT_MS = 300_000;
const CLIENT_PORT = 2379;
const ANSWER_MS = 5_000;

export class LabHouse {
  readonly lab: Lab;
  readonly #start: readonly string[];
  #nodes: readonly HouseNode[] = [];
  #credentials: Credentials | undefined;
  /** Of h1, before any of them lost its power. */
  #houseId: string | undefined;

  /** `start`: the command that keeps a node running, where it is not the usual one. */
  constructor(lab: Lab, { start = supervise }: { readonly start?: readonly string[] } = {}) {
    this.lab = lab;
    this.#start = start;
  }

  get nodes(): readonly HouseNode[] {
    return this.#nodes;
  }

  node(number: number): HouseNode {
    const node = this.#nodes[number - 1];
    assert(node, `no host h${number}`);
    return node;
  }

  /** Undefined: there are hosts h1 to hN from now on, with the program on them, in a tailnet of one person. Else why there cannot be. */
  async up(
    count: number,
    { tailnet = true, ...options }: { readonly share?: readonly string[]; readonly tailnet?: boolean } = {},
  ): Promise<string | undefined> {
    await this.lab.down();
    const hosts = await this.lab.up(count, options);
    const absent = tailnet ? await this.lab.startTailnet() : undefined;
    if (absent !== undefined) return absent;
    this.#nodes = hosts.map((host) => new HouseNode(this.lab, host));
    for (const node of this.#nodes) await node.install();
    return undefined;
  }

  async joinTailnet(...numbers: readonly number[]): Promise<void> {
    await this.lab.tailnet("join", ...numbers.map((number) => this.node(number).name));
  }

  /** Starts the agents, of all at the same instant. */
  async start(...numbers: readonly number[]): Promise<void> {
    await this.joinTailnet(...numbers);
    await this.startAgents(...numbers);
  }

  /** Of hosts in the tailnet. */
  async startAgents(...numbers: readonly number[]): Promise<void> {
    const nodes = numbers.map((number) => this.node(number));
    await Promise.all(nodes.map(({ name }) => this.lab.start(name, "fossora", this.#start, { onBoot: true })));
  }

  /** In the same tailnet, as another person's. */
  async startAs(user: string, number: number): Promise<void> {
    const { name } = this.node(number);
    await this.lab.tailnet("join", name, "--user", user);
    await this.lab.start(name, "fossora", this.#start, { onBoot: true });
  }

  /** It says so itself, and is ready. */
  async isMember(number: number): Promise<void> {
    await until(`h${number} belongs to the house`, async () => (await this.node(number).summary()).ready, LIMIT_MS);
    assert.equal(await this.houseId(number), this.#houseId);
  }

  /** Node ids of those who wait to be let in. */
  async queued(): Promise<readonly string[]> {
    const store = await this.store(this.#nodes.slice(0, 3).map((_, index) => index + 1));
    try {
      const { entries } = await store.list(PREFIX.queue, AbortSignal.timeout(ANSWER_MS));
      return entries.flatMap(({ key }) => (key === keys.admission ? [] : [key.slice(PREFIX.queue.length)]));
    } finally {
      await store.close();
    }
  }

  /** Each of them says that so many nodes are ready, itself among them. */
  async areOneHouse(numbers: readonly number[], count = numbers.length): Promise<void> {
    for (const number of numbers)
      await until(
        `h${number} sees ${count} ready nodes`,
        async () => {
          const { ready, nodes } = await this.node(number).summary();
          return ready && nodes.ready === count;
        },
        LIMIT_MS,
      );
  }

  /** A store that is just started anew, for another address or another patience, answers a moment later. */
  async members(askedNumber = 1): Promise<readonly ClusterMember[]> {
    return until(`the store of h${askedNumber} answers`, () => this.#membersNow(askedNumber));
  }

  async #membersNow(askedNumber: number): Promise<readonly ClusterMember[]> {
    const cluster = new Cluster({ host: this.#hostOf(askedNumber), credentials: await this.credentials() });
    return cluster.members(AbortSignal.timeout(ANSWER_MS)).finally(() => cluster.close());
  }

  async hasVoters(count: number, askedNumber = 1): Promise<void> {
    await until(
      `${count} voters`,
      async () => {
        const members = await this.members(askedNumber);
        return members.filter(({ learner, name }) => !learner && name !== "").length === count;
      },
      LIMIT_MS,
    );
  }

  /** What each of them tells of all nodes is what etcd's own list at h1, a voter, says: who votes, who stands by, who has no store. */
  async rolesAreTrue(numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      let last = "";
      const agree = async (): Promise<boolean> => {
        const members = await this.members();
        const told = (await this.node(number).list("nodes")).flatMap((object) => {
          if (object.kind !== "Membership") return [];
          const { role, nodeId } = object.status as MembershipStatus; // that of a node
          return [{ name: object.metadata.name, role, nodeId }];
        });
        const roleOf = (nodeId: string | undefined): string => {
          const member = members.find((each) => nodeOfMember(each) === nodeId);
          return member === undefined ? "worker" : member.learner ? "standby" : "voter";
        };
        const wrong = told.filter(({ role, nodeId }) => role !== roleOf(nodeId));
        last = wrong.map(({ name, role, nodeId }) => `${name} is told as ${role}, and is a ${roleOf(nodeId)}`).join("; ");
        return told.length > 0 && wrong.length === 0;
      };
      await until(`h${number} tells each node's role as etcd has it`, agree, LIMIT_MS).catch((error: unknown) => {
        throw last === "" ? error : new Error(last, { cause: error });
      });
    }
  }

  /** Number of the host whose etcd leads. */
  async leader(numbers: readonly number[]): Promise<number> {
    return until("a leader", async () => {
      for (const number of numbers) {
        const options = { host: this.#hostOf(number), credentials: await this.credentials(), signal: AbortSignal.timeout(ANSWER_MS) };
        const { leaderId, memberId } = await memberStatus(options);
        if (leaderId === memberId) return number;
      }
      return undefined;
    });
  }

  /** A client of the house beside it, with a certificate of h1. */
  async store(numbers: readonly number[]): Promise<EtcdStore> {
    const hosts = numbers.map((number) => this.#hostOf(number));
    return openStore({ hosts, credentials: await this.credentials(), clock: realClock, log: silentLog });
  }

  /** Read once: a host without power shows no files. */
  async credentials(): Promise<Credentials> {
    if (this.#credentials !== undefined) return this.#credentials;
    this.#houseId ??= await this.houseId(1);
    const [ca = "", cert = "", key = ""] = await Promise.all(
      ["trust/ca.crt", "trust/agent.crt", "node.key"].map((file) => this.#read(1, file)),
    );
    this.#credentials = { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) };
    return this.#credentials;
  }

  /** Of the house that a node belongs to. */
  async houseId(number: number): Promise<string> {
    return (JSON.parse(await this.#read(number, "membership.json")) as { readonly houseId: string }).houseId; // written by the agent
  }

  /** On the host itself: its data may lie on a disk that only it sees. */
  #read(number: number, file: string): Promise<string> {
    return this.lab.exec(this.node(number).name, "cat", `/var/lib/fossora/${file}`);
  }

  #hostOf(number: number): string {
    return `${this.node(number).address}:${CLIENT_PORT}`;
  }
}
