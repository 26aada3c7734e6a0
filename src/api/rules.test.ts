import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "./manifest.ts";

function said(kind: string, spec: string, name = "x"): readonly string[] {
  const { problems } = parseManifests([
    { file: "a.yaml", text: `apiVersion: fossora.dev/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}` },
  ]);
  return problems.map(({ field, message }) => `${field}: ${message}`);
}

const texts = (count: number, text: string): string => Array.from({ length: count }, () => text).join(", ");

const long = "x".repeat(70);
const tooLong = "must have 63 characters at most between its dots: 'xxxxxxxxxxxxxxxxxxxx...' has 70";

const refusals: readonly (readonly [string, string, string, string?])[] = [
  [
    "Service",
    '{ image: "a:1" }',
    "metadata.name: 'fossora' is a name of the house's own, as are 'fossora', 'node', 'ns' and 'localhost': take another",
    "fossora",
  ],
  ["Route", "{ to: service/x }", "spec: must have 'host' (HTTP), or 'listen' (TCP and UDP)"],
  ["Route", "{ host: x, to: service/x, hold: 25d }", "spec.hold: must be 24d or less, not '25d'"],
  ["Route", "{ host: x, to: service/x, timeouts: { response: 0s } }", "spec.timeouts.response: must be 1ms or more, not '0s'"],
  ["Route", "{ listen: 5000/udp, to: service/x:1, idleTimeout: 25d }", "spec.idleTimeout: must be 24d or less, not '25d'"],
  ["Route", "{ host: ns, to: service/x }", "spec.host: 'ns' is a name of the house's own: take another"],
  [
    "Route",
    "{ host: a, listen: 1883, to: service/x }",
    "spec.listen: cannot stand beside 'host': a raw port knows no names, unless with 'tls: passthrough'",
  ],
  [
    "Route",
    "{ listen: 1883, tls: passthrough, to: service/x }",
    "spec.tls: needs 'host': the name in the encrypted stream tells where it goes",
  ],
  [
    "Route",
    "{ listen: 53/udp, to: service/x }",
    "spec.listen: cannot listen on 53: the house's DNS answers there: name this app as its upstream, 'resolver: { upstream: [service/x] }' in the House",
  ],
  [
    "Route",
    "{ host: a, listen: 8443/udp, tls: passthrough, to: service/x }",
    "spec.listen: must be TCP with 'tls: passthrough': datagrams carry no such name",
  ],
  ["Route", "{ listen: 1883, path: /a, to: service/x }", "spec.path: means something for HTTP only: this Route hands on bytes"],
  [
    "Route",
    "{ host: a, to: 'http://192.168.1.1/admin' }",
    "spec.to: must be an address without a path: what the browser asks for is sent on as it is",
  ],
  [
    "Route",
    "{ host: a, to: 'http://me:secret@192.168.1.1' }",
    "spec.to: cannot have a name or a password in it: set 'headers.request' in their place",
  ],
  [
    "Route",
    "{ host: a, to: service/x, headers: { response: { Transfer-Encoding: x } } }",
    "spec.headers.response: cannot set 'Transfer-Encoding': the proxy does, for each connection",
  ],
  [
    "Service",
    '{ image: "a:1", port: 80, routes: [{ redirect: "https://a.example/ä" }] }',
    "spec.routes[0].redirect: must be written as 'https://a.example/%C3%A4'",
  ],
  ["Route", "{ listen: 20-10, to: service/x }", "spec.listen: must go up: 10 comes before 20"],
  ["Route", "{ listen: 1883, to: service/x, sticky: true }", "spec.sticky: means something for HTTP only: this Route hands on bytes"],
  [
    "Route",
    "{ host: a, to: service/x, proxyProtocol: v2 }",
    "spec.proxyProtocol: means something for 'listen' only: this Route speaks HTTP",
  ],
  ["Route", "{ host: a, to: tcp://10.0.0.1:5 }", "spec.to: must begin with 'http://' or 'https://': this Route speaks HTTP"],
  ["Route", "{ listen: 1883, to: https://10.0.0.1 }", "spec.to: must look like 'tcp://192.168.1.5:1883': this Route hands on bytes"],
  ["Route", "{ host: a, to: http://foo:99999 }", "spec.to: must be an address such as 'https://192.168.1.1', not 'http://foo:99999'"],
  ["Route", "{ listen: 1883, to: tcp://foo:99999 }", "spec.to: must be an address such as 'tcp://192.168.1.5:1883', not 'tcp://foo:99999'"],
  [
    "Route",
    "{ host: a, to: mosquitto }",
    "spec.to: must be 'service/NAME', 'service/NAME:PORT' or an address such as 'https://192.168.1.1', not 'mosquitto'",
  ],
  [
    "Route",
    "{ host: a, to: service/x, allow: [home] }",
    "spec.allow[0]: must be 'lan', 'tailnet', 'apps', an address or a network such as '192.168.1.0/24', not 'home'",
  ],
  [
    "Route",
    '{ host: a, to: service/x, allow: ["1::2::3/64"] }',
    "spec.allow[0]: must be an address or a network such as '192.168.1.0/24', not '1::2::3/64'",
  ],
  ["Route", '{ listen: "[::::]:1883", to: service/x }', "spec.listen.address: must be an address such as '192.168.1.10', not '::::'"],
  [
    "DnsRecord",
    "{ values: [printer] }",
    "spec.values[0]: must be an IPv4 address such as '192.168.1.40', as 'type: A' says, not 'printer'",
  ],
  [
    "DnsRecord",
    "{ type: MX, values: [mail] }",
    "spec.values[0]: must be a preference and a name such as '10 mail.example.com', as 'type: MX' says, not 'mail'",
  ],
  [
    "DnsRecord",
    `{ type: TXT, values: [${texts(64, "x".repeat(1024))}] }`,
    "spec.values: must be 40960 bytes at most together, are 65536: one answer of DNS has to hold them",
  ],
  [
    "DnsRecord",
    `{ type: TXT, values: [${texts(21, "ü".repeat(1000))}] }`,
    "spec.values: must be 40960 bytes at most together, are 42000: one answer of DNS has to hold them",
  ],
  ["DnsRecord", "{ type: TXT }", "spec.values: must have 'values': only A and AAAA can be the house's own addresses"],
  ["DnsRecord", "{ type: CNAME, values: [a, b] }", "spec.values: must have one value: a name has one CNAME"],
  ["DnsRecord", '{ name: "*.node", values: [10.0.0.1] }', "spec.name: '*.node' is a name of the house's own: take another"],
  ["DnsRecord", "{ ttl: 49711d }", "spec.ttl: must be 24d or less, not '49711d'"],
  ["House", "{}", "metadata.name: must be 'house': there is one House"],
  ["Route", `{ host: ${long}.example.com, to: service/x }`, `spec.host: ${tooLong}`],
  ["Service", `{ image: "a:1", port: 80, routes: [{ host: ${long} }] }`, `spec.routes[0].host: ${tooLong}`],
  ["Service", `{ containers: [{ name: a, image: "a:1", aliases: [db, ${long}] }] }`, `spec.containers[0].aliases[1]: ${tooLong}`],
  ["DnsRecord", `{ name: "*.${long}" }`, `spec.name: ${tooLong}`],
  ["DnsRecord", `{ type: CNAME, values: [${long}.example.com.] }`, `spec.values[0]: ${tooLong}`],
  ["DnsRecord", `{ type: MX, values: [10 a.example, 20 ${long}] }`, `spec.values[1]: ${tooLong}`],
  ["DnsRecord", `{ type: SRV, values: [0 5 5060 ${long}] }`, `spec.values[0]: ${tooLong}`],
  ["DnsRecord", `{ type: PTR, values: [${"a.".repeat(127)}a] }`, "spec.values[0]: must have 253 characters at most, has 255"],
  ["House", `{ zone: ${long}.internal }`, `spec.zone: ${tooLong}`, "house"],
  ["House", `{ zone: ${"a.".repeat(92)}a }`, "spec.zone: must have 184 characters at most, has 185: a node's name goes before it", "house"],
  ["House", "{ zone: home }", "spec.zone: must have a dot: browsers search for single words, try 'home.internal'", "house"],
  ["House", "{ zone: my.local }", "spec.zone: cannot end in 'local': those names belong to mDNS, which the house answers besides", "house"],
  ["House", "{ replaceAfter: 5s }", "spec.replaceAfter: must be 30s or more, not '5s': a reboot is no death", "house"],
  ["House", "{ replaceAfter: 600h }", "spec.replaceAfter: must be 24d or less, not '600h'", "house"],
  ["House", "{ tailnet: { tags: [nas] } }", "spec.tailnet.tags[0]: must be a tag such as 'tag:nas', not 'nas'", "house"],
  [
    "House",
    "{ resolver: { serve: [lan], upstream: pihole } }",
    "spec.resolver.upstream[0]: must be an address such as '9.9.9.9', or 'service/NAME' or 'service/NAME:PORT', not 'pihole'",
    "house",
  ],
  [
    "House",
    "{ resolver: { serve: [lan], upstream: [9.9.9.9, 1.1.1] } }",
    "spec.resolver.upstream[1]: must be an address such as '9.9.9.9' or 'service/NAME:PORT', not '1.1.1'",
    "house",
  ],
  [
    "House",
    "{ resolver: { serve: [wan], upstream: host } }",
    "spec.resolver.serve[0]: must be 'lan' or 'tailnet': did you mean 'lan'?",
    "house",
  ],
  [
    "House",
    "{ resolver: { serve: [lan], upstream: 9.9.9.9, fallback: host } }",
    "spec.resolver.fallback: means something for an app as upstream only: there is none such as 'service/pihole:53'",
    "house",
  ],
  [
    "Route",
    "{ host: films, to: service/films, https: required }",
    "spec.https: must be 'off' or left out (the house has no certificates for its names: it serves them by plain HTTP), not 'required'",
  ],
  ["Membership", "{ hostPaths: [/tank] }", "spec.hostPaths: unknown field 'hostPaths': known here are role, schedulable, drain, devices"],
  ["Membership", "{ devices: { zigbee: ttyACM0 } }", "spec.devices.zigbee: must be a path that begins with '/dev/', not 'ttyACM0'"],
];

for (const [kind, spec, expected, name] of refusals)
  test(`refuses ${kind} ${spec.slice(0, 120)}`, () => assert.deepEqual(said(kind, spec, name), [expected]));

const accepted: readonly (readonly [string, string, string?])[] = [
  ["Route", '{ host: router, to: "https://192.168.1.1", backendTls: insecure, allow: [lan, 10.0.0.0/8, "fd00::/8"] }'],
  ["Route", '{ listen: 1883/tcp, to: "service/mosquitto:1883", proxyProtocol: v1 }'],
  ["Route", "{ host: vpn.example.com, listen: 443, tls: passthrough, to: service/vpn }"],
  ["Route", "{ host: films, to: service/films, https: off }"],
  ["Route", "{ host: old, redirect: https://new.home.internal/ }"],
  ["DnsRecord", "{ name: printer, type: A, values: [192.168.1.40], ttl: 5m }"],
  ["DnsRecord", "{ type: SRV, values: [0 5 5060 sip.example.com] }"],
  ["DnsRecord", `{ type: TXT, values: [${texts(40, "x".repeat(1024))}] }`],
  ["DnsRecord", `{ type: CNAME, values: [${"x".repeat(63)}.${"a.".repeat(94)}a.] }`],
  ["DnsRecord", '{ name: "*.apps", type: AAAA, values: "fd00::1" }'],
  ["Membership", "{ role: auto, devices: { zigbee: /dev/serial/by-id/usb-ITead_Sonoff_Zigbee-if00 } }", "nas"],
  ["House", "{ zone: home.example.com, resolver: { serve: [lan], upstream: host } }", "house"],
  ["House", "{ resolver: { serve: [lan, tailnet], upstream: service/pihole:53, fallback: host } }", "house"],
  ["House", "{ joining: approve, replaceAfter: 30s, tailnet: { tags: [tag:nas, tag:Attic-2] } }", "house"],
  ["House", '{ resolver: { serve: [tailnet], upstream: [9.9.9.9, "[fd00::1]:5353", service/pihole] } }', "house"],
];

for (const [kind, spec, name] of accepted)
  test(`accepts ${kind} ${spec.slice(0, 120)}`, () => assert.deepEqual(said(kind, spec, name), []));
