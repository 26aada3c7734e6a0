// The house's certificates on this node's disk: made at founding, read ever after. etcd is never open to a stranger, not even on loopback.
import path from "node:path";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";

/** Paths of PEM files; the CRL is DER. */
export interface TrustFiles {
  readonly ca: string;
  readonly crl: string;
  /** etcd's own, as server, as peer and as the client of its own gateway. */
  readonly etcd: { readonly certificate: string; readonly key: string };
  /** This agent's, as etcd's client. */
  readonly agent: { readonly certificate: string; readonly key: string };
}

/** Makes what is missing: a power cut between two files of the founding leaves nothing half done. */
export async function loadTrust(dataDir: string): Promise<TrustFiles> {
  const folder = path.join(dataDir, "trust");
  const file = (name: string): string => path.join(folder, name);
  const files: TrustFiles = {
    ca: file("ca.crt"),
    crl: file("ca.crl"),
    etcd: { certificate: file("etcd.crt"), key: file("etcd.key") },
    agent: { certificate: file("agent.crt"), key: file("agent.key") },
  };
  if (readIfThere(file("complete")) === undefined) await found(folder, files);
  return files;
}

async function found(folder: string, files: TrustFiles): Promise<void> {
  const { createAuthority, issueLeaf } = await import("../adapters/x509/certificates.ts");
  makePrivateFolder(folder);
  const authority = await createAuthority("Fossora house");
  const [etcd, agent] = await Promise.all([
    issueLeaf(authority, { commonName: "etcd", names: ["127.0.0.1", "::1", "localhost"] }),
    issueLeaf(authority, { commonName: "agent", names: ["localhost"] }),
  ]);
  const contents: readonly (readonly [string, string | Uint8Array])[] = [
    [files.ca, authority.certificate],
    [path.join(folder, "ca.key"), authority.key],
    [files.crl, authority.crl],
    [files.etcd.certificate, etcd.certificate],
    [files.etcd.key, etcd.key],
    [files.agent.certificate, agent.certificate],
    [files.agent.key, agent.key],
    [path.join(folder, "complete"), ""],
  ];
  for (const [name, content] of contents) writeWhole(name, content);
}
