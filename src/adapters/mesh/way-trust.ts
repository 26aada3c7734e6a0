// Who is at the other end of a connection on 734: an ingress of this house, or nobody that is spoken to.
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { memberOf } from "../../trust/leaves.ts";
import { commonNameIn, secureOptions, type MeshTrust } from "./identify.ts";

/** Another version of what is said there is another name. */
export const WAY_PROTOCOL = "fossora-ingress/1";

/** Common to both ends. The certificate is the ingress' leaf: whoever holds the agent's key is no ingress by that. */
export function wayOptions(trust: MeshTrust): SecureContextOptions {
  return secureOptions(trust);
}

/** The node whose ingress it is; undefined: not one of this house, or of a node that was removed. */
export function ingressBehind(socket: TLSSocket, trust: MeshTrust): string | undefined {
  try {
    const certificate = socket.getPeerX509Certificate();
    // A resumed session is of a certificate whose key was proven to this same context; whether it still counts is looked at anew.
    if (certificate === undefined || socket.alpnProtocol !== WAY_PROTOCOL) return undefined;
    if (trust.ca === undefined || !socket.authorized) return undefined;
    return memberOf({ commonName: commonNameIn(certificate), serialNumber: certificate.serialNumber }, "ingress", trust.removed);
  } catch {
    return undefined; // whoever shows a chain can put anything into it
  }
}
