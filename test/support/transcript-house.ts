// A house for transcripts: the real server on a real socket, over the fake store, with what nodes would observe said by the test.
import { EventEmitter, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { keys } from "../../src/api/keys.ts";
import type { Kind, Name, NodeName } from "../../src/api/resource.ts";
import type { InstanceMove } from "../../src/api/moves.ts";
import type { EventRecord } from "../../src/api/state.ts";
import type { NodeLoad } from "../../src/api/load.ts";
import type { TakeoverReport } from "../../src/api/takeover.ts";
import type { AnyStatus } from "../../src/api/status.ts";
import type { IngressStatus, LocalName } from "../../src/api/table.ts";
import type { TrafficReport } from "../../src/api/traffic.ts";
import type { HouseSummary } from "../../src/api/wire.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import type { Container, ExecSession, LogChunk, LogOptions, PullProgress } from "../../src/container-ports.ts";
import type { Clock, StatusReader } from "../../src/ports.ts";
import type { HouseControl, Peers, ServerPorts } from "../../src/server/ports.ts";
import { ApiServer } from "../../src/server/server.ts";
import { FakeContainers } from "../fakes/containers.ts";
import { FakeEngine } from "../fakes/containers-engine.ts";
import { apply, foundHouse, put } from "../fakes/objects.ts";
import { FakeEtcd } from "../fakes/store.ts";
import type { FakeStore } from "../fakes/store-client.ts";
import { realClock, silentLog } from "./real.ts";
import { until } from "./until.ts";

/** When everything in a transcript was made. */
const MADE_AT = "2026-01-01T00:00:00.000Z";

export type ExecScript = (command: readonly string[], session: ScriptedSession) => Promise<number>;

export class TranscriptHouse {
  readonly socket: string;
  readonly etcd: FakeEtcd;
  readonly store: FakeStore;
  readonly mirror: StoreMirror;
  readonly containers: ScriptedContainers;
  listeners: HouseSummary["listeners"];
  accessLog: IngressStatus["accessLog"];
  localNames: readonly LocalName[] = [];
  /** Of this node. */
  load: NodeLoad = { cpus: 4, busyCpus: 0.48, memoryBytes: 16 * 2 ** 30, usedBytes: 3 * 2 ** 30, containers: [] };
  peers: Peers = {
    names: () => [],
    ask: () => Promise.reject(new Error("there is no other node")),
    stream: () => Promise.reject(new Error("there is no other node")),
  };
  /** What its ingress says; undefined: it does not answer. */
  traffic: TrafficReport | undefined;
  readonly #control: HouseControl | undefined;
  readonly #node: NodeName;
  readonly #directory: string;
  readonly #statuses = new Map<string, AnyStatus>();
  readonly #pulls = new Map<
    Name,
    readonly { readonly image: string; readonly progress: PullProgress | undefined; readonly sinceMs: number }[]
  >();
  readonly #planned = new Map<string, readonly string[]>();
  readonly #ending = new AbortController();
  #server: ApiServer;
  #mirrored: Promise<void> | undefined;
  #events = 0;

  constructor(control?: HouseControl, node: NodeName = "nas") {
    this.#control = control;
    this.#node = node;
    this.#directory = mkdtempSync(path.join(tmpdir(), "fossora-transcript-"));
    this.socket = path.join(this.#directory, "fossora.sock");
    const clock: Clock = { ...realClock, wall: () => MADE_AT };
    this.etcd = new FakeEtcd(clock);
    this.store = this.etcd.client("nas", { clock, random: { next: () => 0.5 } });
    this.mirror = new StoreMirror({ store: this.store, clock, log: silentLog });
    this.containers = new ScriptedContainers(clock);
    this.#server = this.#makeServer();
  }

  static async start(control?: HouseControl, node?: NodeName): Promise<TranscriptHouse> {
    const house = new TranscriptHouse(control, node);
    foundHouse(house.etcd);
    apply(house.etcd, "Membership", "nas", { role: "auto", schedulable: true });
    house.#mirrored = house.mirror.run(house.#ending.signal);
    await until("the mirror is fresh", () => house.mirror.fresh);
    await house.#server.listen(house.socket);
    return house;
  }

  /** As other nodes ask it over port 733. */
  get server(): Pick<ApiServer, "stream"> {
    return this.#server;
  }

  async restartServer(): Promise<void> {
    await this.#server.close();
    this.#server = this.#makeServer();
    await this.#server.listen(this.socket);
  }

  async stopServer(): Promise<void> {
    await this.#server.close();
  }

  async close(): Promise<void> {
    await this.#server.close();
    this.#ending.abort(new Error("the test is over"));
    await this.#mirrored;
    rmSync(this.#directory, { recursive: true, force: true });
  }

  moves: readonly InstanceMove[] = [];
  copyAgeMs: number | undefined;
  takeover: TakeoverReport = { kind: "TakeoverReport", node: "nas", voters: [], warnings: [] };
  epoch = 1;

  /** As the kind's status.ts would compute it; the store changes besides, as it does then. */
  setStatus(kind: Kind, name: Name, status: AnyStatus): void {
    this.#statuses.set(`${kind}/${name}`, status);
    this.touch(kind, name);
  }

  setPulls(service: Name, pulls: readonly { readonly image: string; readonly progress?: PullProgress }[]): void {
    this.#pulls.set(
      service,
      pulls.map(({ image, progress }) => ({ image, progress, sinceMs: 0 })),
    );
    this.touch("Service", service);
  }

  setPlanned(kind: Kind, name: Name, sentences: readonly string[]): void {
    this.#planned.set(`${kind}/${name}`, sentences);
  }

  /** A node observed something. */
  touch(kind: Kind, name: Name): void {
    put(this.etcd, keys.observed(kind, name, "nas"), { bootId: "b1", conditions: [] });
  }

  addEvent(event: Omit<EventRecord, "node" | "time">, time = MADE_AT): void {
    put(this.etcd, keys.event(`${time}-${String(this.#events++).padStart(4, "0")}`), { ...event, node: "nas", time } satisfies EventRecord);
  }

  #makeServer(): ApiServer {
    const statusReader: StatusReader = {
      status: (kind, name) => this.#statuses.get(`${kind}/${name}`),
      progress: (service) => this.#pulls.get(service) ?? [],
      planned: (kind, name) => this.#planned.get(`${kind}/${name}`) ?? [],
    };
    const ports: ServerPorts = {
      ...(this.#control && { house: this.#control }),
      reader: this.mirror,
      statusReader,
      foresight: { ifLeft: () => this.moves, ifLost: () => this.moves, evenly: () => this.moves, stoppingOn: () => [] },
      mover: { move: ({ instance }) => Promise.resolve(this.moves.some((move) => move.instance === instance && move.others > 0)) },
      store: this.store,
      containers: this.containers,
      identity: { node: this.#node, nodeId: `id-${this.#node}`, bootId: "b1", bootedAtMs: 0 },
      clock: { ...realClock, wall: () => MADE_AT },
      log: silentLog,
      version: "0.1.0",
      listeners: () => this.listeners,
      accessLog: () => this.accessLog,
      ingress: {
        status: () => Promise.resolve({ pid: 1, build: "", revision: 1, listeners: this.listeners ?? [], localNames: this.localNames }),
        traffic: () => (this.traffic === undefined ? Promise.reject(new Error("silent")) : Promise.resolve(this.traffic)),
        metrics: () =>
          Promise.resolve("# HELP fossora_table_revision The revision.\n# TYPE fossora_table_revision gauge\nfossora_table_revision 1\n"),
      },
      trafficElsewhere: async () => [],
      peers: {
        names: () => this.peers.names(),
        ask: (...asked) => this.peers.ask(...asked),
        stream: (...asked) => this.peers.stream(...asked),
      },
      load: () => Promise.resolve(this.load),
      copyAgeMs: () => this.copyAgeMs,
      whyNoQuorum: () => ({ reason: "den alone keeps the house's state, and does not answer", next: "start den" }),
      takeover: {
        look: ({ ignoresAddress }) => Promise.resolve(ignoresAddress ? { ...this.takeover, voters: [] } : this.takeover),
        take: () => Promise.resolve((this.epoch += 1)),
      },
      engine: () => ({ queued: 1, failing: 0, kinds: new Map([["Service", { looks: 3, actions: 2, failures: 1 }]]) }),
      outside: () => "",
      unreachable: () => undefined,
      bootedMs: () => Infinity,
    };
    const server = new ApiServer(ports);
    server.setHouse(ports);
    return server;
  }
}

/** Containers whose logs and commands the test says. */
export class ScriptedContainers extends FakeContainers {
  readonly made: Container[] = [];
  readonly output = new Map<string, readonly LogChunk[]>();
  script: ExecScript = () => Promise.resolve(0);
  lastLogOptions: LogOptions | undefined;
  /** What it throws when it is asked which there are; "hangs": its Docker answers nothing. */
  fails: Error | "hangs" | undefined;
  /** What it waits for before it tells which there are. */
  beforeList: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** What it throws when it is asked for a log. */
  logsFail: Error | undefined;
  /** How often a log was asked for. */
  logsAsked = 0;
  readonly #changes = new EventEmitter();

  constructor(clock: Clock) {
    super(new FakeEngine({ clock, random: { next: () => 0.5 } }));
  }

  add(service: Name, instance: string, container: string, over: Partial<Container> = {}): Container {
    const made: Container = {
      id: `${instance}-${container}`,
      name: `${service}-${instance}-${container}`,
      service,
      instance,
      container,
      specHash: "h",
      state: "running",
      health: "none",
      exitCode: 0,
      outOfMemory: false,
      restarts: 0,
      imageId: "sha256:0",
      restartPolicy: "on-failure",
      published: {},
      ...over,
    };
    this.made.push(made);
    return made;
  }

  /** Whoever follows a container hears the end of its log when it runs no more, as of Docker. */
  become({ id }: Container, over: Partial<Container>): void {
    this.made.splice(0, Infinity, ...this.made.map((each) => (each.id === id ? { ...each, ...over } : each)));
    this.#changes.emit(id);
  }

  print(container: Container, ...lines: readonly string[]): void {
    const chunks = lines.map((line): LogChunk => ({ stream: "stdout", data: Buffer.from(`${line}\n`) }));
    this.output.set(container.id, [...(this.output.get(container.id) ?? []), ...chunks]);
  }

  override async list(service: Name | undefined, signal: AbortSignal): Promise<readonly Container[]> {
    await this.beforeList?.(signal);
    if (this.fails === "hangs") await once(this.#changes, "never", { signal }).catch(() => signal.throwIfAborted());
    if (this.fails instanceof Error) throw this.fails;
    return this.made.filter((each) => service === undefined || each.service === service);
  }

  override async *logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogChunk> {
    this.lastLogOptions = options;
    this.logsAsked += 1;
    if (this.logsFail !== undefined) throw this.logsFail;
    yield* (this.output.get(id) ?? []).slice(options.tail === undefined ? 0 : -options.tail);
    const follows = (): boolean => options.follow && !signal.aborted && this.made.find((each) => each.id === id)?.state === "running";
    while (follows()) await once(this.#changes, id, { signal }).catch(() => undefined); // aborted: the loop ends
  }

  override exec(_id: string, command: readonly string[]): Promise<ExecSession> {
    return Promise.resolve(new ScriptedSession(command, this.script));
  }
}

/** What waits for a command to read it, until it is said to be too much, as in a socket. */
const INPUT_BYTES_MAX = 64 * 1024;

/** A command that the test plays. */
export class ScriptedSession implements ExecSession {
  readonly output: AsyncIterable<LogChunk>;
  readonly sizes: string[] = [];
  readonly #code: Promise<number>;
  readonly #pending: LogChunk[] = [];
  readonly #input: string[] = [];
  readonly #drains: (() => void)[] = [];
  /** Written, and not read. */
  inputBytes = 0;
  #inputEnded = false;
  #outputEnded = false;
  readonly #waiters = new Set<() => void>();

  constructor(command: readonly string[], script: ExecScript) {
    this.output = this.#chunks();
    this.#code = script(command, this).finally(() => {
      this.#outputEnded = true;
      this.#wake();
    });
  }

  say(text: string, stream: LogChunk["stream"] = "stdout"): void {
    this.#pending.push({ stream, data: Buffer.from(text) });
    this.#wake();
  }

  /** All input, once it has ended. */
  async readAll(): Promise<string> {
    let text = this.#read();
    while (!this.#inputEnded) {
      await this.#changed();
      text += this.#read();
    }
    return text;
  }

  #read(): string {
    const isFull = this.#isFull;
    this.inputBytes = 0;
    if (isFull) for (const run of this.#drains) run();
    return this.#input.splice(0).join("");
  }

  get #isFull(): boolean {
    return this.inputBytes >= INPUT_BYTES_MAX;
  }

  async sized(): Promise<string> {
    while (this.sizes.length === 0) await this.#changed();
    return this.sizes.at(-1) ?? "";
  }

  write(data: Uint8Array): boolean {
    this.#input.push(Buffer.from(data).toString());
    this.inputBytes += data.length;
    this.#wake();
    return !this.#isFull;
  }

  onDrain(run: () => void): void {
    this.#drains.push(run);
  }

  end(): void {
    this.#inputEnded = true;
    this.#wake();
  }

  resize(columns: number, rows: number): Promise<void> {
    this.sizes.push(`${columns}x${rows}`);
    this.#wake();
    return Promise.resolve();
  }

  exitCode(): Promise<number> {
    return this.#code;
  }

  close(): void {
    this.end();
  }

  async *#chunks(): AsyncIterable<LogChunk> {
    for (;;) {
      const chunk = this.#pending.shift();
      if (chunk) yield chunk;
      else if (this.#outputEnded) return;
      else await this.#changed();
    }
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.add(resolve));
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
    this.#waiters.clear();
  }
}
