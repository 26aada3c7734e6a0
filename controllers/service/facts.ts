// What the Service's plan looks at: the house as the mirror shows it, and this node's own containers.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService, DecidedVolume, NodeRecord, ObservedService } from "../../src/api/state.ts";
import type { Seen } from "../../src/engine/contract.ts";
import type { Ahead } from "./placement.ts";
import type { Container, ImageInfo, JobState, ProbeState } from "./docker-types.ts";

export interface ServiceFacts {
  readonly name: Name;
  readonly house: HouseFacts;
  readonly local: LocalFacts;
}

/** What every node sees alike, but for the moments. */
export interface HouseFacts {
  /** Of the mirror that shows it. */
  readonly revision: number;
  readonly nodes: readonly NodeFacts[];
  readonly decided: Seen<DecidedService> | undefined;
  readonly observed: ReadonlyMap<NodeName, Seen<ObservedService>>;
  /** The last that each node said, also of those that are Down: what it does now nobody knows. */
  readonly told: ReadonlyMap<NodeName, ObservedService>;
  /** Nodes of decided instances that a person took out of the house, with when this node saw their records go. */
  readonly takenOut: ReadonlyMap<NodeName, number>;
  /** When this node first saw the desired object as it is now. */
  readonly desiredSeenAtMs: number;
  /** Volumes that the desired spec names and nothing is decided of yet; undefined: nobody made one of that name. */
  readonly volumes: Readonly<Record<Name, DecidedVolume | undefined>>;
  /** None of its instances is in another one's way, since each node is to have its own: see `isOnEach` in lost.ts. */
  readonly isOnEach: boolean;
  /** Of one that waits for room: when this node saw the last decision, of whatever Service, that may have given some up. */
  readonly roomSinceMs: number | undefined;
  /** Services that have to leave a node as this one may have to, and whose turn is before its own. */
  readonly ahead: readonly Ahead[];
  /** The Services that this one comes after, those that they come after, and so on. */
  readonly others: ReadonlyMap<Name, OtherService>;
}

/** A Service as those see it that come after it. */
export interface OtherService {
  /** Undefined: nobody wants it, and there is none of that name. */
  readonly replicas: number | "all" | undefined;
  readonly after: readonly Name[];
  readonly decided: DecidedService | undefined;
  readonly observed: ReadonlyMap<NodeName, Seen<ObservedService>>;
}

export interface NodeFacts {
  readonly name: NodeName;
  /** Undefined: its agent is silent. */
  readonly record: Seen<NodeRecord> | undefined;
  /** When this node saw that it was declared Down; undefined: it is not. */
  readonly downSinceMs: number | undefined;
  /** Mod revision of what was declared of it; 0: nothing was. */
  readonly verdict: number;
  /** When this node saw its record go; undefined: it is there. */
  readonly goneSinceMs: number | undefined;
  readonly schedulable: boolean;
  /** What runs there is to move: a person drains it, or it has said that it is about to stop. Undefined: nothing has to. */
  readonly leaving: "drained" | "stopping" | undefined;
  /** It is there to vote alone. */
  readonly isWitness: boolean;
  /** Mod revision of its Membership; 0: there is none. */
  readonly membership: number;
  readonly labels: Readonly<Record<string, string>>;
  /** What is already placed there, this Service included. */
  readonly load: Load;
}

/** What is reserved for what is placed there. */
export interface Load {
  readonly instances: number;
  readonly memoryBytes: number;
  readonly cpus: number;
}

/** A container with its age, on this machine's own wall clock. */
export interface AgedContainer extends Container {
  /** When it was last started, ms since 1970; to tell which of two started first. */
  readonly startedMs: number;
  /** How long it has run, or ran; Infinity where it was its computer that ended, not itself. */
  readonly ranMs: number;
  /** How long ago it ended. */
  readonly endedAgoMs: number;
}

export interface LocalContainer extends AgedContainer {
  /** How often in a row it has ended soon after a start, as far as this process has seen. */
  readonly quickEnds: number;
}

/** A container as Docker last spoke of it, before it fell silent: aged as it was then. */
export interface HeardContainer extends LocalContainer {
  /** The kernel has seen it end since. */
  readonly hasEnded: boolean;
}

/** This node's own share. */
export interface LocalFacts {
  readonly bootId: string;
  /** How many nodes vote, as last known. */
  readonly voters: number;
  /** The house knows that this node is here, and nobody takes over what is decided for it. */
  readonly inContact: boolean;
  /** Undefined: Docker does not answer. */
  readonly containers: readonly LocalContainer[] | undefined;
  /** While Docker does not answer: what it last said. */
  readonly lastHeard: readonly HeardContainer[];
  /** Why Docker does not answer. */
  readonly dockerProblem: string | undefined;
  /** By reference, of containers that are to be made or reported; undefined: not on this machine. */
  readonly images: Readonly<Record<string, ImageInfo | undefined>>;
  /** Background work by its key (see job-keys.ts). */
  readonly jobs: Readonly<Record<string, JobState | undefined>>;
  /** The agent's own checks, by container id. */
  readonly probes: Readonly<Record<string, ProbeState>>;
  /** Host paths that containers to be made or to be started mount, and that do not exist here. */
  readonly missingPaths: readonly string[];
  /** Secrets that containers to be made name, and that do not exist yet. */
  readonly missingSecrets: readonly string[];
  /** This Service's private networks on this machine, with the instance that each was made for. */
  readonly networks: readonly { readonly name: string; readonly instance: string }[];
  /** Keys of addresses and networks that are taken for nothing that is here or decided. */
  readonly strayAddresses: readonly string[];
  /** Instances that are not decided here any more and still answer somebody. */
  readonly busy: readonly string[];
  /** This machine's disk has room for more than what runs. */
  readonly hasRoom: boolean;
  /** Images that this process pulled for the Service. */
  readonly pulled: readonly string[];
  /** Images that this node pulled for the Service and that no Service uses any more. */
  readonly unused: readonly string[];
  /** What this node last reported. */
  readonly reported: Seen<ObservedService> | undefined;
  /** Instances of which the store has a report of this node: without quorum the latest has not been heard by anybody. */
  readonly heardOf: ReadonlySet<string>;
  /** When the store first had this node's record from this agent; undefined: not yet. */
  readonly announced: { readonly revision: number; readonly atMs: number } | undefined;
}
