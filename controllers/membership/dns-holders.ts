// Programs that hold port 53 of all addresses, and how it becomes the house's: what people lose by that, and the commands as they are typed.

const PORT_HELD = /^port 53 is held by (.+) \(pid \d+\)/;

/** Where a program goes that gives port 53 to the house and is asked by it: on all its addresses, for every node of the house asks there. */
const OTHER_PORT = 5335;

interface Move {
  readonly how: string;
  /** Whom the House asks afterwards; absent: the program at its other port. */
  readonly upstream?: string;
}

/** By the name that the kernel has of it, fifteen letters at most. */
const MOVES: Readonly<Record<string, Move>> = {
  // Its stub on loopback stays where it is.
  "systemd-resolve": {
    how: "printf '[Resolve]\\nDNSStubListenerExtra=\\n' | sudo tee /etc/systemd/resolved.conf.d/zz-fossora.conf && sudo systemctl restart systemd-resolved",
    upstream: "host",
  },
  dnsmasq: { how: `printf 'port=${OTHER_PORT}\\n' | sudo tee /etc/dnsmasq.d/fossora.conf && sudo systemctl restart dnsmasq` },
  unbound: {
    how: `printf '\\nserver:\\n  port: ${OTHER_PORT}\\n' | sudo tee -a /etc/unbound/unbound.conf && sudo systemctl restart unbound`,
  },
  named: {
    how: `write 'listen-on port ${OTHER_PORT} { any; }; listen-on-v6 port ${OTHER_PORT} { any; };' into the options of /etc/bind/named.conf.options && sudo systemctl restart named`,
  },
  "docker-proxy": {
    how: "a container publishes port 53: see docker ps --filter publish=53, and run it as an app of the house instead",
    upstream: "[service/NAME]",
  },
  "pihole-FTL": { how: `sudo pihole-FTL --config dns.port ${OTHER_PORT}` },
  AdGuardHome: { how: `write 'port: ${OTHER_PORT}' below 'dns:' into AdGuardHome.yaml && sudo systemctl restart AdGuardHome` },
};
const ANY: Move = { how: `have it listen on port ${OTHER_PORT} instead, or stop it` };

/**
 * What a listener's problem says, with what to do about it. `address`: this computer's on the LAN. Whoever holds the port there may well be
 * the name server of all devices: they must not lose it by what is typed, so that the House takes its place comes first.
 */
export function withDnsFix(problem: string, address: string | undefined): string {
  const holder = PORT_HELD.exec(problem)?.[1];
  if (holder === undefined) return problem;
  const { how, upstream = `["${address ?? "ADDRESS"}:${OTHER_PORT}"]` } = MOVES[holder] ?? ANY;
  const resolver = `resolver: { serve: [lan], upstream: ${upstream} }`;
  return [
    `${problem}. Nobody asks there: let ${holder} ask the house for its names (fossora dns setup)`,
    `or give the house port 53, but devices that have this computer as their DNS server then find nothing any more unless the House is their ` +
      `resolver. So first: '${resolver}' in the House's spec; and where /etc/resolv.conf here names 127.0.0.1, another server`,
    `then: ${how}`,
    "then: sudo fossora down && sudo fossora up",
  ].join("; ");
}
