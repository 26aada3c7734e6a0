// What must hold in each kind beyond the types of its fields. Pure.
import { addressProblems, isIpv4, isIpv6 } from "./addresses.ts";
import { parseDuration } from "./durations.ts";
import type { Report } from "./expand.ts";
import { httpProblems } from "./http-options.ts";
import { oneOf } from "./words.ts";
import { lengthProblem, RESERVED_NAMES } from "./names.ts";
import { portProblem } from "./ports-in-use.ts";
import type { Kind, Name, Specs } from "./resource.ts";
import { checkService } from "./service-rules.ts";
import type { DnsRecordSpec, HouseSpec, RouteSpec } from "./types.ts";
import { parseUpstream } from "./upstream.ts";

/** The one House there is. */
const HOUSE_NAME = "house";
/** `.node.` and a label of 63 characters fit before it in a name of 253. */
const ZONE_MAX = 184;
/** Below that a slow start would cost a vote. */
const REPLACE_AFTER_MIN_MS = 30_000;

export const rules: { readonly [K in Kind]: (spec: Specs[K], name: Name, report: Report) => void } = {
  Service: (spec, name, report) => {
    checkName(name, report);
    checkService(spec, name, report);
  },
  Route: checkRoute,
  DnsRecord: checkDnsRecord,
  Membership: () => undefined,
  House: checkHouse,
};

function checkName(name: Name, report: Report): void {
  if (RESERVED_NAMES.includes(name))
    report(
      "metadata.name",
      `'${name}' is a name of the house's own, as are ${oneOf(RESERVED_NAMES).replace(" or ", " and ")}: take another`,
    );
}

/** Fields that mean something for HTTP only, and for streams only. */
const HTTP_ONLY = [
  "https",
  "basicAuth",
  "forwardAuth",
  "headers",
  "maxBody",
  "redirect",
  "sticky",
  "backendTls",
  "timeouts",
  "hold",
  "forwardedHeaders",
] as const;
const STREAM_ONLY = ["proxyProtocol", "idleTimeout"] as const;

function checkRoute(spec: RouteSpec, name: Name, report: Report): void {
  checkName(name, report);
  const { host, listen, tls } = spec;
  if (host === undefined && listen === undefined) report("spec", "must have 'host' (HTTP), or 'listen' (TCP and UDP)");
  if (host !== undefined && RESERVED_NAMES.includes(host)) report("spec.host", `'${host}' is a name of the house's own: take another`);
  checkLength(host, "spec.host", report);
  if (tls !== undefined && host === undefined) report("spec.tls", "needs 'host': the name in the encrypted stream tells where it goes");
  if (host !== undefined && listen !== undefined && tls === undefined)
    report("spec.listen", "cannot stand beside 'host': a raw port knows no names, unless with 'tls: passthrough'");
  if (tls !== undefined && listen?.protocol === "udp")
    report("spec.listen", "must be TCP with 'tls: passthrough': datagrams carry no such name");
  for (const { at, message } of addressProblems(spec)) report(`spec.${at}`, message);
  for (const { at, message, instead } of httpProblems(spec)) report(`spec.${at}`, message, instead);
  for (const { at, message } of addressProblems(listen ?? {})) report(`spec.listen.${at}`, message);
  if (listen !== undefined) checkListen(listen, { name, shared: tls !== undefined }, report);
  const stream = listen !== undefined || tls !== undefined;
  if (stream && spec.path !== "/") report("spec.path", "means something for HTTP only: this Route hands on bytes");
  for (const field of stream ? HTTP_ONLY : STREAM_ONLY) {
    if (spec[field] !== undefined)
      report(
        `spec.${field}`,
        stream ? "means something for HTTP only: this Route hands on bytes" : "means something for 'listen' only: this Route speaks HTTP",
      );
  }
  if ("url" in spec.to && URL.parse(spec.to.url) !== null) checkUrl(spec.to.url, report);
  if ("url" in spec.to && !stream && !/^https?:/.test(spec.to.url))
    report("spec.to", "must begin with 'http://' or 'https://': this Route speaks HTTP");
  if ("url" in spec.to && stream && !/^(?:tcp|udp):\/\/.*:\d+$/.test(spec.to.url))
    report("spec.to", "must look like 'tcp://192.168.1.5:1883': this Route hands on bytes");
}

function checkUrl(text: string, report: Report): void {
  const { pathname, search, hash, username, password } = new URL(text);
  if (username !== "" || password !== "") report("spec.to", "cannot have a name or a password in it: set 'headers.request' in their place");
  if (!["", "/"].includes(pathname) || search !== "" || hash !== "")
    report("spec.to", "must be an address without a path: what the browser asks for is sent on as it is");
}

function checkListen(
  listen: NonNullable<RouteSpec["listen"]>,
  { name, shared }: { readonly name: Name; readonly shared: boolean },
  report: Report,
): void {
  if ((listen.endPort ?? listen.port) < listen.port) report("spec.listen", `must go up: ${listen.endPort} comes before ${listen.port}`);
  // Streams that are told apart by the name in them share 443 with everything else.
  const problem = shared && listen.port === 443 && listen.endPort === undefined ? undefined : portProblem(listen, name);
  if (problem !== undefined) report("spec.listen", problem);
}

const HOST_NAME = /^[a-z0-9_*]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*\.?$/i;

function checkLength(name: string | undefined, field: string, report: Report): void {
  const problem = name === undefined ? undefined : lengthProblem(name);
  if (problem !== undefined) report(field, problem);
}

/** The data that ends in a name. */
const NAMING: ReadonlySet<DnsRecordSpec["type"]> = new Set(["CNAME", "PTR", "MX", "SRV"]);

/** How each type writes its data. */
const RECORD_DATA: Readonly<Record<DnsRecordSpec["type"], { readonly fits: (value: string) => boolean; readonly expected: string }>> = {
  A: { fits: isIpv4, expected: "an IPv4 address such as '192.168.1.40'" },
  AAAA: { fits: isIpv6, expected: "an IPv6 address such as 'fd00::40'" },
  CNAME: { fits: isHostName, expected: "a name such as 'nas.home.internal'" },
  PTR: { fits: isHostName, expected: "a name such as 'nas.home.internal'" },
  TXT: { fits: (value) => value.length <= 4096, expected: "text of at most 4096 characters" },
  MX: { fits: (value) => numbersAndName(value, 1), expected: "a preference and a name such as '10 mail.example.com'" },
  SRV: { fits: (value) => numbersAndName(value, 3), expected: "priority, weight, port and a name such as '0 5 5060 sip.example.com'" },
};

/** In UTF-8: leaves room in an answer of 64 KiB for 64 times the longest name, and for the aliases that lead to it. */
const RECORD_BYTES_MAX = 40 * 1024;

function checkDnsRecord(spec: DnsRecordSpec, name: Name, report: Report): void {
  if (RESERVED_NAMES.includes(spec.name.replace(/^\*\./, "")))
    report(spec.name === name ? "metadata.name" : "spec.name", `'${spec.name}' is a name of the house's own: take another`);
  checkLength(spec.name, spec.name === name ? "metadata.name" : "spec.name", report);
  const { fits, expected } = RECORD_DATA[spec.type];
  for (const [index, value] of (spec.values ?? []).entries()) {
    if (fits(value)) checkLength(NAMING.has(spec.type) ? value.trim().split(/\s+/).at(-1) : undefined, `spec.values[${index}]`, report);
    else report(`spec.values[${index}]`, `must be ${expected}, as 'type: ${spec.type}' says, not '${value.slice(0, 60)}'`);
  }
  if (spec.values === undefined && spec.type !== "A" && spec.type !== "AAAA")
    report("spec.values", `must have 'values': only A and AAAA can be the house's own addresses`);
  const bytes = new TextEncoder().encode(spec.values?.join("")).length;
  if (bytes > RECORD_BYTES_MAX)
    report("spec.values", `must be ${RECORD_BYTES_MAX} bytes at most together, are ${bytes}: one answer of DNS has to hold them`);
  if (spec.type === "CNAME" && (spec.values?.length ?? 1) > 1) report("spec.values", "must have one value: a name has one CNAME");
}

function checkHouse(spec: HouseSpec, name: Name, report: Report): void {
  if (name !== HOUSE_NAME) report("metadata.name", `must be '${HOUSE_NAME}': there is one House`, HOUSE_NAME);
  checkLength(spec.zone, "spec.zone", report);
  if (spec.zone.length > ZONE_MAX)
    report("spec.zone", `must have ${ZONE_MAX} characters at most, has ${spec.zone.length}: a node's name goes before it`);
  if (!spec.zone.includes("."))
    report("spec.zone", `must have a dot: browsers search for single words, try '${spec.zone}.internal'`, `${spec.zone}.internal`);
  if (spec.zone === "local" || spec.zone.endsWith(".local"))
    report("spec.zone", "cannot end in 'local': those names belong to mDNS, which the house answers besides", "home.internal");
  if (spec.replaceAfter !== undefined && (parseDuration(spec.replaceAfter) ?? 0) < REPLACE_AFTER_MIN_MS)
    report("spec.replaceAfter", `must be 30s or more, not '${spec.replaceAfter}': a reboot is no death`, "10m");
  const upstreams = spec.resolver?.upstream ?? [];
  for (const [index, text] of (upstreams === "host" ? [] : upstreams).entries()) {
    if (parseUpstream(text) === undefined)
      report(`spec.resolver.upstream[${index}]`, `must be an address such as '9.9.9.9' or 'service/NAME:PORT', not '${text}'`);
  }
  if (spec.resolver?.fallback !== undefined && (upstreams === "host" || !upstreams.some((text) => text.startsWith("service/"))))
    report("spec.resolver.fallback", "means something for an app as upstream only: there is none such as 'service/pihole:53'");
}

function isHostName(value: string): boolean {
  return HOST_NAME.test(value);
}

function numbersAndName(value: string, count: number): boolean {
  const parts = value.trim().split(/\s+/);
  return (
    parts.length === count + 1 &&
    parts.slice(0, count).every((part) => /^\d{1,5}$/.test(part) && Number(part) <= 65_535) &&
    isHostName(parts[count] ?? "")
  );
}
