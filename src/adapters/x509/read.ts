// Keys, and certificates as they lie on disk, with Node's own means: looking costs a start neither the package nor its memory.
import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import type { LeafFacts } from "../../trust/leaves.ts";

/** PEM (PKCS #8) of a new P-256 key. */
export function createKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
}

/** PEM (SubjectPublicKeyInfo) of a private key's PEM. */
export function publicKeyOf(key: string): string {
  return createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "pem" });
}

/** DER of a public or private key's PEM: what node ids and house hashes are made of. */
export function publicDerOf(key: string): Uint8Array {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

/** DER of the key in a certificate. */
export function certifiedKeyOf(certificate: string): Uint8Array {
  return new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
}

/** Is this the certificate of this private key? Both as PEM. */
export function belongTogether(certificate: string | undefined, key: string | undefined): boolean {
  return certificate !== undefined && key !== undefined && Buffer.from(certifiedKeyOf(certificate)).equals(Buffer.from(publicDerOf(key)));
}

/** Undefined when the text is no certificate. */
export function readLeaf(certificate: string, authority: string): LeafFacts | undefined {
  try {
    const [leaf, ca] = [new X509Certificate(certificate), new X509Certificate(authority)];
    return {
      commonName: /^CN=(.*)$/m.exec(leaf.subject)?.[1] ?? "",
      names:
        leaf.subjectAltName === undefined
          ? []
          : leaf.subjectAltName.split(", ").map((name) => canonicalName(name.replace(/^(DNS|IP Address):/, ""))),
      notAfterMs: leaf.validToDate.getTime(),
      serialNumber: leaf.serialNumber,
      issuedByHouse: leaf.checkIssued(ca) && leaf.verify(ca.publicKey),
    };
  } catch {
    return undefined;
  }
}

/** OpenSSL prints IPv6 addresses in full and in capitals. */
function canonicalName(name: string): string {
  return name.includes(":") ? new URL(`http://[${name}]/`).hostname.slice(1, -1) : name;
}
