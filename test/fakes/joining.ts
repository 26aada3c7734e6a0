// Made-up nodes, members, queues and views of a house, for the tests of how computers become one.
import {
  ANSWER_FRESH_MS,
  LEARNERS_MAX,
  type EtcdMember,
  type HouseNode,
  type HouseView,
  type QueueEntry,
  type Stored,
} from "../../src/joining/house-view.ts";
import type { Here } from "../../src/joining/joiner-state.ts";
import { PROTOCOL, type Fitness, type HouseState, type Join, type JoinRequest, type Sender } from "../../src/joining/messages.ts";

export const NOW = 1_000_000;

/** Of one letter. */
export function nodeId(letter: string): string {
  return letter.repeat(16);
}

export function request(letter: string, fitness: Partial<Fitness> = {}): JoinRequest {
  return {
    peerUrl: `https://${letter}:2380`,
    memberName: `${nodeId(letter)}-i1`,
    machine: { macs: [`02:00:00:00:00:${letter}`], productUuid: "" },
    fitness: { link: "wired", battery: false, fsyncP99Ms: 3, ...fitness },
  };
}

export function sender(letter: string, more: Partial<Sender> = {}): Sender {
  return { nodeId: nodeId(letter), name: letter, addresses: [`${letter}:733`], versions: { fossora: "0.1.0", etcd: "3.7.3" }, ...more };
}

export function houseState(more: Partial<HouseState> = {}): HouseState {
  return { id: "house1", epoch: 0, clusterId: "c1", nodes: 3, hasObjects: true, joining: "auto", ...more };
}

export function houseNode(letter: string, more: Partial<HouseNode> = {}): HouseNode {
  const { addresses, versions } = sender(letter);
  return { nodeId: nodeId(letter), name: letter, addresses, versions, request: request(letter), role: "auto", ...more };
}

export function member(letter: string, more: Partial<EtcdMember> = {}): EtcdMember {
  return { id: `m${letter}`, name: `${nodeId(letter)}-i1`, peerUrl: `https://${letter}:2380`, learner: false, seenAtMs: 0, ...more };
}

export function entry(letter: string, more: Partial<QueueEntry> = {}): Stored<QueueEntry> {
  const { name, addresses, versions } = sender(letter);
  const value = { nodeId: nodeId(letter), name, addresses, versions, request: request(letter), order: 1, missed: 0 };
  return { value: { ...value, byItself: true, ...more }, modRevision: 5, seenAtMs: 0 };
}

export function join(letter: string, more: Partial<Sender> = {}): Join {
  return { protocol: PROTOCOL, kind: "join", from: sender(letter, more), request: request(letter) };
}

interface Seen extends Partial<HouseView> {
  /** Started voters, the first of which leads; all are nodes of the house. */
  readonly voters?: string;
  readonly learners?: string;
  readonly workers?: string;
  /** Members that do not answer, and have not for an hour. */
  readonly dead?: string;
}

/** A house at rest in which all but the dead have long been alive. */
export function view({ voters = "a", learners = "", workers = "", dead = "", ...more }: Seen = {}): HouseView {
  const members = [
    ...voters.split("").map((letter) => member(letter)),
    ...learners.split("").map((letter) => member(letter, { learner: true })),
  ];
  const letters = (voters + learners + workers).split("");
  const alive = letters.filter((letter) => !dead.includes(letter));
  return {
    nowMs: NOW,
    self: nodeId(voters.charAt(0)),
    ownPeerUrl: `https://${voters.charAt(0)}:2380`,
    house: houseState({ nodes: letters.length }),
    clusterId: "c1",
    leaderMemberId: `m${voters.charAt(0)}`,
    term: 2,
    entries: [],
    roster: new Map(letters.map((letter) => [nodeId(letter), houseNode(letter)])),
    members,
    health: new Map(alive.map((letter) => [`m${letter}`, { answeringSinceMs: 0, answeredAtMs: NOW - ANSWER_FRESH_MS / 2 }])),
    heardAtMs: new Map(alive.map((letter) => [nodeId(letter), NOW - 500])),
    leadsSinceMs: 0,
    learnersMax: LEARNERS_MAX,
    replaceAfterMs: 600_000,
    leaving: new Set(),
    ...more,
  };
}

export function here(letter: string, more: Partial<Here> = {}): Here {
  return {
    nowMs: 0,
    self: sender(letter),
    request: request(letter),
    candidates: ["a:733", "b:733", "c:733"].filter((address) => address !== `${letter}:733`),
    tailnet: "running",
    alone: false,
    members: [],
    voters: [],
    houseIsFresh: false,
    wall: "2026-01-01T00:00:00Z",
    ...more,
  };
}
