// Real etcd members on loopback, started as a house starts them: with TLS, with our flags, each in a folder of its own that goes away.
import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Etcd3 } from "etcd3";
import { connect, type Credentials } from "../../src/adapters/etcd3/connect.ts";
import { etcdEnvironment, etcdFlags } from "../../src/adapters/etcd3/flags.ts";
import { saveSnapshot } from "../../src/adapters/etcd3/member.ts";
import { loadTrust, type TrustFiles } from "../../src/agent/trust.ts";
import { FOUNDING_TIMING, type Timing } from "../../src/joining/timing.ts";

const READY_LIMIT_MS = 20_000;

interface Member {
  readonly name: string;
  readonly peerUrl: string;
  /** `address:port` for clients, without any proxy. */
  readonly host: string;
  readonly metricsUrl: string;
  readonly etcd: Etcd3;
  process: ChildProcess | undefined;
}

export class EtcdCluster {
  readonly #program: string;
  readonly #version: string;
  readonly #folder: string;
  readonly #trust: TrustFiles;
  readonly #timing: Timing;
  /** Besides the house's own, in whose place they count. */
  readonly #flags: readonly string[];
  readonly credentials: Credentials;
  readonly #members: Member[];
  /** Each generation has data folders, and a cluster id, of its own. */
  #generation = 0;

  /** `trust`: makes that of the house in a folder. */
  static async start(
    program: string,
    size: number,
    {
      trust: makeTrust = loadTrust,
      timing = FOUNDING_TIMING,
      flags = [],
    }: { readonly trust?: (folder: string) => Promise<TrustFiles>; readonly timing?: Timing; readonly flags?: readonly string[] } = {},
  ): Promise<EtcdCluster> {
    const folder = mkdtempSync(path.join(tmpdir(), "fossora-etcd-"));
    const trust = await makeTrust(folder);
    const ports = await freePorts(3 * size);
    const cluster = new EtcdCluster(program, { folder, trust, timing, flags }, ports);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  private constructor(
    program: string,
    {
      folder,
      trust,
      timing,
      flags,
    }: { readonly folder: string; readonly trust: TrustFiles; readonly timing: Timing; readonly flags: readonly string[] },
    ports: readonly number[],
  ) {
    this.#timing = timing;
    this.#flags = flags;
    this.#program = program;
    this.#version = /etcd Version: (\S+)/.exec(execFileSync(program, ["--version"], { encoding: "utf8" }))?.[1] ?? "";
    this.#folder = folder;
    this.#trust = trust;
    this.credentials = { ca: readFileSync(trust.ca), cert: readFileSync(trust.agent.certificate), key: readFileSync(trust.agent.key) };
    this.#members = Array.from({ length: ports.length / 3 }, (_, index) => this.#member(index, ports.slice(3 * index)));
  }

  /** One more that does not run yet; answers its peer URL, to be made a member of the cluster. */
  async prepare(): Promise<string> {
    const member = this.#member(this.#members.length, await freePorts(3));
    this.#members.push(member);
    return member.peerUrl;
  }

  /** Of a prepared one, once the cluster knows it. */
  async startPrepared(): Promise<void> {
    const member = this.#members.at(-1);
    assert(member && !member.process);
    this.#start(member, "existing");
    await answers(member);
  }

  /** Ours carries etcdutl; Debian's does not. */
  get canRestore(): boolean {
    return spawnSync(this.#program, ["utl", "version"], { stdio: "ignore" }).status === 0;
  }

  get hosts(): readonly string[] {
    return this.#members.map(({ host }) => host);
  }

  /** A client of the package itself, of a member that runs. */
  get etcd(): Etcd3 {
    return this.#running().etcd;
  }

  async startAll(): Promise<void> {
    for (const member of this.#members) if (!member.process) this.#start(member);
    await Promise.all(this.#members.map(serves));
  }

  /** Ends all members at once, as a power cut does. */
  async killAll(): Promise<void> {
    await Promise.all(this.#members.map((member) => kill(member)));
  }

  /** Answers the index of the member that led. */
  async killLeader(): Promise<number> {
    const { leader } = await this.etcd.maintenance.status();
    for (const [index, member] of this.#members.entries()) {
      const { header } = await member.etcd.maintenance.status();
      if (header.member_id !== leader) continue;
      await kill(member);
      return index;
    }
    assert.fail("no member leads");
  }

  async kill(index: number): Promise<void> {
    const member = this.#members[index];
    assert(member);
    await kill(member);
  }

  /** Until it is killed: its kernel still accepts connections. */
  freeze(index: number): void {
    this.#members[index]?.process?.kill("SIGSTOP");
  }

  async compact(): Promise<void> {
    const { header } = await this.etcd.kv.range({ key: Buffer.from("\0") });
    await this.etcd.kv.compact({ revision: header.revision, physical: true });
  }

  async revokeLeases(): Promise<void> {
    const { leases } = await this.etcd.leaseClient.leaseLeases();
    for (const { ID } of leases) await this.etcd.leaseClient.leaseRevoke({ ID });
  }

  /** Answers the snapshot's file. */
  async snapshot(): Promise<string> {
    const file = path.join(this.#folder, `snapshot-${Date.now()}.db`);
    await saveSnapshot(file, { host: this.#running().host, credentials: this.credentials, signal: AbortSignal.timeout(READY_LIMIT_MS) });
    return file;
  }

  /** Puts another store in the place of this one, on the same ports, with another cluster id: from a snapshot, or an empty one. */
  async replace(snapshot: string | undefined): Promise<void> {
    await this.killAll();
    this.#generation++;
    for (const member of snapshot === undefined ? [] : this.#members) {
      const flags = ["--name", member.name, "--data-dir", this.#dataDir(member), "--initial-advertise-peer-urls", member.peerUrl];
      const cluster = ["--initial-cluster", this.#memberList(), "--initial-cluster-token", this.#token()];
      execFileSync(this.#program, ["utl", "snapshot", "restore", snapshot ?? "", ...flags, ...cluster], { stdio: "ignore" });
    }
    await this.startAll();
  }

  async close(): Promise<void> {
    await this.killAll();
    for (const { etcd } of this.#members) etcd.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #member(index: number, [client, peer, metrics]: readonly number[]): Member {
    const host = `127.0.0.1:${client}`;
    return {
      name: `m${index}`,
      peerUrl: `https://127.0.0.1:${peer}`,
      host,
      metricsUrl: `http://127.0.0.1:${metrics}`,
      etcd: connect({ host, credentials: this.credentials, attemptMs: 5_000 }),
      process: undefined,
    };
  }

  #start(member: Member, state: "new" | "existing" = "new"): void {
    const flags = etcdFlags(this.#version, {
      name: member.name,
      dataDir: this.#dataDir(member),
      listen: { peer: [member.peerUrl], client: [`https://${member.host}`], metrics: [member.metricsUrl] },
      advertise: { peer: [member.peerUrl], client: [`https://${member.host}`] },
      cluster: { state, token: this.#token(), members: this.#members },
      tls: { ca: this.#trust.ca, crl: this.#trust.crl, client: this.#trust.etcdClient, peer: this.#trust.etcdPeer },
      timing: this.#timing,
    });
    const child = spawn(this.#program, [...flags, ...this.#flags], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...etcdEnvironment },
    });
    child.stderr?.pipe(createWriteStream(path.join(this.#folder, `${member.name}.log`), { flags: "a" }));
    member.process = child;
  }

  #running(): Member {
    const member = this.#members.find(({ process }) => process !== undefined);
    assert(member, "no member runs");
    return member;
  }

  #memberList(): string {
    return this.#members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join();
  }

  #token(): string {
    return `${path.basename(this.#folder)}-${this.#generation}`;
  }

  #dataDir(member: Member): string {
    return path.join(this.#folder, `${member.name}-${this.#generation}`);
  }
}

async function serves(member: Member): Promise<void> {
  await untilThrowsNot(member, ({ kv }) => kv.range({ key: Buffer.from("\0") }));
}

/** Also as a learner, which serves no reads. */
async function answers(member: Member): Promise<void> {
  await untilThrowsNot(member, ({ maintenance }) => maintenance.status());
}

async function untilThrowsNot({ name, etcd }: Member, call: (etcd: Etcd3) => Promise<unknown>): Promise<void> {
  for (const deadlineMs = Date.now() + READY_LIMIT_MS; ; await sleep(50)) {
    try {
      await call(etcd);
      return;
    } catch (error) {
      if (Date.now() > deadlineMs) throw new Error(`etcd ${name} does not serve`, { cause: error });
    }
  }
}

async function kill(member: Member): Promise<void> {
  const { process: child } = member;
  if (!child) return;
  member.process = undefined;
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

/** Ports that nobody listens on at this moment, all different. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
