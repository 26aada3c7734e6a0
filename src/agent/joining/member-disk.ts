// What a node's disk knows of its way into a house, and what it therefore does at its next start; and how a store's data is set aside.
import { readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import type { Ms } from "../../joining/house-view.ts";
import type { Joiner, Left, Membership, Wanted } from "../../joining/joiner-state.ts";
import { newJoiner } from "../../joining/joiner.ts";
import type { Address, Admission } from "../../joining/messages.ts";
import { begunAs, etcdFolder, hasData } from "../etcd.ts";
import { copyWhole, makePrivateFolder, readIfThere, writeWhole } from "../files.ts";
import { forgetFounded, isFounded } from "../found.ts";
import { loadNodeId } from "../identity.ts";
import { forgetHouse, hasTrust, removedNodes } from "../trust.ts";

/** An admission that this node has begun to follow. */
export interface UnderWay {
  readonly house: Wanted;
  readonly admission: Admission;
  readonly leader: readonly Address[];
}

/** Of stores that were set aside. */
const ARCHIVES_KEPT = 3;

/** Where the last start stopped. A founding that was begun is gone on with: others may have seen its house already. */
export function resume(dataDir: string, nowMs: Ms): Joiner {
  const membership = readMembership(dataDir);
  if (membership !== undefined) {
    if (hasTrust(dataDir) && (membership.memberId === undefined || begunAs(dataDir) !== undefined)) return newJoiner(nowMs, membership);
    forget(dataDir); // it was leaving
  }
  const fresh = newJoiner(nowMs, undefined, readLeft(dataDir));
  if (begunAs(dataDir) === "founder") return { ...fresh, phase: { kind: "laying the ground", sinceMs: nowMs } };
  const underWay = readUnderWay(dataDir);
  if (underWay === undefined || begunAs(dataDir) !== "admitted" || !hasTrust(dataDir)) return fresh;
  return { ...fresh, phase: { kind: "starting", ...underWay, sinceMs: nowMs } };
}

/** It is in one, or on its way into one or back: it begins none at this start. */
export function hasHouse(dataDir: string): boolean {
  return isFounded(dataDir) || readMembership(dataDir) !== undefined || hasTrust(dataDir) || readLeft(dataDir) !== undefined;
}

export function readMembership(dataDir: string): Membership | undefined {
  const text = readIfThere(membershipFile(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as Membership); // written below alone
}

export function keep(dataDir: string, membership: Membership): void {
  writeWhole(membershipFile(dataDir), JSON.stringify(membership));
  for (const file of [underWayFile(dataDir), leftFile(dataDir)]) rmSync(file, { force: true });
}

/** Until it is a member again: a lower epoch of that house is not joined after a restart either. */
export function rememberLeft(dataDir: string, left: Left | undefined): void {
  if (left === undefined) rmSync(leftFile(dataDir), { force: true });
  else writeWhole(leftFile(dataDir), JSON.stringify(left));
}

/**
 * The node's own key and name stay, and its certificates: with them it comes in again where it was taken out for its silence, or before a
 * take-over. Whom a person removed keeps nothing.
 */
export function forget(dataDir: string): void {
  forgetFounded(dataDir);
  if (removedNodes(dataDir).includes(loadNodeId(dataDir))) forgetHouse(dataDir);
  rmSync(membershipFile(dataDir), { force: true });
  rmSync(path.join(dataDir, "voters.json"), { force: true }); // another house has others
}

export function follow(dataDir: string, underWay: UnderWay): void {
  writeWhole(underWayFile(dataDir), JSON.stringify(underWay));
}

/** Once etcd has ended: it is renamed, never deleted while it is one of the last three. The ports stay, for others were told of them. */
export function archive(dataDir: string): void {
  rmSync(underWayFile(dataDir), { force: true });
  const folder = etcdFolder(dataDir);
  if (!hasData(dataDir)) {
    rmSync(path.join(folder, "founding.json"), { force: true });
    return;
  }
  const numbers = archivesOf(dataDir);
  renameSync(folder, archiveOf(dataDir, (numbers.at(-1) ?? 0) + 1));
  makePrivateFolder(folder);
  copyWhole(path.join(archiveOf(dataDir, (numbers.at(-1) ?? 0) + 1), "ports.json"), path.join(folder, "ports.json"));
  for (const number of numbers.slice(0, Math.max(0, numbers.length + 1 - ARCHIVES_KEPT)))
    rmSync(archiveOf(dataDir, number), { recursive: true });
}

function archivesOf(dataDir: string): readonly number[] {
  return readdirSync(dataDir)
    .flatMap((name) => /^etcd\.old-(\d{1,9})$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

function archiveOf(dataDir: string, number: number): string {
  return path.join(dataDir, `etcd.old-${number}`);
}

function readUnderWay(dataDir: string): UnderWay | undefined {
  const text = readIfThere(underWayFile(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as UnderWay); // written above alone
}

function readLeft(dataDir: string): Left | undefined {
  const text = readIfThere(leftFile(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as Left); // written above alone
}

function leftFile(dataDir: string): string {
  return path.join(dataDir, "left.json");
}

function membershipFile(dataDir: string): string {
  return path.join(dataDir, "membership.json");
}

function underWayFile(dataDir: string): string {
  return path.join(dataDir, "admission.json");
}
