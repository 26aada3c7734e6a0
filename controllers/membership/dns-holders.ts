// Programs that hold port 53 of all addresses, and how each is told to leave the LAN's to the house: the commands, as a person types them.

const PORT_HELD = /^port 53 is held by (.+) \(pid \d+\)/;

/** By the name that the kernel has of it, fifteen letters at most. */
const FIXES: Readonly<Record<string, string>> = {
  "systemd-resolve":
    "printf '[Resolve]\\nDNSStubListenerExtra=\\n' | sudo tee /etc/systemd/resolved.conf.d/zz-fossora.conf && sudo systemctl restart systemd-resolved",
  dnsmasq:
    "printf 'bind-interfaces\\nlisten-address=127.0.0.1\\n' | sudo tee /etc/dnsmasq.d/fossora.conf && sudo systemctl restart dnsmasq",
  unbound:
    "sudo sed -i -E 's/^( *interface: *)(0[.]0[.]0[.]0|::0?) *$/\\1127.0.0.1/' /etc/unbound/unbound.conf /etc/unbound/unbound.conf.d/*.conf && sudo systemctl restart unbound",
  named:
    "write 'listen-on { 127.0.0.1; }; listen-on-v6 { none; };' into the options of /etc/bind/named.conf.options && sudo systemctl restart named",
  "docker-proxy": "a container publishes port 53: see docker ps --filter publish=53, and run it as an app of the house instead",
  "pihole-FTL": "sudo pihole-FTL --config dns.port 5335, or run Pi-hole as an app of the house, which asks it (spec.resolver of the House)",
  AdGuardHome: "write 'bind_hosts: [127.0.0.1]' below 'dns:' into AdGuardHome.yaml && sudo systemctl restart AdGuardHome",
};
const ANY = "have it listen on 127.0.0.1 alone, or stop it";

/** What a listener's problem says, with what to do about it. */
export function withDnsFix(problem: string): string {
  const holder = PORT_HELD.exec(problem)?.[1];
  if (holder === undefined) return problem;
  return `${problem}. Nobody asks there: ${FIXES[holder] ?? ANY}; then: sudo fossora down && sudo fossora up`;
}
