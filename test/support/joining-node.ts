// A node that finds its way into a house in a test: real etcd, real TLS, the real protocol, on an address of its own. It can be killed
// and started again; everything ends with the test.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { openStore } from "../../src/adapters/etcd3/store.ts";
import { MeshServer } from "../../src/adapters/mesh/server.ts";
import type { AskerTrust } from "../../src/agent/asker-trust.ts";
import { Child, endProcess } from "../../src/agent/child.ts";
import type { EtcdProgram } from "../../src/agent/etcd-binary.ts";
import { keepEtcd } from "../../src/agent/etcd.ts";
import { NodeHouseControl, type HouseControlOptions } from "../../src/agent/house-control.ts";
import { foundHouse } from "../../src/agent/found.ts";
import { loadNodeId, nameOfNode } from "../../src/agent/identity.ts";
import { readCredentials } from "../../src/agent/joining/inside.ts";
import { JoiningNode } from "../../src/agent/joining/joining-node.ts";
import type { JoiningNodeOptions } from "../../src/agent/joining/joining-options.ts";
import { JoinWish } from "../../src/agent/joining/wish.ts";
import { judgeWith } from "../../src/agent/joining/stranger-trust.ts";
import { loadTrust } from "../../src/agent/trust.ts";
import type { Here, Phase } from "../../src/joining/joiner-state.ts";
import type { Address, Fitness, HouseState, MachineHints, Trust } from "../../src/joining/messages.ts";
import type { Store, StoreStatus } from "../../src/ports.ts";
import type { HouseControl } from "../../src/server/ports.ts";
import type { Token } from "../../src/trust/token.ts";
import { realClock, silentLog } from "./real.ts";
import { until } from "./until.ts";

export interface TestNodeOptions {
  readonly program: EtcdProgram;
  readonly name: string;
  readonly ip: string;
  /** Found by discovery. */
  readonly candidates?: () => readonly Address[];
  /** It takes whoever it meets for one of the same person's. */
  readonly trusts?: boolean;
  readonly hints?: MachineHints;
  /** Nobody has applied anything to its house. */
  readonly isEmpty?: boolean;
  readonly link?: Fitness["link"];
  /** Absent: it has none. */
  readonly containers?: HouseControlOptions["containers"];
  /** Its apps that others wait for, when it has handed over. */
  readonly stopping?: readonly string[];
  /** What lives in its house. */
  readonly onHouse?: JoiningNodeOptions["onHouse"];
  /** Absent: it has no Docker. */
  readonly stream?: JoiningNodeOptions["stream"];
}

const ours: AskerTrust = { trust: "trusted", because: "it is of the same person", answer: (message) => ({ message }) };

export class TestJoiningNode {
  readonly dataDir = mkdtempSync(path.join(tmpdir(), "fossora-joining-"));
  readonly nodeId = loadNodeId(this.dataDir);
  readonly name: string;
  /** Of its store; that of its port 733 stays. */
  addresses: readonly string[];
  /** Of its agent, as it says itself. */
  meshAddresses: readonly Address[] | undefined;
  wish: { readonly addresses: readonly Address[]; readonly token?: Token } | undefined;
  readonly #options: TestNodeOptions;
  /** Of a computer without a tailnet. */
  readonly #judge = judgeWith({
    ports: {
      tailnet: { status: async () => ({ kind: "absent" }), whois: async () => undefined },
      callBack: () => Promise.reject(new Error("nobody is called")),
    },
    settings: () => ({ tags: [] }),
    clock: realClock,
    dataDir: this.dataDir,
  });
  #port = 0;
  #running:
    | {
        readonly node: JoiningNode;
        readonly server: MeshServer;
        readonly child: Child;
        readonly control: HouseControl;
        stop(): Promise<void>;
      }
    | undefined;

  constructor(options: TestNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.addresses = [options.ip, options.ip.replace(/^127\.0/, "127.1")]; // two links
  }

  get address(): Address {
    return `${this.#options.ip}:${this.#port}`;
  }

  get phase(): Phase["kind"] | undefined {
    return this.#running?.node.joiner.phase.kind;
  }

  get memberId(): string | undefined {
    const phase = this.#running?.node.joiner.phase;
    return phase?.kind === "member" ? phase.membership.memberId : undefined;
  }

  get house(): HouseState | undefined {
    return this.#running?.node.seen?.house;
  }

  get words(): readonly string[] {
    return this.#running?.node.words ?? [];
  }

  get store(): Store {
    const store = this.#running?.node.store;
    if (store === undefined) throw new Error(`${this.name} belongs to no house yet`);
    return store;
  }

  /** While it runs. */
  get joining(): JoiningNode {
    const node = this.#running?.node;
    if (node === undefined) throw new Error(`${this.name} does not run`);
    return node;
  }

  get control(): HouseControl {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`);
    return this.#running.control;
  }

  get etcdPid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Before it is started, so that others can be told. */
  async chooseAddress(): Promise<void> {
    await this.#choosePorts();
  }

  /** As the agent of a house of one does it: a store on loopback, that ends here. */
  async foundAsBefore(): Promise<StoreStatus> {
    await this.#choosePorts();
    const { dataDir, nodeId } = this;
    const [child, trust] = [this.#newChild(), await loadTrust(dataDir)];
    const host = await keepEtcd({ dataDir, nodeId, program: this.#options.program, trust, child });
    const store = openStore({ hosts: [host], credentials: readCredentials(dataDir), clock: realClock, log: silentLog });
    const signal = AbortSignal.timeout(30_000);
    await until("the House", () => foundHouse({ store, dataDir, clock: realClock }, signal));
    await store.commit({ compare: [], writes: [{ put: "/test/kept", value: "kept" }] }, signal);
    const status = await store.status(signal);
    await store.close();
    await child.end(1_000);
    return status;
  }

  #newChild(): Child {
    const runDir = path.join(this.dataDir, "run");
    mkdirSync(runDir, { recursive: true });
    return new Child({
      name: "etcd",
      runDir,
      dataDir: this.dataDir,
      logFile: path.join(this.dataDir, "etcd.log"),
      clock: realClock,
      log: silentLog,
    });
  }

  async start(): Promise<void> {
    const { ip, program, name } = this.#options;
    if (this.#port === 0) await this.#choosePorts();
    const child = this.#newChild();
    const shown: { server?: MeshServer } = {};
    const kept = new JoinWish(this.dataDir);
    const node = await JoiningNode.open({
      traffic: () => Promise.reject(new Error("it has no ingress")),
      load: () => Promise.reject(new Error("it has no Docker")),
      stream: this.#options.stream ?? (() => Promise.reject(new Error("it has no Docker"))),
      dataDir: this.dataDir,
      nodeId: this.nodeId,
      name: () => nameOfNode({ dataDir: this.dataDir, hostName: name }),
      addresses: () => this.addresses,
      meshAddresses: () => this.meshAddresses ?? [this.address],
      localAddress: ip,
      mayFound: async () => undefined,
      etcd: program,
      child,
      versions: { fossora: "0.1.0", etcd: program.version },
      machine: () => ({
        machine: this.#options.hints ?? { macs: [], productUuid: "" },
        fitness: { link: this.#options.link ?? "wired", battery: false, fsyncP99Ms: 1 },
      }),
      discovery: (): Pick<Here, "candidates" | "tailnet"> => ({ candidates: this.#options.candidates?.() ?? [], tailnet: "running" }),
      onHouse: this.#options.onHouse ?? (async () => {}),
      onStanding: () => undefined,
      onGone: (nodeIds) => shown.server?.end(nodeIds),
      rests: () => kept.rests,
      onRest: () => control.left.begin(),
      wish: () => this.wish ?? kept.wish,
      revision: () => undefined,
      facts: () => ({ hasObjects: this.#options.isEmpty !== true, joining: "auto" }),
      replaceAfterMs: () => 600_000,
      leaving: () => new Set(),
      roles: () => new Map(),
      strangerTrust: async (): Promise<Trust> => (this.#options.trusts === true ? "trusted" : "needs approval"),
      judge: async ({ peer, proven }, { store, approvals }, signal) =>
        this.#options.trusts === true ? ours : this.#judge({ peer, proven }, { store, approvals }, signal),
      onTrust: (trust) => shown.server?.setTrust(trust),
      clock: realClock,
      log: silentLog,
    });
    const server = new MeshServer({ trust: node.trust, handler: node, isKnown: (nodeId) => node.isKnown(nodeId), log: silentLog });
    shown.server = server;
    await server.listen({ address: ip, port: this.#port });
    const stopping = new AbortController();
    const running = node.run(stopping.signal);
    const stop = async (): Promise<void> => {
      stopping.abort(new Error("stopped"));
      control.close();
      await running;
      await server.close();
    };
    const control = new NodeHouseControl({
      dataDir: this.dataDir,
      nodeId: this.nodeId,
      name: () => name,
      joining: () => node,
      copies: () => [],
      wish: kept,
      handOver: {
        go: async () => ({ kind: "HandedOver", left: [], stays: [], leads: false }),
        stay: () => undefined,
        stopping: this.#options.stopping ?? [],
      },
      meshAddresses: () => [this.address],
      tailnet: () => "absent",
      versions: { fossora: "0.1.0", etcd: program.version },
      replaceAfterMs: () => 600_000,
      containers: this.#options.containers ?? { list: async () => [], stop: async () => undefined, remove: async () => undefined },
      clock: realClock,
      log: silentLog,
    });
    this.#running = { node, server, child, control, stop };
  }

  /** Agent and etcd at once, as a power cut does; what the agent would still have written is not distinguished. */
  async kill(): Promise<void> {
    const running = this.#running;
    const pid = running?.child.pid;
    running?.child.release();
    if (pid !== undefined) process.kill(pid, "SIGKILL");
    await running?.stop();
    const last = running?.child.pid;
    if (last !== undefined && last !== pid) await endProcess(last, 0, realClock);
    this.#running = undefined;
  }

  async close(): Promise<void> {
    const child = this.#running?.child;
    await this.#running?.stop();
    await child?.end(1_000);
    this.#running = undefined;
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Of its store, beside it. */
  get clientHost(): string {
    const { client } = JSON.parse(readFileSync(path.join(this.dataDir, "etcd/ports.json"), "utf8")) as { readonly client: number }; // as written below
    return `127.0.0.1:${client}`;
  }

  /** Of its own: others on this machine hold the usual ones. */
  async #choosePorts(): Promise<void> {
    const [mesh = 0, client, peer] = await freePorts(3);
    this.#port = mesh;
    mkdirSync(path.join(this.dataDir, "etcd"));
    writeFileSync(path.join(this.dataDir, "etcd/ports.json"), JSON.stringify({ client, peer }));
  }
}

/** Free on loopback and, with that, on all of its addresses. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "0.0.0.0"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port); // TCP
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
