import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { IngressSettings, Table } from "../api/table.ts";
import { isAllowed } from "./allow.ts";
import { answer } from "./answer.ts";
import { parsePing, parseProgram, parseSettings, parseTable } from "./check-table.ts";
import { decide } from "./decide.ts";
import { planListeners } from "./listeners.ts";
import { compileRouter } from "./match.ts";
import { proxyHeader } from "./proxy-protocol.ts";
import { compileZone } from "./zone.ts";

const table: Table = {
  revision: 3,
  node: "attic",
  zone: "home.internal",
  http: [
    {
      name: "app",
      host: "app",
      path: "/",
      backends: [{ node: "attic", instance: "a", host: "10.0.0.2", port: 80 }],
      waiting: { reason: "R", message: "m" },
      redirect: { to: "/", status: 302 },
      allow: ["lan"],
      holdMs: 1,
      forwardedHeaders: "none",
    },
  ],
  streams: [
    {
      name: "mqtt",
      protocol: "udp",
      address: "192.168.1.1",
      port: 1883,
      backends: [{ node: "attic", instance: "m", host: "10.0.0.3", port: 1883 }],
      allow: ["lan"],
      proxyProtocol: "v2",
      idleTimeoutMs: 1000,
    },
  ],
  records: [{ name: "x.home.internal", type: "A", values: ["10.0.0.1"], ttl: 5 }],
  houseNames: [{ name: "app.home.internal", nodes: ["attic"] }],
  nodes: { attic: { lan: ["192.168.1.1"], tailnet: [] } },
  resolver: { serve: ["lan"], upstreams: [{ host: "10.0.0.5", port: 53, tcpPort: 54, isApp: true }] },
};
const settings: IngressSettings = {
  http: { addresses: ["::"], ports: [80] },
  dns: { addresses: ["127.0.0.1"], ports: [53] },
  containers: { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"], upstreams: ["9.9.9.9"] },
  mesh: { addresses: ["::"], ports: [734], certificate: "PEM", keyFile: "/key", ca: "PEM", removed: [] },
};

test("a whole table is taken, with fields of a newer release", () => {
  assert.equal(parseTable(table), table);
  assert.doesNotThrow(() => parseTable({ ...table, later: 1 }));
});

test("the field that is wrong is named", () => {
  assert.throws(() => parseTable(null), /"table" must be an object/);
  assert.throws(() => parseTable({ ...table, revision: 1.5 }), /"revision" must be a whole number/);
  assert.throws(
    () => parseTable({ ...table, http: [{ ...table.http[0], backends: [{ node: "a", host: 1, port: 1 }] }] }),
    /"http\[0\]\.backends\[0\]\.host" must be text/,
  );
  const stream = (more: object): Table => ({ ...table, streams: [{ ...table.streams[0], ...more }] as unknown as Table["streams"] });
  assert.throws(() => parseTable(stream({ port: 65_536 })), /"streams\[0\]\.port" must be a port/);
  assert.throws(() => parseTable(stream({ protocol: "sctp" })), /"streams\[0\]\.protocol" must be tcp or udp/);
  assert.throws(() => parseTable(stream({ idleTimeoutMs: -1 })), /"streams\[0\]\.idleTimeoutMs" must be 0 or more/);
  const attic = { lan: [], tailnet: [], meshPort: 0 };
  assert.throws(() => parseTable({ ...table, nodes: { attic } }), /"nodes\.attic\.meshPort" must be a port/);
  const odd = { lan: [], tailnet: [], announces: "everywhere" };
  assert.throws(() => parseTable({ ...table, nodes: { attic: odd } }), /"nodes\.attic\.announces" must be a list/);
  assert.throws(() => parseTable({ ...table, nodes: { attic: { lan: [] } } }), /"nodes\.attic\.tailnet" must be a list/);
  const asking = (upstream: object): unknown => ({ ...table, resolver: { serve: [], upstreams: [upstream] } });
  assert.throws(() => parseTable(asking({ host: "9.9.9.9", port: 0 })), /"resolver\.upstreams\[0\]\.port" must be a port/);
  assert.throws(() => parseTable(asking({ port: 53 })), /"resolver\.upstreams\[0\]\.host" must be text/);
  assert.throws(() => parseSettings({ ...settings, dns: { addresses: [], ports: ["53"] } }), /"dns\.ports\[0\]" must be a whole number/);
  assert.throws(() => parseSettings({ ...settings, mesh: { ...settings.mesh, removed: [1] } }), /"mesh\.removed\[0\]" must be text/);
  assert.throws(() => parseProgram({ execPath: "/x" }), /"args" must be a list/);
});

test("settings and programs are taken as they are", () => {
  assert.equal(parseSettings(settings), settings);
  assert.deepEqual(parsePing({ node: "nas", limitMs: 900 }), { node: "nas", limitMs: 900 });
  assert.throws(() => parsePing({ node: 7, limitMs: 900 }), SyntaxError);
  assert.throws(() => parsePing({ node: "nas" }), SyntaxError);
  assert.deepEqual(parseProgram({ execPath: "/x", args: ["ingress"] }), { execPath: "/x", args: ["ingress"] });
});

test("what is let through serves any request without a throw, and what is not is a SyntaxError", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant([]), fc.object({ maxDepth: 1 }));
  const paths = pathsOf(table);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom(...paths), leaf), { maxLength: 3 }), (changes) => {
      const changed = structuredClone(table);
      for (const [path, value] of changes) setAt(changed, path, value);
      let parsed: Table;
      try {
        parsed = parseTable(changed);
      } catch (error) {
        assert.ok(error instanceof SyntaxError);
        return;
      }
      const { wishes } = planListeners(settings, parsed, ["127.0.0.1"]);
      assert.ok(wishes.every(({ ports }) => ports.every((port) => port > 0 && port < 65_536)));
      for (const route of parsed.streams) {
        isAllowed(route.allow, "10.0.0.1", {});
        proxyHeader(route, { address: "10.0.0.1", port: 1 }, { address: "10.0.0.2", port: 2 });
      }
      decide(compileRouter(parsed), { host: "app", target: "/", from: "10.0.0.1" });
      for (const name of ["app", "x", "nope"])
        answer(compileZone(parsed), { name: `${name}.home.internal`, type: "A" }, { from: "lan", asked: "192.168.1.1" });
    }),
    { numRuns: 1000 },
  );
});

function pathsOf(value: unknown, above: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [above];
  return [...(above.length > 0 ? [above] : []), ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...above, key]))];
}

function setAt(target: unknown, path: readonly string[], value: unknown): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined), target);
  if (typeof parent === "object" && parent !== null) (parent as Record<string, unknown>)[path.at(-1) ?? ""] = value;
}
