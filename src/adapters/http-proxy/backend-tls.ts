// How an app's own TLS is spoken: the same for whatever is asked of it.
import net from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Backend } from "../../api/table.ts";

/** An IP address is no server name (RFC 6066, 3). */
export function tlsOf({ host, tls }: Backend): ConnectionOptions {
  return { host, servername: net.isIP(host) === 0 ? host : "", rejectUnauthorized: tls === "verify", ALPNProtocols: ["http/1.1"] };
}
