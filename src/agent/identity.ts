// Who this node is: a key made at its first start, an id that follows from the key, and a boot id that is new after each boot.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../adapters/system/clock.ts";
import { createKey, publicDerOf } from "../adapters/x509/read.ts";
import { base32 } from "../api/base32.ts";
import { UserError } from "../api/errors.ts";
import type { BootMs, Clock, Identity } from "../ports.ts";
import { nodeIdOf } from "../trust/node-id.ts";
import { NODE_KEY, readIfThere, writeWhole } from "./files.ts";
import { nodeNameOf } from "./settings.ts";

const NAMES_MAX = 8;

export function loadIdentity(options: NameOptions & { readonly runDir: string }): Identity {
  const node = nameOfNode(options);
  takeName(options.dataDir, node);
  const bootId = loadBootId(bootFile(options.runDir));
  return { node, nodeId: loadNodeId(options.dataDir), bootId, bootedAtMs: bootSeenAtMs(options.runDir) };
}

export interface NameOptions {
  readonly dataDir: string;
  /** Asked for. */
  readonly nodeName?: string;
  readonly hostName: string;
}

/**
 * A node keeps its first name, whatever the machine is called later, unless the house that it joined gave it another. Throws UserError when it
 * is asked to take one that it never had.
 */
export function nameOfNode({ dataDir, nodeName, hostName }: NameOptions): string {
  const [name, ...earlier] = namesOf(dataDir);
  if (name === undefined) return nodeName ?? nodeNameOf(hostName);
  if (nodeName !== undefined && nodeName !== name && !earlier.includes(nodeName))
    throw new UserError(
      `Cannot call this node "${nodeName}": its data in ${dataDir} is that of the node "${name}", and the house places apps by that name. Leave --node-name out, or pass another --data-dir for a new node.`,
    );
  return name;
}

/** Given at its admission: there may be another node of its own name. */
export function takeName(dataDir: string, name: string): void {
  const before = namesOf(dataDir);
  if (before[0] === name) return;
  writeWhole(nameFile(dataDir), `${[name, ...before.filter((each) => each !== name)].slice(0, NAMES_MAX).join("\n")}\n`);
}

/** The present one first. */
function namesOf(dataDir: string): readonly string[] {
  return (readIfThere(nameFile(dataDir)) ?? "").split("\n").filter(Boolean);
}

function nameFile(dataDir: string): string {
  return path.join(dataDir, "node-name");
}

/** PEM (PKCS #8) of the P-256 key that is made at the first start and never leaves this disk: the node's id follows from it. */
export function loadNodeKey(dataDir: string): string {
  const file = nodeKeyFile(dataDir);
  const stored = readIfThere(file);
  if (stored !== undefined) return stored;
  const key = createKey();
  writeWhole(file, key);
  return key;
}

export function nodeKeyFile(dataDir: string): string {
  return path.join(dataDir, NODE_KEY);
}

export function loadNodeId(dataDir: string): string {
  return nodeIdOf(publicDerOf(loadNodeKey(dataDir)));
}

/**
 * The same for as long as containers may have lived on: the kernel's boot id tells a new boot, and the run folder, which a boot
 * empties, tells the boot of a machine that shares its kernel (a system container).
 */
function loadBootId(file: string): string {
  const kernel = kernelBootId();
  const [storedKernel, stored] = (readIfThere(file) ?? "").split("\n");
  if (storedKernel === kernel && stored) return stored;
  const fresh = base32(randomBytes(10));
  writeWhole(file, `${kernel}\n${fresh}\n${systemClock.now()}\n`);
  return fresh;
}

/** When this boot was first seen, on its boot-time clock; 0 for that of the kernel. */
export function bootSeenAtMs(runDir: string): BootMs {
  const [, , seenAtMs = ""] = (readIfThere(bootFile(runDir)) ?? "").split("\n");
  return Number(seenAtMs);
}

/** Milliseconds since this boot was first seen; the file is read once. */
export function sinceBoot(runDir: string, clock: Pick<Clock, "now">): () => number {
  let seenAtMs: BootMs | undefined;
  return () => clock.now() - (seenAtMs ??= bootSeenAtMs(runDir));
}

function bootFile(runDir: string): string {
  return path.join(runDir, "boot-id");
}

/** New after each boot of the kernel. */
export function kernelBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}
