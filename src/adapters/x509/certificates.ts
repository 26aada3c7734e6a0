// The house's own certificates: one CA made at founding, leaves for etcd and its clients, an empty CRL. One import point of
// @peculiar/x509. Valid for ten years from the CA's creation: a house that was off for long must come back, and a small computer
// without a clock may think it is 1970.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const validityMs = 3652 * 24 * 3600 * 1000;

/** PEM texts but for the CRL; the key is PKCS #8. */
export interface Authority {
  readonly certificate: string;
  readonly key: string;
  /** DER, the one form that every etcd reads. Empty at founding: removal of a node adds to it. */
  readonly crl: Uint8Array;
}

export interface Leaf {
  readonly certificate: string;
  readonly key: string;
}

export interface LeafRequest {
  readonly commonName: string;
  /** IP addresses and DNS names that it is valid for. */
  readonly names: readonly string[];
}

export async function createAuthority(commonName: string): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const notBefore = new Date();
  const notAfter = new Date(notBefore.getTime() + validityMs);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore,
    notAfter,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const crl = await X509CrlGenerator.create({
    issuer: certificate.subject,
    thisUpdate: notBefore,
    nextUpdate: notAfter,
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
    entries: [],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey), crl: new Uint8Array(crl.rawData) };
}

/** A leaf for servers and clients alike: a member of etcd is both. */
export async function issueLeaf(authority: Authority, request: LeafRequest): Promise<Leaf> {
  cryptoProvider.set(webcrypto);
  const issuer = new X509Certificate(authority.certificate);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${request.commonName}`,
    issuer: issuer.subject,
    notBefore: issuer.notBefore,
    notAfter: issuer.notAfter,
    publicKey: keys.publicKey,
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension(request.names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value }))),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der.replace(/.{64}/g, "$&\n").trimEnd()}\n-----END PRIVATE KEY-----\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
}
