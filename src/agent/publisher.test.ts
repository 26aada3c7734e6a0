import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import type { AnyResource } from "../api/resource.ts";
import type { Standing } from "../engine/contract.ts";
import type { NodeRecord } from "../api/state.ts";
import type { HttpRoute, IngressStatus, Table } from "../api/table.ts";
import { Publisher } from "./publisher.ts";

const route = (name: string): AnyResource => ({ kind: "Route", metadata: { name } }) as unknown as AnyResource; // all that the publisher reads
const rows = (name: string): { readonly http: readonly HttpRoute[]; readonly streams: readonly [] } => ({
  http: [{ name, host: name, path: "/", backends: [], holdMs: 0, forwardedHeaders: "standard" }],
  streams: [],
});

const nas: { readonly value: Pick<NodeRecord, "nodeId" | "addresses" | "ports" | "announces"> } = {
  value: { nodeId: "id-nas", addresses: { lan: [], tailnet: [] }, ports: {} },
};

function setUp(names: readonly string[]) {
  const clock = new VirtualClock();
  const tables: Table[] = [];
  const world = {
    fresh: true,
    failing: false,
    told: 0,
    listeners: [] as IngressStatus["listeners"],
    localNames: [] as NonNullable<IngressStatus["localNames"]>,
    asked: 0,
    routes: names.map(route),
    nodes: new Map([["nas", nas]]),
    down: [] as string[],
    unreadable: [] as string[],
  };
  const read = <T>(kind: string, value: T): T => {
    if (world.unreadable.includes(kind)) throw new Error(`Cannot read ${kind}: its value is no JSON`);
    return value;
  };
  const mirror = {
    get standing(): Standing {
      return { kind: world.fresh ? "fresh" : "none" };
    },
    revision: 7,
    all: (kind: string) =>
      kind === "Route" ? world.routes : kind === "Membership" ? world.down.map((name) => ({ metadata: { name } })) : [],
    decided: (kind: string) => read(kind, { value: { state: "Down" } }),
    nodes: () => world.nodes,
    desired: (kind: string) => read(kind, undefined),
  };
  const sink = {
    putTable: async (table: Table) => {
      if (world.failing) throw new Error("away");
      tables.push(table);
      return { pid: 1, build: "", revision: table.revision, listeners: world.listeners, localNames: world.localNames };
    },
    busy: () => (world.failing ? Promise.reject(new Error("away")) : Promise.resolve(["app-k3f9"])),
    status: async () => {
      world.asked += 1;
      return { pid: 1, build: "", revision: 7, listeners: world.listeners, localNames: world.localNames };
    },
  };
  const publisher = new Publisher({
    node: "nas",
    mirror: mirror as never,
    sink,
    clock,
    log: silentLog,
    defaultZone: "home.internal",
    onListeners: () => void world.told++,
  });
  return { clock, tables, world, publisher };
}

test("no table is published before every route of the mirror had its turn", async () => {
  const { clock, tables, publisher } = setUp(["a", "b"]);
  publisher.setRoute("a", rows("a"));
  await clock.advance(1_000);
  assert.equal(tables.length, 0);
  publisher.setRoute("b", rows("b"));
  await clock.advance(10);
  assert.deepEqual(
    tables.map((table) => table.http.map(({ host }) => host)),
    [["a", "b"]],
  );
});

test("changes that come together make one table, and none when nothing is new", async () => {
  const { clock, tables, publisher } = setUp(["a", "b"]);
  publisher.setRoute("b", rows("b"));
  publisher.setRoute("a", rows("a"));
  publisher.setRoute("a", rows("a"));
  await clock.advance(10);
  assert.equal(tables.length, 1);
  publisher.setRoute("a", rows("a"));
  await clock.advance(10);
  assert.equal(tables.length, 1);
});

test("nothing follows what was being handed over when it is stopped, taken or not", async () => {
  for (const failing of [false, true]) {
    const { clock, world, publisher } = setUp(["a"]);
    world.listeners = [{ protocol: "tcp", address: "::", port: 1883, problem: "held" }];
    publisher.setRoute("a", rows("a"));
    world.failing = failing;
    const stepped = clock.step();
    publisher.stop();
    await stepped;
    publisher.publishSoon();
    await clock.settle();
    assert.equal(clock.nextAtMs(), undefined);
    assert.equal(world.told, 0);
  }
});

test("nothing is published from a mirror that lost the store", async () => {
  const { clock, tables, world, publisher } = setUp([]);
  world.fresh = false;
  publisher.publishSoon();
  await clock.advance(10);
  assert.equal(tables.length, 0);
});

test("a table that the ingress did not take is handed over again, and one for a new ingress too", async () => {
  const { clock, tables, world, publisher } = setUp(["a"]);
  world.failing = true;
  publisher.setRoute("a", rows("a"));
  await clock.advance(100);
  world.failing = false;
  await clock.advance(1_000);
  assert.equal(tables.length, 1);
  publisher.forgetPublished();
  await clock.advance(10);
  assert.equal(tables.length, 2);
});

for (const kind of ["House", "Membership"])
  test(`a ${kind} that cannot be read holds the table back until it can be`, async () => {
    const { clock, tables, world, publisher } = setUp(["a"]);
    world.down = ["shed"];
    world.unreadable = [kind];
    publisher.setRoute("a", rows("a"));
    await clock.advance(1_000);
    assert.equal(tables.length, 0);
    world.unreadable = [];
    await clock.advance(1_000);
    assert.equal(tables.length, 1);
  });

test("nothing is published before this node has announced its addresses", async () => {
  const { clock, tables, world, publisher } = setUp(["a"]);
  world.nodes.clear();
  publisher.setRoute("a", rows("a"));
  await clock.advance(1_000);
  assert.equal(tables.length, 0);
  assert.ok(publisher.pending);
});

test("whoever shows ports hears at once when the ingress listens on others", async () => {
  const { clock, world, publisher } = setUp(["a"]);
  publisher.setRoute("a", rows("a"));
  await clock.advance(10);
  const before = world.told;
  world.listeners = [{ protocol: "tcp", address: "::", port: 1883, problem: "port 1883 is held by mosquitto" }];
  publisher.setRoute("a", { http: [], streams: [] });
  await clock.advance(10);
  assert.equal(world.told, before + 1);
  assert.equal(publisher.status()?.listeners[0]?.port, 1883);
});

test("a name that is still probed for is looked at again, until it is settled", async () => {
  const { clock, publisher, world } = setUp(["a"]);
  world.localNames = [{ host: "a", address: "192.168.1.10", state: "probing" }];
  publisher.setRoute("a", rows("a"));
  await clock.advance(5_000);
  assert.equal(world.asked, 2);
  world.localNames = [{ host: "a", address: "192.168.1.10", state: "silent", problem: "192.168.1.9 has it" }];
  const { told } = world;
  await clock.advance(60_000);
  assert.deepEqual([world.asked, world.told], [3, told + 1]);
});

test("a port that is waited for is looked at again until it is held, one that another was taken for is not", async () => {
  const { clock, publisher, world } = setUp(["a"]);
  const problem = "port 53 is held by dnsmasq";
  world.listeners = [{ protocol: "dns", address: "192.168.1.10", port: 5354, problem: `${problem}; 5354 was taken instead` }];
  publisher.setRoute("a", rows("a"));
  await clock.advance(60_000);
  assert.equal(world.asked, 0);
  for (const [index, awaited] of [
    { protocol: "dns", address: "192.168.1.10", port: 0, problem } as const,
    { protocol: "tcp", address: "::", port: 1883, problem } as const,
  ].entries()) {
    world.listeners = [awaited];
    publisher.forgetPublished();
    await clock.advance(3_000);
    const { protocol, address } = awaited;
    world.listeners = [{ protocol, address, port: 1883 }];
    const { told } = world;
    await clock.advance(60_000);
    assert.deepEqual([world.asked, world.told], [2 * (index + 1), told + 1], "no more than it takes");
  }
});

test("nodes that are dead are told, and the ports of each node and where it can announce names", async () => {
  const { clock, tables, publisher, world } = setUp([]);
  world.down = ["shed", "attic"];
  const lan = ["192.168.1.11"];
  const pi = { value: { nodeId: "id-pi", addresses: { lan, tailnet: [] }, ports: { mesh: 7734, http: 8080 }, announces: lan } };
  world.nodes.set("pi", pi);
  publisher.publishSoon();
  await clock.advance(10);
  assert.deepEqual(tables[0]?.down, ["attic", "shed"]);
  assert.deepEqual(tables[0]?.nodes["pi"], { id: "id-pi", lan, tailnet: [], meshPort: 7734, httpPort: 8080, announces: lan });
  assert.deepEqual(tables[0]?.nodes["nas"], { id: "id-nas", lan: [], tailnet: [] }, "it does not say");
});

test("an ingress that is away answers for nobody", async () => {
  const { world, publisher } = setUp([]);
  assert.deepEqual([...(await publisher.busy())], ["app-k3f9"]);
  world.failing = true;
  assert.deepEqual([...(await publisher.busy())], []);
});
