// What a node brings that is on its way into a house. Types only.
import type { NodeLoad } from "../../api/load.ts";
import type { TrafficReport } from "../../api/traffic.ts";
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import type { HouseFacts } from "../../joining/house-facts.ts";
import type { HouseNode } from "../../joining/house-view.ts";
import type { Here, Membership } from "../../joining/joiner-state.ts";
import type { Address, JoinRequest, NodeId, Trust, Versions } from "../../joining/messages.ts";
import type { MeshPeer, MeshStreamAnswer } from "../../mesh-ports.ts";
import type { Clock, Log, Store } from "../../ports.ts";
import type { Child } from "../child.ts";
import type { EtcdProgram } from "../etcd-binary.ts";
import type { Part } from "../tailnet-proof.ts";
import type { Judge } from "./inside.ts";
import type { Wish } from "./wish.ts";

export type StreamAsked = readonly [method: string, body: unknown, signal: AbortSignal];

export interface JoiningNodeOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  /** As it is now: the house that admits it may give it another. */
  readonly name: () => string;
  /** IP addresses of this node, where its store is reached, best first. */
  readonly addresses: () => readonly string[];
  /** Of its port 733. */
  readonly meshAddresses: () => readonly Address[];
  /** Which address to speak from; absent: what the route says. */
  readonly localAddress?: string;
  /** Of the House that it founds. */
  readonly tailnetTags?: readonly string[];
  /** Before it founds a house. Throws UserError where this computer has the containers of another one. */
  readonly mayFound: (signal: AbortSignal) => Promise<void>;
  readonly etcd: EtcdProgram;
  readonly child: Child;
  readonly versions: Versions;
  /** As far as it is known. */
  readonly machine: () => Pick<JoinRequest, "machine" | "fitness">;
  readonly discovery: () => Pick<Here, "candidates" | "online" | "tailnet">;
  /** It has a house from now on, or none; the store closes when what is returned has ended. */
  readonly onHouse: (house: OwnHouse | undefined) => Promise<void>;
  /** Of `fossora leave`: it looks for no house, and keeps nothing of the one it was in. */
  readonly rests: () => boolean;
  /** It rests from now on, or still: nothing of its house is left to wait for. */
  readonly onRest: () => void;
  /** Of `fossora join`. */
  readonly wish: () => Wish | undefined;
  /** Undefined: not known just now. */
  readonly facts: () => HouseFacts | undefined;
  /** Of the store, as this agent's copy has it; undefined: the copy is not fresh. */
  readonly revision: () => number | undefined;
  readonly replaceAfterMs: () => number;
  /** Nodes that are drained, or about to stop. */
  readonly leaving: () => ReadonlySet<string>;
  /** Parts in the store that people wish for, by the names of the nodes. */
  readonly roles: () => ReadonlyMap<string, HouseNode["role"]>;
  /** What this node's ingress has counted, for the house's other nodes. */
  readonly traffic: (signal: AbortSignal) => Promise<TrafficReport>;
  /** How busy this machine is, for the house's other nodes. */
  readonly load: (signal: AbortSignal) => Promise<NodeLoad>;
  /** Logs and commands in containers, for the house's other nodes. */
  readonly stream: (...asked: StreamAsked) => Promise<MeshStreamAnswer>;
  /** What the tailnet says of one without a certificate of our house. */
  readonly strangerTrust: (peer: MeshPeer, as: Part, signal: AbortSignal) => Promise<Trust>;
  readonly judge: Judge;
  /** This node votes from now on, or stands by, or works alone; or more nodes vote than before, or fewer. */
  readonly onStanding: () => void;
  /** They belong to the house no more: what they have open here is to end. */
  readonly onGone: (nodeIds: readonly NodeId[]) => void;
  /** 733 shows and believes this from now on. */
  readonly onTrust: (trust: MeshTrust) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The house of this node while it belongs to one; another membership is another house. */
export interface OwnHouse {
  readonly membership: Membership;
  readonly store: Store;
}
