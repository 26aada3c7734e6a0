// What people type to reach a name of the house. Pure.

const HTTP_PORT = 80;

/** A single label lies in the zone, anything with a dot is a full name already. */
export function fqdn(host: string, zone: string): string {
  const lower = host.toLowerCase();
  return lower.includes(".") ? lower : `${lower}.${zone}`;
}

/** `httpPorts`: what the nodes' ingresses hold. Where one of them has port 80, its node is handed out, and the URL needs no port. */
export function httpUrl(host: string, zone: string, httpPorts: readonly number[]): string {
  const [port = HTTP_PORT] = httpPorts.includes(HTTP_PORT) ? [] : httpPorts;
  return `http://${fqdn(host, zone)}${port === HTTP_PORT ? "" : `:${port}`}`;
}

/** Every name under which a Route's host is asked for, lower case. */
export function hostNames(host: string, zone: string): readonly string[] {
  const name = normalHost(host);
  return name.includes(".") ? [name] : [name, `${name}.${zone}`, `${name}.local`];
}

/** As it stands in a request: lower case, without port and without trailing dot. */
export function normalHost(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
}
