// Who this node is: a key made at its first start, an id that follows from the key, and a boot id that is new after each boot.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { UserError } from "../api/errors.ts";
import type { Identity } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";
import { nodeNameOf } from "./settings.ts";

const idCharacters = 16;

export function loadIdentity(options: NameOptions & { readonly runDir: string }): Identity {
  const node = nameOfNode(options);
  const nameFile = path.join(options.dataDir, "node-name");
  if (readIfThere(nameFile) === undefined) writeWhole(nameFile, `${node}\n`);
  return {
    node,
    nodeId: loadNodeId(path.join(options.dataDir, "node.key")),
    bootId: loadBootId(path.join(options.runDir, "boot-id")),
  };
}

export interface NameOptions {
  readonly dataDir: string;
  /** Asked for. */
  readonly nodeName?: string;
  readonly hostName: string;
}

/** A node keeps its first name, whatever the machine is called later. Throws UserError when it is asked to take another. */
export function nameOfNode({ dataDir, nodeName, hostName }: NameOptions): string {
  const stored = readIfThere(path.join(dataDir, "node-name"))?.trim();
  if (stored === undefined) return nodeName ?? nodeNameOf(hostName);
  if (nodeName !== undefined && nodeName !== stored)
    throw new UserError(
      `Cannot call this node "${nodeName}": its data in ${dataDir} is that of the node "${stored}", and the house places apps by that name. Leave --node-name out, or pass another --data-dir for a new node.`,
    );
  return stored;
}

/** 16 characters of base32: SHA-256 of the public key of a P-256 key that never leaves this disk. */
function loadNodeId(keyFile: string): string {
  let pem = readIfThere(keyFile);
  if (pem === undefined) {
    pem = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
    writeWhole(keyFile, pem);
  }
  const publicKey = createPublicKey(createPrivateKey(pem)).export({ type: "spki", format: "der" });
  return base32(createHash("sha256").update(publicKey).digest()).slice(0, idCharacters);
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
  writeWhole(file, `${kernel}\n${fresh}\n`);
  return fresh;
}

/** New after each boot of the kernel. */
export function kernelBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "unknown";
  }
}

/** RFC 4648, lower case, without padding. */
export function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let text = "";
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += "abcdefghijklmnopqrstuvwxyz234567"[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  return bits > 0 ? text + "abcdefghijklmnopqrstuvwxyz234567"[(value << (5 - bits)) & 31] : text;
}
