// Who is at the other end of a TLS connection. TLS proves that it holds the key of the certificate it showed; OpenSSL checks chain and
// dates; removal is checked here, since OpenSSL would refuse everybody once a CRL is past its nextUpdate.
import { X509Certificate } from "node:crypto";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import type { MeshPeer } from "../../mesh-ports.ts";
import { commonNameOf, memberOf } from "../../trust/leaves.ts";
import { houseHashOf, nodeIdOf } from "../../trust/node-id.ts";

/** What this node shows, and whom it takes for a member. */
export interface MeshTrust {
  /** PEM: the agent's leaf with the CA's certificate behind it, or before joining one that the node signed itself. */
  readonly certificate: string;
  readonly key: string;
  /** PEM; absent: this node knows no house, and everybody is a stranger. */
  readonly ca?: string;
  /** Node ids. */
  readonly removed: readonly string[];
}

/** Another version of the protocol is another name; who names none is no node. */
export const PROTOCOL = "fossora/1";

/** Common to servers and clients. */
export function secureOptions(trust: MeshTrust): SecureContextOptions {
  return {
    cert: trust.certificate,
    key: trust.key,
    ca: trust.ca ?? [], // absent would mean all public authorities
    minVersion: "TLSv1.3",
    ecdhCurve: "X25519:P-256",
    sigalgs: "ecdsa_secp256r1_sha256", // node keys are P-256, and no other is worth an answer
  };
}

/** Undefined: it proved nothing, or showed what cannot be read. */
export function identify(socket: TLSSocket, trust: MeshTrust): MeshPeer | undefined {
  try {
    return read(socket, trust);
  } catch {
    return undefined; // whoever shows a chain can put anything into it
  }
}

function read(socket: TLSSocket, trust: MeshTrust): MeshPeer | undefined {
  const certificate = socket.getPeerX509Certificate();
  // A resumed session proves the key of another connection.
  if (certificate === undefined || socket.isSessionReused() || socket.alpnProtocol !== PROTOCOL) return undefined;
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const publicKey = certificate.publicKey.export({ type: "spki", format: "der" });
  const nodeId = nodeIdOf(publicKey);
  const house = houseOf(socket, certificate, nodeId);
  return {
    nodeId,
    standing: isMember(socket, certificate, { nodeId, trust }) ? "member" : "stranger",
    publicKey: certificate.publicKey.export({ type: "spki", format: "pem" }),
    ...(house && { house }),
    address: remoteAddress,
    port: remotePort,
    exporter: (label, bytes) => socket.exportKeyingMaterial(bytes, label, Buffer.alloc(0)),
  };
}

function isMember(
  socket: TLSSocket,
  certificate: X509Certificate,
  { nodeId, trust }: { readonly nodeId: string; readonly trust: MeshTrust },
): boolean {
  if (trust.ca === undefined || !socket.authorized) return false;
  const { serialNumber } = certificate;
  return memberOf({ commonName: commonNameIn(certificate), serialNumber }, "agent", trust.removed) === nodeId;
}

/** Of whoever shows its CA as well; whether that is ours is another question. */
function houseOf(socket: TLSSocket, certificate: X509Certificate, nodeId: string): MeshPeer["house"] {
  const issuer = socket.getPeerCertificate(true).issuerCertificate as { readonly raw?: Buffer } | undefined; // absent where the chain ends
  if (issuer?.raw === undefined || !isAgentOf(certificate, nodeId)) return undefined;
  const ca = new X509Certificate(issuer.raw);
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return undefined;
  return { hash: houseHashOf(ca.publicKey.export({ type: "spki", format: "der" })), ca: ca.toString() };
}

/** The leaf for 733, on the node's own key. */
function isAgentOf(certificate: X509Certificate, nodeId: string): boolean {
  return commonNameIn(certificate) === commonNameOf("agent", nodeId);
}

export function commonNameIn(certificate: X509Certificate): string {
  return /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? "";
}
