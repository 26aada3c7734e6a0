// What travels of a house's computers: invitations, approvals, joining, leaving, and who is there. Pure types.
import type { NodeName } from "./resource.ts";
import type { HouseProblem } from "./wire.ts";

export interface InviteAnswer {
  readonly kind: "Invite";
  /** For one computer. */
  readonly token: string;
  /** RFC 3339: good until then. */
  readonly until: string;
}

/** One that nobody vouches for, until a person has compared six words. */
export interface WaitingComputer {
  /** As it calls itself: shown, never believed. */
  readonly name: string;
  readonly address: string;
  /** Of its key: its own screen shows the same. */
  readonly words: string;
  readonly approved: boolean;
}

export interface WaitingAnswer {
  readonly kind: "WaitingComputers";
  readonly items: readonly WaitingComputer[];
}

export interface ApproveAnswer {
  readonly kind: "Approved";
  readonly computer: WaitingComputer;
}

export interface RejectAnswer {
  readonly kind: "Rejected";
  readonly computer: WaitingComputer;
}

/** A person's word that this computer is to belong to a certain house; with neither, to any that it finds, or one of its own. */
export interface JoinWish {
  readonly token?: string;
  /** `host` or `host:port` of any of its nodes. With a token they may be found without. */
  readonly addresses: readonly string[];
}

export type JoiningPhase = "looking" | "founding" | "asking" | "queued" | "waiting" | "refused" | "starting" | "member" | "resting";

/** How far this computer is on its way into a house. */
export interface JoiningReport {
  readonly kind: "Joining";
  readonly node: NodeName;
  readonly phase: JoiningPhase;
  /** For so long. */
  readonly forMs: number;
  /** Six, of this computer's key. */
  readonly words: string;
  /** What it had to say to people, the newest last. */
  readonly said: readonly string[];
  /** Which it belongs to, or asks; `nodes` as far as it is known. */
  readonly house?: { readonly id: string; readonly nodes?: number };
  /** Not fulfilled yet. */
  readonly wish?: { readonly addresses: readonly string[]; readonly hasToken: boolean };
  /** Why it does not find others, where that is known. */
  readonly problems: readonly HouseProblem[];
}

export type ComputerRole = "voter" | "standby" | "worker";

/** A computer of the house, as the node that was asked sees it now. */
export interface Computer {
  readonly name: NodeName;
  readonly nodeId: string;
  readonly role: ComputerRole;
  /** It is the one that was asked. */
  readonly self: boolean;
  /** Of its agent, the one that answered first. */
  readonly address?: string;
  /** Of its store; absent for a worker. */
  readonly peerUrl?: string;
  /** From the asked node to its agent and back; absent: it does not answer. */
  readonly roundTripMs?: number;
  /** How old what it knows of the house is. */
  readonly stateAgeMs?: number;
  readonly versions?: { readonly fossora: string; readonly etcd: string };
  /** Its store does not answer, while its agent does: a file on that computer says why. */
  readonly silentStore?: { readonly log: string };
  /** RFC 3339: when the asked node last heard it; absent: not since its agent started. */
  readonly lastSeen?: string;
}

export interface HouseComputers {
  /** What the house survives now, in a few words. */
  readonly survives: string;
  readonly voters: number;
  /** Of which answer. */
  readonly votersUp: number;
  readonly computers: readonly Computer[];
  readonly waiting: readonly WaitingComputer[];
  /** Belong to the house no more, and their part in it is not wound up: they may still have to vote. Absent: nobody can tell. */
  readonly leaving?: readonly NodeName[];
  /** New ones that look like a silent one set up anew. */
  readonly returned: readonly { readonly name: string; readonly former: NodeName }[];
  /** New ones that say that they are where another one is. */
  readonly misplaced: readonly { readonly name: string; readonly holder: NodeName }[];
}

export interface LeaveAnswer {
  readonly kind: "Left";
  /** What is kept, as sentences. */
  readonly stays: readonly string[];
}

export interface ReplaceAnswer {
  readonly kind: "Replaced";
  readonly former: NodeName;
  readonly newcomer: string;
}

/** The body of `PATCH /api/v1/nodes/NAME`: null takes a label away. */
export interface NodeChange {
  readonly labels?: Readonly<Record<string, string | null>>;
  readonly schedulable?: boolean;
  /** False: what was drained takes apps again, if it is schedulable. */
  readonly drain?: boolean;
}
