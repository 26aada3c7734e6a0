import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tableOf } from "../../test/support/ingress.ts";
import type { Table } from "../api/table.ts";
import { isWayAddress, ownInstances, ownPlaces, placeKey, rememberWays } from "./ways.ts";

const house = (nodes: Table["nodes"]): Pick<Table, "node" | "nodes"> => ({ node: "nas", nodes });
const nas = { id: "id-nas", lan: ["192.168.1.10"], tailnet: ["100.64.0.1"] };
const pi = { id: "id-pi", lan: ["10.9.0.2", "192.168.1.11", "fd00::2"], tailnet: ["100.64.0.2"] };

test("a node is reached on the LAN that both are in, then on others, then over the tailnet, and never this one", () => {
  const ways = rememberWays(new Map(), house({ nas, pi }));
  assert.deepEqual(
    [...ways],
    [["pi", { nodeId: "id-pi", addresses: ["192.168.1.11", "10.9.0.2", "fd00::2", "100.64.0.2"].map((host) => ({ host, port: 734 })) }]],
  );
  assert.equal(rememberWays(new Map(), house({ nas, pi: { ...pi, meshPort: 7734 } })).get("pi")?.addresses[0]?.port, 7734);
  assert.deepEqual([isWayAddress(ways, "100.64.0.2"), isWayAddress(ways, "100.64.0.9")], [true, false]);
});

test("one that announces itself no more is still asked, where it was last; one that nobody could tell is not", () => {
  const ways = rememberWays(new Map(), house({ nas, pi }));
  assert.ok(rememberWays(ways, house({ nas })).has("pi"));
  const moved = { ...pi, lan: ["192.168.1.12"], tailnet: [] };
  assert.deepEqual(rememberWays(ways, house({ nas, pi: moved })).get("pi")?.addresses, [{ host: "192.168.1.12", port: 734 }]);
  assert.equal(rememberWays(new Map(), house({ nas, pi: { lan: pi.lan, tailnet: [] } })).size, 0);
});

test("others are led to this node's instances alone, at the ports of a Route or of the resolver", () => {
  const backend = { node: "nas", instance: "app-aaaa", host: "10.201.0.2", port: 80 };
  const backends = [backend, { ...backend, node: "pi", instance: "app-bbbb" }, { ...backend, instance: "", host: "router.lan" }];
  const raw = { name: "raw", protocol: "udp" as const, port: 53, idleTimeoutMs: 0, backends: [{ ...backend, port: 53 }] };
  const { http } = tableOf([], { backends });
  const resolver = {
    serve: [],
    upstreams: [
      { host: "10.201.0.3", port: 5353, tcpPort: 5354, isApp: true, node: "nas", instance: "pihole-cccc" },
      { host: "10.202.0.3", port: 53, isApp: true, node: "pi", instance: "pihole-dddd" },
      { host: "9.9.9.9", port: 53 },
    ],
  };
  assert.deepEqual(
    [...ownPlaces({ node: "nas", http, streams: [raw], resolver })],
    ["tcp app-aaaa 10.201.0.2 80", "udp app-aaaa 10.201.0.2 53", "udp pihole-cccc 10.201.0.3 5353", "tcp pihole-cccc 10.201.0.3 5354"],
  );
  assert.equal(placeKey({ ...backend, protocol: "tcp" }), "tcp app-aaaa 10.201.0.2 80");
});

test("whatever the table, nothing of another node and nothing outside is a place of this one", () => {
  const backend = fc.record({
    node: fc.constantFrom("nas", "pi"),
    instance: fc.constantFrom("", "a", "b"),
    host: fc.constantFrom("10.0.0.1", "10.0.0.2"),
    port: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(fc.array(backend), fc.array(backend), (backends, others) => {
      const { http } = tableOf([], { backends });
      const streams = [{ name: "raw", protocol: "tcp" as const, port: 1, idleTimeoutMs: 0, backends: others }];
      const expected = [...backends, ...others].filter(({ node, instance }) => node === "nas" && instance !== "");
      assert.deepEqual(ownPlaces({ node: "nas", http, streams }), new Set(expected.map((each) => placeKey({ ...each, protocol: "tcp" }))));
    }),
  );
});

test("who may be asked next are this node's instances in the table, and nobody without one", () => {
  const backends = [
    { node: "nas", instance: "app-aaaa", host: "172.30.0.2", port: 80 },
    { node: "pi", instance: "app-bbbb", host: "172.30.0.2", port: 80 },
    { node: "nas", instance: "", host: "192.168.1.1", port: 80 },
  ];
  const { http } = tableOf([], { backends });
  assert.deepEqual(ownInstances({ node: "nas", http, streams: [] }), ["app-aaaa"]);
  assert.deepEqual(ownInstances(undefined), []);
});
