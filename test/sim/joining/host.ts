// One simulated computer: its disk, which survives a crash, and its agent and etcd, which do not.
import type { Ms } from "../../../src/joining/house-view.ts";
import type { Joiner, Left, Membership } from "../../../src/joining/joiner-state.ts";
import type { Fitness, HouseState, MachineHints, NodeId, Sender, Trust } from "../../../src/joining/messages.ts";
import { noMemory, type StewardMemory } from "../../../src/joining/steward-memory.ts";
import type { SeededRandom } from "../../fakes/clock.ts";

export interface Disk {
  nodeId: NodeId;
  /** Of this installation of the store. */
  installId: number;
  membership: Membership | undefined;
  /** The house that it left for its higher epoch. */
  left: Left | undefined;
  data: { readonly clusterId: string; readonly memberId: string; readonly memberName: string } | undefined;
  /** The house with objects that it was in when it last saw it, for as long as it has that one's certificates. */
  home: string | undefined;
  /** What is known of the house without asking the store. */
  house: HouseState | undefined;
  members: readonly string[];
  voters: readonly NodeId[];
  /** Where the voters' stores were, and this node by the roster. */
  hosts: readonly string[];
  peerUrl: string | undefined;
}

/** What an agent holds in memory. */
export interface Agent {
  joiner: Joiner;
  memory: StewardMemory;
  /** By key or member: the revision and when it was first seen so. */
  seen: Map<string, { readonly what: string | number; readonly atMs: Ms }>;
  /** When each member answered last, and since when without a miss. */
  answering: Map<string, { readonly sinceMs?: Ms; readonly atMs: Ms }>;
  heardAtMs: Map<NodeId, Ms>;
  leadsSinceMs: Ms | undefined;
  /** In which it leads. */
  term: number;
  changedAtMs: Ms | undefined;
  membersWere: string;
  /** A step was sent and has not been answered. */
  busy: boolean;
  lookingSinceMs: Ms;
}

/** Who trusts whom without a person: those of the same people. */
export type People = "ours" | "guest" | "stranger";

export class Host {
  readonly index: number;
  readonly people: People;
  readonly machine: MachineHints;
  readonly fitness: Fitness;
  readonly disk: Disk;
  address: string;
  agent: Agent | undefined;
  etcd: { readonly clusterId: string; readonly memberId: string; readonly memberName: string } | undefined;
  /** A frozen machine: nothing happens on it until then, in virtual time. */
  frozenUntilMs = 0;
  /** Without its agent: its kernel refuses connections, for it is on. */
  readonly refuses: boolean;
  /** Its etcd does not start. */
  broken = false;
  wish: readonly string[] | undefined;
  /** Grows with each start and crash: what was under way before is lost. */
  boot = 0;
  crashedAtMs = -1_000_000;
  /** Its etcd did, while its agent ran on. */
  storeEndedAtMs = -1_000_000;
  bornAtMs = 0;
  readonly #random: SeededRandom;
  readonly #rate: number;
  readonly #offsetMs: number;
  #addresses = 0;

  constructor(options: { readonly index: number; readonly people: People; readonly random: SeededRandom; readonly fitness: Fitness }) {
    this.index = options.index;
    this.people = options.people;
    this.#random = options.random;
    this.fitness = options.fitness;
    this.machine = { macs: [`02:00:00:00:00:0${options.index}`], productUuid: "" };
    this.#rate = 1 + options.random.int(-20, 20) / 1000;
    this.#offsetMs = options.random.int(0, 10_000_000);
    this.refuses = options.random.chance(0.5);
    this.address = `h${options.index}`;
    this.disk = this.#freshDisk();
  }

  get name(): string {
    return `h${this.index}`;
  }

  get peerUrl(): string {
    return `https://${this.address}:2380`;
  }

  get memberName(): string {
    return `${this.disk.nodeId}-i${this.disk.installId}`;
  }

  /** Its own clock: boot time, of another start and at another rate than everybody's. */
  clock(nowMs: number): Ms {
    return Math.round(this.#offsetMs + nowMs * this.#rate);
  }

  sender(): Sender {
    const house = this.disk.membership === undefined ? undefined : this.disk.house;
    return {
      nodeId: this.disk.nodeId,
      name: this.name,
      addresses: [this.address],
      versions: { fossora: "0.1.0", etcd: "3.7.3" },
      ...(house !== undefined && { house }),
    };
  }

  newAgent(joiner: Joiner): void {
    this.agent = {
      joiner,
      memory: noMemory,
      seen: new Map(),
      answering: new Map(),
      heardAtMs: new Map(),
      leadsSinceMs: undefined,
      term: 0,
      changedAtMs: undefined,
      membersWere: "",
      busy: false,
      lookingSinceMs: 0,
    };
  }

  /** A new disk: another key, and nothing of what was. */
  wipe(): void {
    Object.assign(this.disk, this.#freshDisk());
  }

  /** Absent: one that nobody has had. */
  moveTo(address?: string): void {
    this.#addresses += 1;
    this.address = address ?? `h${this.index}-${this.#addresses}`;
  }

  trusts(other: Host): Trust {
    if (this.people === other.people) return "trusted";
    return this.people === "stranger" || other.people === "stranger" ? "refused" : "needs approval";
  }

  #freshDisk(): Disk {
    const letters = "abcdefghijklmnopqrstuvwxyz234567";
    const nodeId = Array.from({ length: 16 }, () => letters.charAt(this.#random.int(0, 31))).join("");
    const nothing = { membership: undefined, left: undefined, data: undefined, home: undefined, house: undefined, peerUrl: undefined };
    return { nodeId, installId: 1, ...nothing, members: [], voters: [], hosts: [] };
  }
}
