// What computers say to each other on port 733 until they are one house. Every message goes one way and may be lost, late or doubled; an
// answer is a message of its own, which the edge may carry back on the same connection. Pure types, JSON-able.

/** Grows when a message changes so that an older program would misread it. */
export const PROTOCOL = 1;

/** 16 characters of base32: SHA-256 of the node's public key. The edge has proven it before a message gets here. */
export type NodeId = string;
/** `host` or `host:port` of an agent's port 733. */
export type Address = string;

/** What the edge's proofs say of whoever sent a message. */
export type Trust = "trusted" | "needs approval" | "refused";
/** `approved`: by a person's word or a token, so that a person is asked about its former self, too. */
export type JoinTrust = Trust | "approved";
export type Joining = "auto" | "approve" | "off";

export interface HouseState {
  readonly id: string;
  /** Raised by a take-over: whoever meets a higher one gives up its own state. */
  readonly epoch: number;
  /** Of etcd, where it is known. Two of one epoch: the house was taken over twice. */
  readonly clusterId?: string;
  /** Of the roster, or members of etcd when they are more: one that is being admitted counts. */
  readonly nodes: number;
  /** Somebody has applied something: this house is never given up for another. */
  readonly hasObjects: boolean;
  readonly joining: Joining;
}

/** Who speaks. */
export interface Sender {
  readonly nodeId: NodeId;
  /** The node's name, for people. */
  readonly name: string;
  /** Where its agent listens, best first. */
  readonly addresses: readonly Address[];
  readonly versions: Versions;
  /** Absent: it is fresh. Of this node's own house the edge believes it only from one who shows a certificate of the house. */
  readonly house?: HouseState;
  /** Fresh, and asking all once more before it founds a house; or founding it, from which there is no way back. */
  readonly founding?: "asks" | "founds";
  /** Fresh, and as things are it founds no house: nobody need wait for it. */
  readonly foundsNone?: boolean;
}

export interface Versions {
  readonly fossora: string;
  /** Of the etcd that it would run; "" when it has none that can join. */
  readonly etcd: string;
}

/** What tells a reinstalled machine. Hints never grant trust. */
export interface MachineHints {
  /** Permanent MAC addresses. */
  readonly macs: readonly string[];
  /** DMI product UUID; "" where there is none. */
  readonly productUuid: string;
}

/** How good a node is as a voter. */
export interface Fitness {
  readonly link: "wired" | "wireless";
  readonly battery: boolean;
  /** Of the disk, measured at joining. */
  readonly fsyncP99Ms: number;
  /** It is there to vote, and for nothing else. */
  readonly witness?: boolean;
}

export interface JoinRequest {
  /** One URL for each address at which other members reach its store, with commas. */
  readonly peerUrl: string;
  /** `<nodeId>-<install id>`: a reinstalled machine must not be taken for the old member. */
  readonly memberName: string;
  readonly machine: MachineHints;
  readonly fitness: Fitness;
}

/** A member as etcd's `--initial-cluster` names it. */
export interface ClusterMember {
  readonly name: string;
  readonly peerUrl: string;
}

/** What a newcomer needs to start: the credentials are added at the edge. */
export interface Admission {
  readonly nodeId: NodeId;
  /** A worker keeps a copy of the state and runs no etcd. */
  readonly role: "learner" | "worker";
  /** The node's in this house, by which apps are placed. */
  readonly name: string;
  readonly memberName: string;
  /** Absent for a worker. */
  readonly memberId?: string;
  readonly clusterId: string;
  /** Exactly the members there are now: a joiner whose list differs exits. */
  readonly initialCluster: readonly ClusterMember[];
}

interface Envelope {
  readonly protocol: typeof PROTOCOL;
  readonly from: Sender;
}

export interface Hello extends Envelope {
  readonly kind: "hello";
}

export interface HelloAnswer extends Envelope {
  readonly kind: "hello-answer";
  /** Of the agents of all members; of a fresh node none. */
  readonly members: readonly Address[];
}

export interface Join extends Envelope {
  readonly kind: "join";
  readonly request: JoinRequest;
  /** A token's proof; opaque here. */
  readonly proof?: string;
}

export interface JoinAnswer extends Envelope {
  readonly kind: "join-answer";
  readonly verdict: "queued" | "waits for approval" | "refused" | "try another";
  /** For people. */
  readonly reason: string;
  readonly members: readonly Address[];
}

/** From the agent beside the etcd leader to every entry of the queue, each second: whoever sees one knows that the queue moves. */
export interface RequestAdmission extends Envelope {
  readonly kind: "request-admission";
  /** Raft's: of two that lead, the higher does. */
  readonly term: number;
  /** Who is asked to answer. */
  readonly head?: NodeId;
  readonly members: readonly Address[];
}

/** The head's answer. */
export interface Present extends Envelope {
  readonly kind: "present";
  readonly request: JoinRequest;
  readonly dataDirEmpty: boolean;
  /** RFC 3339: a clock that is years off cannot check certificates. For people; nothing is decided by it. */
  readonly wall: string;
}

export interface Admitted extends Envelope {
  readonly kind: "admitted";
  readonly admission: Admission;
  /** Token of the cluster, certificates, timing: opaque here. */
  readonly credentials: string;
}

export interface Started extends Envelope {
  readonly kind: "started";
  /** As its own etcd's `status()` has them; absent for a worker. */
  readonly memberId?: string;
  readonly clusterId: string;
}

/** A member whose address has changed, or what it is there for, says so to all that it knows. */
export interface Moved extends Envelope {
  readonly kind: "moved";
  readonly peerUrl: string;
  /** Absent: as before. */
  readonly witness?: boolean;
}

export type Message = Hello | HelloAnswer | Join | JoinAnswer | RequestAdmission | Present | Admitted | Started | Moved;
