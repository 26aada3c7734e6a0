// The control plane of one node: what is wired to what, and in which order it starts and stops. Here are no decisions.
import { readFileSync } from "node:fs";
import path from "node:path";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { openStore, type EtcdStore } from "../adapters/etcd3/store.ts";
import { connectIngress } from "../adapters/ingress-client/client.ts";
import { openAddresses } from "../adapters/system/addresses.ts";
import { checkProbe } from "../adapters/system/check.ts";
import { systemRandom } from "../adapters/system/clock.ts";
import { BackgroundJobs } from "../adapters/system/jobs.ts";
import { nodeAddresses } from "../adapters/system/node-addresses.ts";
import { NodeProbes } from "../adapters/system/probes.ts";
import { usedSubnets } from "../adapters/system/routes.ts";
import { noSecrets } from "../adapters/system/secrets.ts";
import { MachineSystem } from "../adapters/system/system.ts";
import { VolumeFolders } from "../adapters/system/volumes.ts";
import { StoreUnavailable } from "../api/errors.ts";
import type { Ports } from "../engine/contract.ts";
import { Engine } from "../engine/engine.ts";
import { runnable } from "../engine/runnable.ts";
import { StoreMirror } from "../engine/mirror.ts";
import type { Clock, Identity } from "../ports.ts";
import { ApiServer } from "../server/server.ts";
import { eachController } from "../../controllers/index.ts";
import { keepEtcd } from "./etcd.ts";
import { findEtcdProgram, type EtcdProgram } from "./etcd-binary.ts";
import { EventWriter } from "./event-writer.ts";
import { DEFAULT_ZONE, foundHouse } from "./found.ts";
import { loadIdentity } from "./identity.ts";
import { collectGarbage, whenQuiet } from "./idle-collection.ts";
import { IngressKeeper } from "./ingress.ts";
import { IngressSettingsKeeper } from "./ingress-settings.ts";
import { childOf, type Machine } from "./install.ts";
import { thisBuild, thisProgram } from "./program.ts";
import { Publisher } from "./publisher.ts";
import { openSocket } from "./socket.ts";
import { NodeStatusReader } from "./status-reader.ts";
import { loadTrust, type TrustFiles } from "./trust.ts";
import { versionOfFossora } from "./version.ts";

/** The lease of `nodes/<node>`: membership.md's 20 s. */
const leaseTtlMs = 20_000;
const storeRetryMs = 20;
const engineInfoLimitMs = 5_000;
const ingressLimitMs = 5_000;

/** Runs until the signal, then leaves etcd, ingress and containers alive. Throws UserError for what a person should mend. */
export async function runAgent(machine: Machine, signal: AbortSignal): Promise<void> {
  const { settings, log } = machine;
  const identity = loadIdentity(settings);
  log.info("Agent started", { node: identity.node, nodeId: identity.nodeId, version: versionOfFossora(), dataDir: settings.dataDir });
  const etcd = await findEtcdProgram({ dataDir: settings.dataDir, ...(settings.etcd === undefined ? {} : { named: settings.etcd }) });
  const node = new Node(machine, identity, etcd);
  try {
    await node.run(signal);
  } finally {
    await node.close();
  }
}

/** Everything of one node that lives as long as its agent. */
class Node {
  readonly #machine: Machine;
  readonly #identity: Identity;
  readonly #etcd: EtcdProgram;
  readonly #containers: DockerContainers;
  #close: (() => Promise<void>)[] = [];

  constructor(machine: Machine, identity: Identity, etcd: EtcdProgram) {
    this.#machine = machine;
    this.#identity = identity;
    this.#etcd = etcd;
    this.#containers = new DockerContainers({ socketPath: machine.settings.dockerSocket });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { settings, clock, log } = this.#machine;
    const store = await this.#openStore(signal);
    const mirror = new StoreMirror({ store, clock, log });
    const client = connectIngress(path.join(settings.runDir, "ingress.sock"));
    const limit = (): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(ingressLimitMs)]);
    const publisher = new Publisher({
      node: this.#identity.node,
      mirror,
      sink: {
        putTable: async (table) => {
          await client.putTable(table, limit());
          return client.status(limit());
        },
        status: () => client.status(limit()),
      },
      clock,
      log,
      defaultZone: DEFAULT_ZONE,
      onListeners: () => {
        for (const kind of ["Membership", "Route", "DnsRecord", "House"] as const) engine.wakeAll(kind);
      },
    });
    const ports = await this.#ports({ store, mirror, publisher, signal });
    const engine = new Engine({ controllers: eachController(runnable), mirror, ports: ports.ports });
    ports.attach(engine);

    const keeper = await this.#startIngress({ publisher, engine, client, signal });
    await this.#serve({ mirror, engine, store, ports: ports.ports, client });
    await foundWhenReady(store, settings.dataDir, clock, signal);
    const settingsKeeper = new IngressSettingsKeeper({
      settings,
      addresses: ports.ports.addresses,
      containers: this.#containers,
      system: ports.ports.system,
      keeper,
      clock,
      log,
    });
    const changed = whenQuiet(clock, collectGarbage);
    mirror.subscribe((changes) => {
      if (changes.length > 0) changed();
      if (publisher.pending || changes.some((change) => change.room === "node" || change.kind === "House")) publisher.publishSoon();
    });
    await Promise.all([mirror.run(signal), engine.run(signal), settingsKeeper.run(signal), this.#followContainers(engine, signal)]);
    publisher.stop();
  }

  /** The lease stays: an agent that comes back within its time was never away. */
  async close(): Promise<void> {
    for (const close of this.#close.toReversed()) await close();
  }

  async #openStore(signal: AbortSignal): Promise<EtcdStore> {
    const { settings, clock, log } = this.#machine;
    const trust = await loadTrust(settings.dataDir, { addresses: nodeAddresses() });
    const child = childOf(this.#machine, "etcd");
    signal.addEventListener("abort", () => child.release(), { once: true });
    const host = await keepEtcd({ dataDir: settings.dataDir, nodeId: this.#identity.nodeId, program: this.#etcd, trust, child });
    const store = openStore({ hosts: [host], credentials: readCredentials(trust), clock, log });
    this.#close.push(() => store.close());
    return store;
  }

  async #ports(wired: {
    store: EtcdStore;
    mirror: StoreMirror;
    publisher: Publisher;
    signal: AbortSignal;
  }): Promise<{ readonly ports: Ports; attach(engine: Engine): void }> {
    const { settings, clock, log } = this.#machine;
    const { store, mirror, publisher, signal } = wired;
    let engine: Engine | undefined;
    const probes = new NodeProbes({ clock, check: checkProbe, wake: (service) => engine?.wake("Service", service) });
    this.#close.push(async () => probes.close());
    const ports: Ports = {
      identity: this.#identity,
      mirror,
      store,
      lease: store.lease(leaseTtlMs),
      containers: this.#containers,
      probes,
      jobs: new BackgroundJobs({ clock, wake: (kind, name) => engine?.wake(kind, name), signal }),
      addresses: await openAddresses({
        file: path.join(settings.dataDir, "addresses.json"),
        clock,
        random: systemRandom,
        used: usedSubnets,
      }),
      volumes: new VolumeFolders(path.join(settings.dataDir, "volumes")),
      secrets: noSecrets,
      proxy: publisher,
      system: new MachineSystem({
        dataDir: settings.dataDir,
        engine: (each) => this.#containers.info(AbortSignal.any([each, AbortSignal.timeout(engineInfoLimitMs)])).catch(() => undefined), // away: a condition says so
        versions: { fossora: versionOfFossora(), etcd: this.#etcd.version },
      }),
      events: new EventWriter({ store, node: this.#identity.node, clock, random: systemRandom, log, signal }),
      clock,
      random: systemRandom,
      log,
    };
    return { ports, attach: (attached) => void (engine = attached) };
  }

  async #startIngress(wired: {
    publisher: Publisher;
    engine: Engine;
    client: ReturnType<typeof connectIngress>;
    signal: AbortSignal;
  }): Promise<IngressKeeper> {
    const { settings, clock, log } = this.#machine;
    const program = thisProgram();
    const keeper = new IngressKeeper({
      program,
      build: thisBuild(),
      dataDir: settings.dataDir,
      runDir: settings.runDir,
      child: childOf(this.#machine, "ingress"),
      client: wired.client,
      clock,
      log,
      onChange: () => wired.publisher.forgetPublished(),
      onStatus: (status) => wired.publisher.setStatus(status),
    });
    await keeper.start(wired.signal);
    return keeper;
  }

  async #serve(wired: {
    mirror: StoreMirror;
    engine: Engine;
    store: EtcdStore;
    ports: Ports;
    client: ReturnType<typeof connectIngress>;
  }): Promise<void> {
    const { settings, clock, log } = this.#machine;
    const server = new ApiServer({
      reader: wired.mirror,
      statusReader: new NodeStatusReader({ node: this.#identity.node, mirror: wired.mirror, engine: wired.engine, jobs: wired.ports.jobs }),
      store: wired.store,
      containers: this.#containers,
      identity: this.#identity,
      clock,
      log,
      version: versionOfFossora(),
      listeners: () => wired.ports.proxy.status()?.listeners,
      accessLog: () => wired.ports.proxy.status()?.accessLog,
      ingress: wired.client,
      engine: () => wired.engine.counts,
    });
    const close = await openSocket(server, path.join(settings.runDir, "fossora.sock"));
    this.#close.push(close);
  }

  /** Hints: what Docker says happened wakes its Service, and after each reconnect every Service. */
  async #followContainers(engine: Engine, signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#containers.events(signal)) {
        if (event.service === undefined) for (const kind of ["Service", "Membership"] as const) engine.wakeAll(kind);
        else engine.wake("Service", event.service);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** etcd needs a moment from its start until it serves. */
async function foundWhenReady(store: EtcdStore, dataDir: string, clock: Clock, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await foundHouse({ store, dataDir, clock }, signal);
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await clock.sleep(storeRetryMs, signal);
    }
  }
}

function readCredentials(trust: TrustFiles): { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } {
  return { ca: readFileSync(trust.ca), cert: readFileSync(trust.agent.certificate), key: readFileSync(trust.agent.key) };
}
