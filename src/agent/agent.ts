// The control plane of one node: what is wired to what, and in which order it starts and stops. Here are no decisions. What lives as
// long as the agent is here; what lives as long as its membership in a house, in house-life.ts.
import path from "node:path";
import { DockerContainers } from "../adapters/dockerode/containers.ts";
import { Gossip } from "../adapters/gossip/socket.ts";
import { connectIngress, type IngressClient } from "../adapters/ingress-client/client.ts";
import { MeshServer } from "../adapters/mesh/server.ts";
import { isOwnAddress } from "../adapters/sockets/local-addresses.ts";
import { openAddresses } from "../adapters/system/addresses.ts";
import { measureFitness } from "../adapters/system/fitness.ts";
import { readMachineHints } from "../adapters/system/machine-hints.ts";
import { systemRandom } from "../adapters/system/clock.ts";
import { nodeAddresses } from "../adapters/system/node-addresses.ts";
import { usedSubnets } from "../adapters/system/routes.ts";
import { MachineSystem } from "../adapters/system/system.ts";
import { VolumeFolders } from "../adapters/system/volumes.ts";
import { TailscaleLocalApi } from "../adapters/tailscale/local-api.ts";
import type { IngressStatus } from "../api/table.ts";
import { outside } from "../joining/phase-for-people.ts";
import type { JoinRequest } from "../joining/messages.ts";
import { etcdOfSeveral } from "../joining/versions.ts";
import type { Addresses, Identity, Write } from "../ports.ts";
import type { NodePorts } from "../server/ports.ts";
import { ApiServer } from "../server/server.ts";
import { findEtcdProgram, type EtcdProgram } from "./etcd-binary.ts";
import { forAWhile } from "./for-a-while.ts";
import { HandOver, heldUp } from "./hand-over.ts";
import { NodeHouseControl } from "./house-control.ts";
import { HouseLife } from "./house-life.ts";
import { HousePeers } from "./house-peers.ts";
import { trafficElsewhere } from "./house-traffic.ts";
import { loadIdentity, nameOfNode, sinceBoot } from "./identity.ts";
import { IngressKeeper } from "./ingress.ts";
import { IngressSettingsKeeper } from "./ingress-settings.ts";
import { loadIngressTrust } from "./ingress-trust.ts";
import { childOf, type Machine } from "./install.ts";
import { joinAddress, splitAddress } from "./joining/addresses.ts";
import { Copies } from "./joining/copies.ts";
import { Discovery } from "./joining/discovery.ts";
import { houseSettings, type HouseSettings } from "./joining/house-settings.ts";
import { JoiningNode } from "./joining/joining-node.ts";
import type { OwnHouse } from "./joining/joining-options.ts";
import { readMembership } from "./joining/member-disk.ts";
import { isCountedOut } from "./joining/seen.ts";
import { callBackWith, judgeWith, StrangerTrust, type StrangerTrustOptions } from "./joining/stranger-trust.ts";
import { JoinWish } from "./joining/wish.ts";
import { MeshPort } from "./mesh-port.ts";
import { measureLoad } from "./node-load.ts";
import { refuseOtherHouse } from "./other-house.ts";
import { thisBuild, thisProgram } from "./program.ts";
import { QuorumControl } from "./quorum-control.ts";
import { openSocket } from "./socket.ts";
import { versionOfFossora } from "./version.ts";

const engineInfoLimitMs = 5_000;
const ingressLimitMs = 5_000;
/** Until it has been looked at: nothing tells it again, and it is no better than any. */
const unknownMachine: MachineFacts = {
  machine: { macs: [], productUuid: "" },
  fitness: { link: "wired", battery: false, fsyncP99Ms: 1_000 },
};

type MachineFacts = Pick<JoinRequest, "machine" | "fitness">;

/** Runs until the signal, then leaves etcd, ingress and containers alive. Throws UserError for what a person should mend. */
export async function runAgent(machine: Machine, signal: AbortSignal): Promise<void> {
  const { settings, log } = machine;
  const { dataDir } = settings;
  // First of all: where it cannot be, no node begins, and a person may choose another folder.
  const etcd = await findEtcdProgram({ dataDir, ...(settings.etcd === undefined ? {} : { named: settings.etcd }) });
  const identity = loadIdentity(settings);
  log.info("Agent started", { node: identity.node, nodeId: identity.nodeId, version: versionOfFossora(), dataDir });
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
  readonly #killer: DockerContainers;
  readonly #system: MachineSystem;
  readonly #ingress: IngressClient;
  readonly #tailnet = new TailscaleLocalApi();
  readonly #discovery: Discovery;
  readonly #wish: JoinWish;
  readonly #server: ApiServer;
  readonly #control: NodeHouseControl;
  readonly #handOver: HandOver;
  readonly #ports: NodePorts;
  readonly #gossip: Gossip;
  readonly #failed = new AbortController();
  readonly #ownAddresses: () => readonly string[];
  #facts: MachineFacts = unknownMachine;
  #addresses: Addresses | undefined;
  #ingressStatus: IngressStatus | undefined;
  #joining: JoiningNode | undefined;
  readonly #copies: Copies;
  #meshPort: MeshPort | undefined;
  #ingressSettings: IngressSettingsKeeper | undefined;
  #life: HouseLife | undefined;
  readonly #bootedMs: () => number;
  /** Without quorum, in the life before. */
  #said: { readonly houseId: string; readonly writes: readonly Write[] } = { houseId: "", writes: [] };
  #close: (() => Promise<void>)[] = [async () => this.#failed.abort(new Error("The agent ends"))]; // also what began before its start failed

  constructor(machine: Machine, identity: Identity, etcd: EtcdProgram) {
    this.#machine = machine;
    this.#identity = identity;
    this.#etcd = etcd;
    if (machine.settings.witness === true) this.#facts = { ...unknownMachine, fitness: { ...unknownMachine.fitness, witness: true } };
    const { settings, clock, log } = machine;
    this.#containers = new DockerContainers({ socketPath: settings.dockerSocket });
    this.#killer = new DockerContainers({ socketPath: settings.dockerSocket });
    this.#system = new MachineSystem({
      dataDir: settings.dataDir,
      engine: (each) => this.#containers.info(AbortSignal.any([each, AbortSignal.timeout(engineInfoLimitMs)])).catch(() => undefined), // away: a condition says so
      versions: { fossora: versionOfFossora(), etcd: etcd.version },
      ...(settings.witness === true && { witness: true }),
      goes: () => this.#handOver.goes,
      role: () => this.#joining?.inside?.sight.role,
    });
    this.#ingress = connectIngress(path.join(settings.runDir, "ingress.sock"));
    this.#discovery = new Discovery({
      nodeId: identity.nodeId,
      port: settings.meshPort,
      mdns: settings.mdns,
      tailnet: this.#tailnet,
      settings: () => this.#houseSettings.tailnet,
      clock,
      log,
    });
    const around = { namesakes: () => this.#discovery.namesakes(), joining: () => this.#joining };
    this.#copies = new Copies({ nodeId: identity.nodeId, dataDir: settings.dataDir, ...around, clock, log });
    this.#wish = new JoinWish(settings.dataDir);
    this.#bootedMs = sinceBoot(settings.runDir, clock);
    this.#ownAddresses = forAWhile(clock, nodeAddresses);
    this.#gossip = new Gossip({ keys: () => this.#life?.gossipKeys ?? [], onSign: (sign) => this.#life?.hear(sign), log });
    this.#handOver = new HandOver({
      node: () => nameOfNode(settings),
      foresight: () => this.#life?.foresight,
      hasOthers: () => this.#ports.peers.names().length > 0,
      announce: () => this.#life?.announce(),
      handOverLead: async (each) => (await this.#joining?.inside?.handOverLead(each)) ?? true,
      clock,
      log,
    });
    this.#control = this.#newControl();
    this.#ports = this.#nodePorts();
    this.#server = new ApiServer(this.#ports);
  }

  async run(until: AbortSignal): Promise<void> {
    const { settings, clock, log } = this.#machine;
    const signal = AbortSignal.any([until, this.#failed.signal]);
    const file = path.join(settings.dataDir, "addresses.json");
    this.#addresses = await openAddresses({ file, clock, random: systemRandom, used: usedSubnets });
    this.#close.push(async () => this.#handOver.close());
    const [joining, keeper] = await Promise.all([this.#openJoining(), this.#startIngress(signal)]);
    this.#close.push(await openSocket(this.#server, path.join(settings.runDir, "fossora.sock")));
    this.#ingressSettings = new IngressSettingsKeeper({
      settings,
      trust: () => loadIngressTrust(settings.dataDir),
      addresses: this.#addresses,
      containers: this.#containers,
      system: this.#system,
      isOwnAddress,
      keeper,
      clock,
      log,
    });
    const held = heldUp(this.#handOver, until, { clock, log });
    const all = [this.#discovery, joining, this.#copies, this.#meshPort, this.#ingressSettings, held];
    const parts = all.map(async (part) => part?.run(signal));
    for (const part of parts) part.catch((error: unknown) => this.#failed.abort(error)); // the others end, too
    await Promise.allSettled(parts);
    if (this.#failed.signal.aborted && !until.aborted) throw this.#failed.signal.reason;
  }

  async close(): Promise<void> {
    this.#control.close();
    for (const close of this.#close.toReversed()) await close();
  }

  async #openJoining(): Promise<JoiningNode> {
    const { settings, clock, log } = this.#machine;
    const { dataDir, meshPort } = settings;
    const shown: { server?: MeshServer } = {};
    const looked = this.#lookAtMachine();
    // Of a new one others are told what it is.
    if (readMembership(dataDir) === undefined) await looked;
    const judging: StrangerTrustOptions = {
      ports: { tailnet: this.#tailnet, callBack: callBackWith({ trust: () => joining.trust }) },
      settings: () => this.#houseSettings.tailnet,
      clock,
    };
    const strangers = new StrangerTrust(judging);
    const joining = await JoiningNode.open({
      dataDir,
      nodeId: this.#identity.nodeId,
      name: () => nameOfNode(settings),
      addresses: () => this.#ownAddresses(),
      tailnetTags: settings.tailnetTags,
      meshAddresses: () => this.#meshAddresses(),
      mayFound: (each) => refuseOtherHouse({ dataDir, containers: this.#containers }, each),
      etcd: this.#etcd,
      child: childOf(this.#machine, "etcd"),
      versions: { fossora: versionOfFossora(), etcd: etcdOfSeveral(this.#etcd.version) },
      machine: () => this.#facts,
      discovery: () => this.#discovery.found(),
      wish: () => this.#control.pendingWish,
      rests: () => this.#wish.rests,
      onRest: () => this.#control.left.begin(),
      onStanding: () => this.#life?.announce(),
      onGone: (nodeIds) => shown.server?.end(nodeIds),
      facts: () => this.#life?.facts,
      revision: () => this.#life?.revision,
      traffic: (each) => this.#ingress.traffic(each),
      load: (each) => this.#ports.load(each),
      stream: (...asked) => this.#server.stream(...asked),
      replaceAfterMs: () => this.#houseSettings.replaceAfterMs,
      leaving: () => this.#life?.leaving ?? new Set(),
      roles: () => this.#life?.roles ?? new Map(),
      strangerTrust: (...asked) => strangers.of(...asked),
      judge: judgeWith({ ...judging, dataDir }),
      onTrust: (trust) => {
        shown.server?.setTrust(trust);
        this.#ingressSettings?.changed();
      },
      onHouse: (house) => this.#live(house).catch((error: unknown) => this.#failed.abort(error)),
      clock,
      log,
    });
    this.#joining = joining;
    shown.server = new MeshServer({
      trust: joining.trust,
      handler: this.#copies.before(joining),
      isKnown: (nodeId) => joining.isKnown(nodeId),
      isFavoured: (address) => joining.isOurs(address),
      log,
    });
    this.#meshPort = new MeshPort({ server: shown.server, gossip: this.#gossip, port: meshPort, clock, log });
    return joining;
  }

  #newControl(): NodeHouseControl {
    const { settings, clock, log } = this.#machine;
    return new NodeHouseControl({
      dataDir: settings.dataDir,
      nodeId: this.#identity.nodeId,
      name: () => nameOfNode(settings),
      joining: () => this.#openedJoining,
      copies: () => this.#copies.problems,
      wish: this.#wish,
      handOver: this.#handOver,
      meshAddresses: () => this.#meshAddresses(),
      tailnet: () => this.#discovery.found().tailnet,
      versions: { fossora: versionOfFossora(), etcd: this.#etcd.version },
      replaceAfterMs: () => this.#houseSettings.replaceAfterMs,
      containers: this.#containers,
      clock,
      log,
    });
  }

  #meshAddresses(): readonly string[] {
    return this.#ownAddresses().map((address) => joinAddress(address, this.#machine.settings.meshPort));
  }

  /** The socket is opened after it. */
  get #openedJoining(): JoiningNode {
    if (this.#joining === undefined) throw new Error("This node has only just started");
    return this.#joining;
  }

  get #houseSettings(): HouseSettings {
    const { tailnetTags } = this.#machine.settings;
    return this.#life?.settings ?? houseSettings({ tailnet: { tags: tailnetTags } });
  }

  async #lookAtMachine(): Promise<void> {
    try {
      const { dataDir, witness } = this.#machine.settings;
      const [machine, fitness] = await Promise.all([readMachineHints(), measureFitness(dataDir)]);
      this.#facts = { machine, fitness: { ...fitness, ...(witness === true && { witness }) } };
    } catch (error) {
      this.#machine.log.warn("This machine could not be looked at", { error });
    }
  }

  /** The life in a house begins and ends with the membership. */
  async #live(house: OwnHouse | undefined): Promise<void> {
    const { settings, clock, log } = this.#machine;
    this.#server.setHouse(undefined);
    const before = this.#life;
    this.#life = undefined;
    if (before !== undefined) this.#said = { houseId: before.houseId, writes: before.said };
    await before?.close();
    if (house === undefined) this.#showNothing();
    const joining = this.#joining;
    if (house === undefined || this.#addresses === undefined || joining === undefined) return;
    const identity = { ...this.#identity, node: nameOfNode(settings) };
    const { houseId, epoch, clusterId } = house.membership;
    log.info("This node lives in a house", { node: identity.node, house: houseId });
    const life = new HouseLife({
      dataDir: settings.dataDir,
      owner: { houseId, epoch, clusterId },
      said: this.#said.houseId === houseId ? this.#said.writes : [],
      roster: () =>
        (this.#joining?.seen?.known ?? []).map(({ nodeId, name, addresses }) => ({ nodeId, name, endpoints: addresses.map(splitAddress) })),
      sendSign: (sign, to) => this.#gossip.send(sign, to),
      onSilent: (nodeIds) => joining.inside?.sight.setSilent(nodeIds),
      bootedMs: () => this.#bootedMs(),
      store: house.store,
      onHouseChange: () => this.#joining?.houseChanged(),
      voters: () => joining.seen?.voters ?? [],
      identity,
      containers: this.#containers,
      killer: this.#killer,
      addresses: this.#addresses,
      volumes: new VolumeFolders(path.join(settings.dataDir, "volumes")),
      system: this.#system,
      ingress: this.#ingress,
      ingressStatus: this.#ingressStatus,
      clock,
      log,
    });
    life.ended.catch((error: unknown) => this.#failed.abort(error));
    this.#life = life;
    const { nodeId, node } = identity;
    const quorum = new QuorumControl({ joining, nodeId, node: () => node, copyAgeMs: () => life.copyAgeMs(), clock });
    this.#server.setHouse(life.serverPorts(this.#ports, quorum));
  }

  /** Of a house that it left, or was taken out of by a person. One that looks for its house again goes on showing what it knows. */
  #showNothing(): void {
    const { settings, log } = this.#machine;
    if (this.#life !== undefined || !(this.#wish.rests || isCountedOut(settings.dataDir))) return;
    this.#ingress.forgetTable(AbortSignal.timeout(ingressLimitMs)).catch((error: unknown) => {
      log.warn("The ingress still shows the house that this node was in", { error });
    });
  }

  #nodePorts(): NodePorts {
    const { settings, clock, log } = this.#machine;
    const own = this.#identity;
    return {
      get identity() {
        return { ...own, node: nameOfNode(settings) };
      },
      clock,
      log,
      version: versionOfFossora(),
      bootedMs: () => this.#bootedMs(),
      house: this.#control,
      outside: () => this.#joining?.words.at(-1) ?? outside[this.#joining?.joiner.phase.kind ?? "looking"],
      unreachable: () => this.#meshPort?.problem,
      listeners: () => this.#ingressStatus?.listeners,
      accessLog: () => this.#ingressStatus?.accessLog,
      ingress: this.#ingress,
      peers: new HousePeers({ joining: () => this.#joining, nodeId: own.nodeId }),
      load: (signal) => measureLoad({ containers: this.#containers, clock }, signal),
      trafficElsewhere: (signal) => {
        const joining = this.#joining;
        const others = joining?.seen?.known.filter(({ nodeId }) => nodeId !== own.nodeId) ?? [];
        return trafficElsewhere({ others, ask: (...asked) => this.#openedJoining.ask(...asked) }, signal);
      },
    };
  }

  async #startIngress(signal: AbortSignal): Promise<IngressKeeper> {
    const { settings, clock, log } = this.#machine;
    const keeper = new IngressKeeper({
      program: thisProgram(),
      build: thisBuild(),
      dataDir: settings.dataDir,
      runDir: settings.runDir,
      child: childOf(this.#machine, "ingress"),
      client: this.#ingress,
      clock,
      log,
      onChange: () => {
        this.#showNothing();
        this.#life?.forgetPublished();
      },
      onStatus: (status) => {
        this.#ingressStatus = status;
        this.#life?.setIngressStatus(status);
      },
    });
    await keeper.start(signal);
    return keeper;
  }
}
