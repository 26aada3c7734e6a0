// Who this node is: a key made at its first start, an id that follows from the key, and a boot id that is new after each boot.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { Identity } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";

const idCharacters = 16;

export function loadIdentity(options: { readonly dataDir: string; readonly runDir: string; readonly nodeName: string }): Identity {
  const nameFile = path.join(options.dataDir, "node-name");
  const stored = readIfThere(nameFile)?.trim();
  if (stored === undefined) writeWhole(nameFile, `${options.nodeName}\n`);
  return {
    node: stored ?? options.nodeName,
    nodeId: loadNodeId(path.join(options.dataDir, "node.key")),
    bootId: loadBootId(path.join(options.runDir, "boot-id")),
  };
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

function kernelBootId(): string {
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
