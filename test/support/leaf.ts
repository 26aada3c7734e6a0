// Certificates for tests: one of TLS that has nothing to do with the house's own trust, by an authority, for a key of its own; and a house's
// leaf as it is after many years.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, webcrypto } from "node:crypto";
import { X509Certificate, X509CertificateGenerator } from "@peculiar/x509";
import { issueLeaf, type Authority, type AuthorityPair, type LeafRequest } from "../../src/adapters/x509/certificates.ts";
import { createKey, publicKeyOf } from "../../src/adapters/x509/read.ts";

export async function testLeaf(
  authority: Authority,
  names: readonly string[],
): Promise<{ readonly key: string; readonly certificate: string }> {
  const key = createKey();
  const request = { commonName: names[0] ?? "test", names, serialNumber: "01", publicKey: publicKeyOf(key) };
  return { key, certificate: await issueLeaf(authority, request, Date.now()) };
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export async function expiredLeaf(
  authority: AuthorityPair,
  { commonName, serialNumber, publicKey }: Omit<LeafRequest, "names">,
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate);
  const [key, signingKey] = [createPublicKey(publicKey), createPrivateKey(authority.key)];
  const leaf = await X509CertificateGenerator.create({
    serialNumber,
    subject: `CN=${commonName}`,
    issuer: issuer.subject,
    notBefore: new Date(Date.UTC(2010, 0, 1)),
    notAfter: new Date(Date.UTC(2020, 0, 1)),
    publicKey: await webcrypto.subtle.importKey("spki", key.export({ type: "spki", format: "der" }), algorithm, true, ["verify"]),
    signingKey: await webcrypto.subtle.importKey("pkcs8", signingKey.export({ type: "pkcs8", format: "der" }), algorithm, false, ["sign"]),
    signingAlgorithm: algorithm,
  });
  return leaf.toString("pem");
}
