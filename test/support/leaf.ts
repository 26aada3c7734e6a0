// A certificate for tests of TLS that have nothing to do with the house's own trust: by an authority, for a key of its own.
import { issueLeaf, type Authority } from "../../src/adapters/x509/certificates.ts";
import { createKey, publicKeyOf } from "../../src/adapters/x509/read.ts";

export async function testLeaf(
  authority: Authority,
  names: readonly string[],
): Promise<{ readonly key: string; readonly certificate: string }> {
  const key = createKey();
  const request = { commonName: names[0] ?? "test", names, serialNumber: "01", publicKey: publicKeyOf(key) };
  return { key, certificate: await issueLeaf(authority, request, Date.now()) };
}
