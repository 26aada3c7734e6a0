// What the agent sent or the disk kept, read as a table or as settings: what the ingress relies on is checked once, here. Pure.
import type { FenceTold, IngressPing, IngressProgram, IngressSettings, Table } from "../api/table.ts";

/** Throws a SyntaxError that names the field; fields of a newer release are let through. */
export function parseTable(value: unknown): Table {
  const table = record(value, "table");
  number(table["revision"], "revision");
  text(table["node"], "node");
  text(table["zone"], "zone");
  for (const [at, route] of rows(table, "http")) checkRoute(route, at);
  for (const [at, entry] of rows(table, "records")) {
    text(entry["name"], `${at}.name`);
    text(entry["type"], `${at}.type`);
    number(entry["ttl"], `${at}.ttl`);
    texts(entry["values"], `${at}.values`);
  }
  for (const [at, entry] of rows(table, "houseNames")) {
    text(entry["name"], `${at}.name`);
    texts(entry["nodes"], `${at}.nodes`);
  }
  for (const [at, route] of rows(table, "streams")) checkStream(route, at);
  for (const [node, addresses] of Object.entries(record(table["nodes"], "nodes"))) {
    const { id } = record(addresses, `nodes.${node}`);
    if (id !== undefined) text(id, `nodes.${node}.id`);
    texts(record(addresses, `nodes.${node}`)["lan"], `nodes.${node}.lan`);
    texts(record(addresses, `nodes.${node}`)["tailnet"], `nodes.${node}.tailnet`);
    const { meshPort, httpPort, announces } = record(addresses, `nodes.${node}`);
    if (meshPort !== undefined) port(meshPort, `nodes.${node}.meshPort`);
    if (httpPort !== undefined) number(httpPort, `nodes.${node}.httpPort`);
    if (announces !== undefined) texts(announces, `nodes.${node}.announces`);
  }
  if (table["down"] !== undefined) texts(table["down"], "down");
  if (table["resolver"] !== undefined) {
    const resolver = record(table["resolver"], "resolver");
    texts(resolver["serve"], "resolver.serve");
    for (const [at, upstream] of rows(resolver, "upstreams", "resolver")) {
      text(upstream["host"], `${at}.host`);
      port(upstream["port"], `${at}.port`);
      if (upstream["tcpPort"] !== undefined) port(upstream["tcpPort"], `${at}.tcpPort`);
      for (const field of ["node", "instance"]) if (upstream[field] !== undefined) text(upstream[field], `${at}.${field}`);
    }
  }
  return value as Table; // every field that is read was checked above
}

export function parseSettings(value: unknown): IngressSettings {
  const settings = record(value, "settings");
  for (const protocol of ["http", "dns"]) {
    const listen = record(settings[protocol], protocol);
    texts(listen["addresses"], `${protocol}.addresses`);
    list(listen["ports"], `${protocol}.ports`).forEach((port, index) => number(port, `${protocol}.ports[${index}]`));
  }
  if (settings["accessLog"] !== undefined) text(settings["accessLog"], "accessLog");
  if (settings["containers"] !== undefined) {
    const containers = record(settings["containers"], "containers");
    text(containers["gateway"], "containers.gateway");
    texts(containers["subnets"], "containers.subnets");
    texts(containers["upstreams"], "containers.upstreams");
  }
  if (settings["mdns"] !== undefined) texts(record(settings["mdns"], "mdns")["addresses"], "mdns.addresses");
  if (settings["mesh"] !== undefined) {
    const mesh = record(settings["mesh"], "mesh");
    texts(mesh["addresses"], "mesh.addresses");
    list(mesh["ports"], "mesh.ports").forEach((each, index) => number(each, `mesh.ports[${index}]`));
    for (const field of ["certificate", "keyFile", "ca"]) text(mesh[field], `mesh.${field}`);
    texts(mesh["removed"], "mesh.removed");
  }
  return value as IngressSettings; // every field was checked above
}

export function parsePing(value: unknown): IngressPing {
  const { node, limitMs, contactAtMs } = record(value, "ping");
  text(node, "node");
  number(limitMs, "limitMs");
  if (contactAtMs !== undefined && !Number.isFinite(contactAtMs)) throw wrong("contactAtMs", "a moment");
  return value as IngressPing; // every field was checked above
}

export function parseFence(value: unknown): FenceTold {
  const fence = record(value, "fence");
  texts(fence["containers"], "containers");
  if (!Number.isFinite(fence["contactAtMs"])) throw wrong("contactAtMs", "a moment");
  return value as FenceTold; // both fields were checked above
}

export function parseProgram(value: unknown): IngressProgram {
  const program = record(value, "program");
  text(program["execPath"], "execPath");
  texts(program["args"], "args");
  return value as IngressProgram; // both fields were checked above
}

function checkRoute(route: Fields, at: string): void {
  for (const field of ["name", "host", "path", "forwardedHeaders"]) text(route[field], `${at}.${field}`);
  number(route["holdMs"], `${at}.holdMs`);
  checkBackends(route, at);
  if (route["allow"] !== undefined) texts(route["allow"], `${at}.allow`);
  if (route["redirect"] !== undefined) {
    text(record(route["redirect"], `${at}.redirect`)["to"], `${at}.redirect.to`);
    number(record(route["redirect"], `${at}.redirect`)["status"], `${at}.redirect.status`);
  }
  if (route["waiting"] !== undefined) {
    text(record(route["waiting"], `${at}.waiting`)["reason"], `${at}.waiting.reason`);
    text(record(route["waiting"], `${at}.waiting`)["message"], `${at}.waiting.message`);
    if (record(route["waiting"], `${at}.waiting`)["next"] !== undefined)
      text(record(route["waiting"], `${at}.waiting`)["next"], `${at}.waiting.next`);
  }
}

function checkStream(route: Fields, at: string): void {
  text(route["name"], `${at}.name`);
  oneOf(["tcp", "udp"], route["protocol"], `${at}.protocol`);
  if (route["address"] !== undefined) text(route["address"], `${at}.address`);
  port(route["port"], `${at}.port`);
  if (route["host"] !== undefined) text(route["host"], `${at}.host`);
  checkBackends(route, at);
  if (route["allow"] !== undefined) texts(route["allow"], `${at}.allow`);
  if (route["proxyProtocol"] !== undefined) oneOf(["v1", "v2"], route["proxyProtocol"], `${at}.proxyProtocol`);
  number(route["idleTimeoutMs"], `${at}.idleTimeoutMs`);
  if (Number(route["idleTimeoutMs"]) < 0) throw wrong(`${at}.idleTimeoutMs`, "0 or more");
}

function checkBackends(route: Fields, at: string): void {
  for (const [backendAt, backend] of rows(route, "backends", at)) {
    text(backend["node"], `${backendAt}.node`);
    text(backend["host"], `${backendAt}.host`);
    text(backend["instance"], `${backendAt}.instance`);
    number(backend["port"], `${backendAt}.port`);
    if (backend["tls"] !== undefined) oneOf(["verify", "insecure"], backend["tls"], `${backendAt}.tls`);
    if (backend["authority"] !== undefined) text(backend["authority"], `${backendAt}.authority`);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object");
  return value as Fields; // an object that is no list
}

function list(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, "a list");
  return value;
}

function rows(fields: Fields, field: string, above = ""): readonly (readonly [string, Fields])[] {
  const path = above === "" ? field : `${above}.${field}`;
  return list(fields[field], path).map((row, index) => [`${path}[${index}]`, record(row, `${path}[${index}]`)] as const);
}

function texts(value: unknown, at: string): void {
  list(value, at).forEach((item, index) => text(item, `${at}[${index}]`));
}

function text(value: unknown, at: string): void {
  if (typeof value !== "string") throw wrong(at, "text");
}

function number(value: unknown, at: string): void {
  if (typeof value !== "number" || !Number.isInteger(value)) throw wrong(at, "a whole number");
}

function port(value: unknown, at: string): void {
  number(value, at);
  if (Number(value) < 1 || Number(value) > 65_535) throw wrong(at, "a port");
}

function oneOf(words: readonly string[], value: unknown, at: string): void {
  if (!words.some((word) => word === value)) throw wrong(at, words.join(" or "));
}

function wrong(at: string, expected: string): SyntaxError {
  return new SyntaxError(`"${at}" must be ${expected}`);
}
