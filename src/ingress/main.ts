// The data plane of one node, a process of its own: serves from the last table, with or without an agent, until another takes over.
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { AccessLog } from "../adapters/access-log/access-log.ts";
import { Forwarder } from "../adapters/dns/forward.ts";
import { dnsListener } from "../adapters/dns/server.ts";
import { HttpFront } from "../adapters/http-proxy/front.ts";
import { growSlowly } from "../adapters/http-proxy/garbage.ts";
import { KeptFile } from "../adapters/ingress-control/kept-file.ts";
import { isServed, serveControl, type ControlAnswer, type ControlRoutes, type ControlServer } from "../adapters/ingress-control/server.ts";
import { MdnsLinks } from "../adapters/mdns/links.ts";
import { ownLinks } from "../adapters/mdns/own-links.ts";
import { Mesh } from "../adapters/mesh/ways.ts";
import { handDown, sayReady, takeHandedDown } from "../adapters/sockets/handover.ts";
import type { HandedDown } from "../adapters/sockets/listener.ts";
import { ListenerSet } from "../adapters/sockets/listener-set.ts";
import { lanNetworks, localAddresses, localNetworks } from "../adapters/sockets/local-addresses.ts";
import type { StreamOptions } from "../adapters/sockets/stream-options.ts";
import { TcpStreams } from "../adapters/sockets/tcp-streams.ts";
import { UdpStreams } from "../adapters/sockets/udp-streams.ts";
import { systemClock } from "../adapters/system/clock.ts";
import { killContainerProcesses } from "../adapters/system/container-processes.ts";
import { every } from "../adapters/system/every.ts";
import { createLog, outliveOutput } from "../adapters/system/log.ts";
import { renderMetrics } from "../api/prometheus.ts";
import type { IngressSettings, IngressStatus, Table } from "../api/table.ts";
import type { TrafficReport } from "../api/traffic.ts";
import { Guard } from "../liveness/guard.ts";
import { accessLine } from "./access-line.ts";
import { plainAddress } from "./address.ts";
import { isAllowed } from "./allow.ts";
import { BackendHealth } from "./backend-health.ts";
import { parseFence, parsePing, parseProgram, parseSettings, parseTable } from "./check-table.ts";
import { readHello, UNRECOGNIZED_NAME } from "./client-hello.ts";
import { decide } from "./decide.ts";
import { planListeners, type ListenerPlan } from "./listeners.ts";
import { ingressMetrics } from "./metrics.ts";
import { compileRouter, type Router } from "./match.ts";
import { planMdns, rememberMembers, type LinkWish, type Members } from "./mdns-plan.ts";
import { MdnsResponder } from "./mdns-responder.ts";
import { mdnsStatus } from "./mdns-status.ts";
import * as pages from "./pages.ts";
import { proxyHeader } from "./proxy-protocol.ts";
import { placeOf, replyTo, type Known } from "./reply.ts";
import { Traffic } from "./traffic.ts";
import { isWayAddress, ownInstances, ownPlaces, placeKey, rememberWays, type WayNodes } from "./ways.ts";
import { compileZone, type Zone } from "./zone.ts";

/** WebSockets and streams may take this long to end by themselves after a handover; after a stop nobody takes them over. */
const DRAIN_HANDOVER_MS = 30 * 60_000;
const DRAIN_STOP_MS = 2000;
/** A computer's addresses come and go, and nobody says so. */
const ADDRESSES_EVERY_MS = 15_000;
/** How often it is looked whether contact with the house was lost. */
const GUARD_EVERY_MS = 250;

const NO_TABLE = { zone: "", streams: [] } as const;
const OK: ControlAnswer = { status: 200, body: {} };

const log = createLog({
  level: "info",
  format: "text",
  write: (line) => void process.stderr.write(line),
  time: () => new Date().toISOString(),
});

/** `fossora ingress --run-dir DIR --data-dir DIR [--build SHA256]`. Resolves once it serves. */
export async function runIngress(argv: readonly string[]): Promise<void> {
  growSlowly();
  const { values } = parseArgs({
    args: [...argv],
    options: {
      "run-dir": { type: "string", default: "/run/fossora" },
      "data-dir": { type: "string", default: "/var/lib/fossora" },
      build: { type: "string", default: "" },
    },
  });
  outliveOutput();
  const ingress = new Ingress({
    socketPath: path.join(values["run-dir"], "ingress.sock"),
    dataDir: path.join(values["data-dir"], "ingress"),
    build: values.build,
  });
  await ingress.start(takeHandedDown());
  sayReady();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void ingress.end(DRAIN_STOP_MS));
}

interface Options {
  readonly socketPath: string;
  readonly dataDir: string;
  readonly build: string;
}

interface State {
  readonly table: Table;
  readonly router: Router;
  readonly zone: Zone;
  /** What of this node others may be led to. */
  readonly places: ReadonlySet<string>;
}

class Ingress {
  readonly #options: Options;
  readonly #tableFile: KeptFile;
  readonly #settingsFile: KeptFile;
  readonly #health = new BackendHealth();
  readonly #traffic = new Traffic(performance.now());
  readonly #streamTraffic = new Traffic(performance.now());
  readonly #accessLog = new AccessLog({ line: accessLine, log });
  readonly #front: HttpFront;
  readonly #tcp: TcpStreams;
  readonly #udp: UdpStreams;
  readonly #listeners: ListenerSet;
  readonly #mdns = new MdnsLinks<LinkWish, MdnsResponder>({ responder: () => new MdnsResponder(Math.random), log });
  #state: State | undefined;
  #settings: IngressSettings | undefined;
  #plan: ListenerPlan = planListeners(undefined, NO_TABLE, []);
  readonly #mesh: Mesh;
  #members: Members = new Map();
  #ways: WayNodes = new Map();
  #control: ControlServer | undefined;
  readonly #guard = new Guard();
  readonly #queries = new Map<string, number>();
  /** What names are answered from: another object at each change. */
  #known: Known = {};
  /** Set while and after another process takes over: what comes in then is for that one. */
  #handover: Promise<number> | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#tableFile = new KeptFile(path.join(options.dataDir, "table.json"));
    this.#settingsFile = new KeptFile(path.join(options.dataDir, "settings.json"));
    const node = (): string => this.#state?.table.node ?? "";
    this.#mesh = new Mesh({
      node,
      nodeOf: (name) => this.#ways.get(name),
      isOwn: (place) => this.#state?.places.has(placeKey(place)) === true,
      isFavoured: (address) => this.#members.has(plainAddress(address)) || isWayAddress(this.#ways, plainAddress(address)),
      now: () => systemClock.now(),
      onContact: (atMs) => this.#guard.contact(atMs, systemClock.now()),
      log,
    });
    const shared = { node, health: this.#health, ways: this.#mesh.ways, plainAddress, log };
    this.#front = new HttpFront({
      decide: (asked) => decide(this.#state?.router, asked, this.#known),
      backendsOf: (host) => this.#state?.router.root(host)?.backends ?? [],
      pages,
      traffic: this.#traffic,
      accessLog: this.#accessLog,
      ...shared,
    });
    const streams: StreamOptions = {
      route: (...asked) => this.#plan.route(...asked),
      readHello,
      noSuchHost: UNRECOGNIZED_NAME,
      isAllowed: ({ allow }, client) => isAllowed(allow, client, this.#known),
      preface: proxyHeader,
      traffic: this.#streamTraffic,
      ...shared,
    };
    this.#tcp = new TcpStreams(streams);
    this.#udp = new UdpStreams(streams);
    const dns = dnsListener({
      reply: (question, peer) => replyTo(question, peer, this.#known),
      placeOf: (peer) => placeOf(peer, this.#known),
      epoch: () => this.#known,
      counted: (code) => this.#queries.set(code, (this.#queries.get(code) ?? 0) + 1),
      forwarder: new Forwarder(this.#mesh.ways),
      log,
    });
    this.#listeners = new ListenerSet(
      { http: this.#front.listen, dns, mesh: this.#mesh.listen, tcp: this.#tcp.listen, udp: this.#udp.listen },
      log,
    );
  }

  async start(handed: readonly HandedDown[]): Promise<void> {
    const { socketPath, dataDir } = this.#options;
    await mkdir(path.dirname(socketPath), { recursive: true });
    if (handed.length === 0 && (await isServed(socketPath)))
      throw new Error(`Cannot start: another ingress answers at ${socketPath}. Stop it, or hand over to this one.`);
    const table = await this.#tableFile.readAs(parseTable, notReadable);
    if (table !== undefined) this.#use(table);
    this.#useSettings(await this.#settingsFile.readAs(parseSettings, notReadable));
    await this.#listen(handed);
    this.#control = await serveControl(socketPath, this.#routes());
    const look = (): Promise<void> | undefined => (this.#handover === undefined ? this.#listen() : undefined);
    const failed = (error: unknown): void => log.warn("Regular look failed", { error });
    every(ADDRESSES_EVERY_MS, look, failed);
    every(GUARD_EVERY_MS, () => this.#endWithContact(), failed);
    log.info("Ingress started", { pid: process.pid, dataDir, revision: table?.revision ?? 0, handedDown: handed.length });
  }

  /** Its agent is gone, and nobody of the house knows of this node any more. */
  #endWithContact(): void {
    if (this.#guard.isIdle) return;
    const ended = killContainerProcesses(this.#guard.ending(systemClock.now()));
    if (ended > 0) log.warn("Apps that another computer may run now were ended: contact with the house was lost", { processes: ended });
  }

  /** Stops taking anything new, lets what is under way end, and ends the process. */
  async end(limitMs: number): Promise<void> {
    this.#control?.close();
    setTimeout(() => this.#exit(), limitMs);
    const mdns = this.#mdns.end({ handover: this.#handover !== undefined });
    const drained = Promise.all([mdns, this.#listeners.drain(), this.#tableFile.flush(), this.#settingsFile.flush()]);
    // Whoever connects anew from now on is another one's client.
    if (this.#handover !== undefined) this.#front.handOver();
    await drained;
    await this.#accessLog.flush();
    this.#exit();
  }

  /** What is still open is broken off: where a process just ends, the kernel tells the other side that all of it has come. */
  #exit(): never {
    this.#tcp.breakOff();
    this.#mesh.breakOff();
    process.exit(0);
  }

  #useSettings(settings: IngressSettings | undefined): void {
    this.#settings = settings;
    this.#accessLog.use(settings?.accessLog);
    this.#mesh.use(settings?.mesh);
  }

  #use(table: Table): void {
    this.#state = { table, router: compileRouter(table), zone: compileZone(table), places: ownPlaces(table) };
    this.#members = rememberMembers(this.#members, table);
    this.#ways = rememberWays(this.#ways, table);
    for (const name of table.down ?? []) this.#mesh.cut(name);
    this.#health.keep([...table.http, ...table.streams].flatMap(({ backends }) => backends));
    this.#traffic.keep(table.http);
    this.#streamTraffic.keep(table.streams);
    this.#front.changed(table.http);
  }

  /** Of a house that this node belongs to no more: whoever asks here is to ask elsewhere. */
  #forget(): void {
    this.#state = undefined;
    this.#members = new Map();
    this.#ways = new Map();
    this.#health.keep([]);
    this.#traffic.keep([]);
    this.#streamTraffic.keep([]);
    this.#front.changed([]);
  }

  /** Opens what the table and the settings ask for now, and closes the rest; resolves when each was tried once. */
  async #listen(handed: readonly HandedDown[] = []): Promise<void> {
    const before = JSON.stringify(this.#plan.wishes);
    this.#learn();
    this.#plan = planListeners(this.#settings, this.#state?.table ?? NO_TABLE, localAddresses());
    this.#tcp.changed();
    const { table } = this.#state ?? {};
    this.#mdns.apply(planMdns({ table, settings: this.#settings?.mdns, links: ownLinks(), members: this.#members }));
    if (handed.length > 0 || JSON.stringify(this.#plan.wishes) !== before) await this.#listeners.apply(this.#plan.wishes, handed);
  }

  /** A new object only for news: answers are kept as long as it stays. */
  #learn(): void {
    const { zone, table } = this.#state ?? {};
    const containers = this.#settings?.containers;
    const known: Known = { zone, table, networks: localNetworks(), lans: lanNetworks(), ...(containers && { containers }) };
    const isNews = known.zone !== this.#known.zone || known.containers !== this.#known.containers;
    const networksOf = ({ networks = [], lans = [] }: Known): string => [...networks, "", ...lans].join();
    if (isNews || networksOf(known) !== networksOf(this.#known)) this.#known = known;
  }

  #routes(): ControlRoutes {
    return {
      "PUT /table": (body) =>
        this.#unlessHandedOver(async () => {
          const table = parseTable(body);
          this.#use(table);
          await this.#listen();
          void this.#tableFile.write(table).catch((error: unknown) => log.error("Table was not kept", { error: String(error) }));
          return OK;
        }),
      "DELETE /table": () =>
        this.#unlessHandedOver(async () => {
          this.#forget();
          await this.#listen();
          void this.#tableFile.write(undefined).catch((error: unknown) => log.error("Table was not forgotten", { error: String(error) }));
          return OK;
        }),
      "PUT /settings": (body) =>
        this.#unlessHandedOver(async () => {
          const settings = parseSettings(body);
          this.#useSettings(settings);
          await this.#listen();
          void this.#settingsFile.write(settings).catch((error: unknown) => log.error("Settings were not kept", { error: String(error) }));
          return OK;
        }),
      "GET /status": () => ({ status: 200, body: this.#status() }),
      "GET /traffic": () => {
        this.#countBytes();
        return { status: 200, body: this.#report() };
      },
      "POST /ping": async (body) => {
        const { node, limitMs, contactAtMs } = parsePing(body);
        const answers = await this.#mesh.ping(node, limitMs, contactAtMs).then(
          () => true,
          () => false,
        );
        return { status: 200, body: { answers } };
      },
      "GET /busy": () => ({
        status: 200,
        body: { instances: [...new Set([...ownInstances(this.#state?.table), ...this.#front.busy(), ...this.#mesh.busy()])] },
      }),
      "PUT /fence": (body) => {
        this.#guard.tell(parseFence(body), systemClock.now());
        return OK;
      },
      "GET /fence": () => ({ status: 200, body: this.#guard.told ?? {} }),
      "GET /metrics": () => ({ status: 200, body: this.#metrics() }),
      "POST /handover": (body) => this.#unlessHandedOver(() => this.#handOver(body)),
    };
  }

  /** A change that arrives during a handover would miss both: the next one has read the disk, this one is about to end. */
  async #unlessHandedOver(change: () => Promise<ControlAnswer>): Promise<ControlAnswer> {
    if (this.#handover !== undefined) {
      const failed = await this.#handover.then(
        () => false,
        () => true,
      );
      if (!failed) return { status: 503, body: { message: "Another ingress took over" } };
    }
    return change();
  }

  async #handOver(body: unknown): Promise<ControlAnswer> {
    const program = parseProgram(body);
    if (this.#handover !== undefined) return { status: 409, body: { message: "Another handover is under way" } };
    this.#handover = Promise.all([this.#tableFile.flush(), this.#settingsFile.flush()]).then(() =>
      handDown(program, this.#listeners.handedDown),
    );
    try {
      const pid = await this.#handover;
      this.#guard.handOver();
      log.info("Ingress handed over", { pid });
      setImmediate(() => void this.end(DRAIN_HANDOVER_MS));
      return { status: 200, body: { pid } };
    } catch (error) {
      this.#handover = undefined;
      throw error;
    }
  }

  #status(): IngressStatus {
    return {
      pid: process.pid,
      build: this.#options.build,
      revision: this.#state?.table.revision ?? 0,
      listeners: [...this.#listeners.status, ...this.#plan.refused],
      ...mdnsStatus(this.#mdns.state.map(({ responder, ...link }) => ({ ...link, names: responder.names }))),
      ...(this.#accessLog.status && { accessLog: this.#accessLog.status }),
    };
  }

  /** What is still running is counted as far as it is. */
  #countBytes(): void {
    this.#front.countBytes();
    this.#tcp.countBytes();
  }

  #report(): TrafficReport {
    const { http = [], streams = [] } = this.#state?.table ?? {};
    const report = this.#traffic.report(performance.now(), http);
    return { ...report, routes: [...report.routes, ...this.#streamTraffic.report(performance.now(), streams).routes] };
  }

  #metrics(): string {
    this.#countBytes();
    const { user, system } = process.cpuUsage();
    const families = ingressMetrics(this.#traffic, this.#streamTraffic, {
      build: this.#options.build,
      revision: this.#state?.table.revision ?? 0,
      startedAtSeconds: performance.timeOrigin / 1000,
      cpuSeconds: (user + system) / 1e6,
      memoryBytes: process.memoryUsage.rss(),
      held: this.#front.held,
      tcpConnections: this.#tcp.connections,
      udpSessions: this.#udp.sessions,
      mesh: this.#mesh.connections,
      dnsQueries: this.#queries,
      accessLog: this.#accessLog.status,
    });
    return renderMetrics(families);
  }
}

/** What cannot be read is as good as absent: the agent sends everything again. */
function notReadable(error: unknown): void {
  log.error("Kept file was not readable", { error: String(error) });
}
