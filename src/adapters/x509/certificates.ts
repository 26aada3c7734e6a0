// The house's own certificates: one CA made at founding, leaves for each node, a CRL of removed ones, and what a node shows of itself
// before it belongs to a house. One import point of @peculiar/x509. Everything is valid from 1970 on, whatever the clock of its maker says: no
// computer must be told that a certificate lies in its future, neither one whose clock was never set nor those that join one whose clock is
// ahead. Every etcd looks at these times, and at none of a CRL's.
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
  X509Crl,
  X509CrlGenerator,
} from "@peculiar/x509";
import { createKey, publicKeyOf } from "./read.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const YEAR_MS = 365.25 * 24 * 3600 * 1000;
/** Longer than its leaves by far: they are made anew, the CA never is. */
const AUTHORITY_MS = 60 * YEAR_MS;
const LEAF_MS = 10 * YEAR_MS;
const ALWAYS = new Date(0);

/** PEM texts; the key is PKCS #8. */
export interface AuthorityPair {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends AuthorityPair {
  /** DER, the one form that every etcd reads. Empty at founding: removal of a node adds to it. */
  readonly crl: Uint8Array;
}

export interface LeafRequest {
  readonly commonName: string;
  /** IP addresses and DNS names that it is valid for. */
  readonly names: readonly string[];
  /** Hexadecimal. */
  readonly serialNumber: string;
  /** PEM (SubjectPublicKeyInfo). */
  readonly publicKey: string;
}

export async function createAuthority(commonName: string, nowMs: number): Promise<Authority> {
  cryptoProvider.set(webcrypto);
  const key = createKey();
  const keys = { privateKey: await importKey(key), publicKey: await importPublicKey(publicKeyOf(key)) };
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys,
    signingAlgorithm: algorithm,
    notBefore: ALWAYS,
    notAfter: new Date(nowMs + AUTHORITY_MS),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  const pair = { certificate: pemOf(certificate), key };
  return { ...pair, crl: await createCrl(pair, []) };
}

/** A leaf for servers and clients alike, as PEM: a node is both. */
export async function issueLeaf(authority: AuthorityPair, request: LeafRequest, nowMs: number): Promise<string> {
  cryptoProvider.set(webcrypto);
  const issuer = new X509Certificate(authority.certificate);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: request.serialNumber,
    subject: `CN=${request.commonName}`,
    issuer: issuer.subject,
    notBefore: issuer.notBefore,
    notAfter: new Date(Math.min(issuer.notAfter.getTime(), nowMs + LEAF_MS)),
    publicKey: await importPublicKey(request.publicKey),
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      ...(request.names.length === 0 ? [] : [namesExtension(request.names)]),
    ],
  });
  return pemOf(certificate);
}

function namesExtension(names: readonly string[]): SubjectAlternativeNameExtension {
  return new SubjectAlternativeNameExtension(names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value })));
}

/** What a node shows before it belongs to a house: its key alone counts, so that it needs neither a clock nor an end. */
export async function selfSign(commonName: string, key: string): Promise<string> {
  cryptoProvider.set(webcrypto);
  const publicKey = await importPublicKey(publicKeyOf(key));
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName}`,
    keys: { publicKey, privateKey: await importKey(key) },
    signingAlgorithm: algorithm,
    notBefore: ALWAYS,
    notAfter: new Date(AUTHORITY_MS * 2),
    extensions: [new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth])],
  });
  return pemOf(certificate);
}

/** Signed by the house, as DER. */
export async function createCrl(authority: AuthorityPair, serialNumbers: readonly string[]): Promise<Uint8Array> {
  cryptoProvider.set(webcrypto);
  const issuer = new X509Certificate(authority.certificate);
  const crl = await X509CrlGenerator.create({
    issuer: issuer.subject,
    thisUpdate: issuer.notBefore,
    nextUpdate: issuer.notAfter, // whoever looks at it refuses everybody once it is past
    signingKey: await importKey(authority.key),
    signingAlgorithm: algorithm,
    entries: serialNumbers.map((serialNumber) => ({ serialNumber, revocationDate: issuer.notBefore })),
  });
  return new Uint8Array(crl.rawData);
}

/** Upper-case hexadecimal. Throws when the CRL is not signed by this authority. */
export async function readCrl(certificate: string, crl: Uint8Array): Promise<readonly string[]> {
  cryptoProvider.set(webcrypto);
  const read = new X509Crl(Uint8Array.from(crl));
  if (!(await read.verify({ publicKey: new X509Certificate(certificate).publicKey })))
    throw new Error("Cannot use the list of removed nodes: it is not signed by the house");
  return read.entries.map(({ serialNumber }) => serialNumber.toUpperCase());
}

/** With a line's end, so that one can follow another. */
function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem").trimEnd()}\n`;
}

function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", derOf(pem), algorithm, false, ["sign"]);
}

function importPublicKey(pem: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("spki", derOf(pem), algorithm, true, ["verify"]);
}

function derOf(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"));
}
