import assert from "node:assert/strict";
import { test } from "node:test";
import type { Backend, HttpRoute, Table } from "../api/table.ts";
import { withdraw } from "./withdraw.ts";

const on = (node: string): Backend => ({ node, instance: `app-${node}`, host: "10.89.0.2", port: 80 });
const route = (name: string, ...nodes: readonly string[]): HttpRoute => ({
  name,
  host: name,
  path: "/",
  backends: nodes.map(on),
  holdMs: 10_000,
  forwardedHeaders: "standard",
});
const address = (id: string) => ({ id, lan: [`192.168.1.${id.length}`], tailnet: [] });
const table: Table = {
  revision: 7,
  node: "nas",
  zone: "home.internal",
  http: [route("both", "nas", "pi4"), route("there", "pi4"), route("nowhere")],
  streams: [{ name: "dns", protocol: "udp", port: 5300, backends: [on("pi4"), on("nuc")], idleTimeoutMs: 1_000 }],
  records: [],
  houseNames: [{ name: "both.home.internal", nodes: ["pi4", "nas"] }],
  nodes: { nas: address("a"), pi4: address("bb"), nuc: address("ccc") },
  down: ["old"],
  resolver: {
    serve: ["lan"],
    upstreams: [
      { host: "10.89.0.9", port: 53, node: "pi4", instance: "pihole-x" },
      { host: "9.9.9.9", port: 53 },
    ],
  },
};

test("nothing leads to a silent node, and an app that runs there alone says why it waits", () => {
  const { http, streams, houseNames, nodes, down, resolver } = withdraw(table, ["pi4"]);
  assert.deepEqual(
    http.map(({ backends, waiting }) => [backends.map(({ node }) => node), waiting?.reason]),
    [
      [["nas"], undefined],
      [[], "NodeSilent"],
      [[], undefined],
    ],
  );
  assert.deepEqual(
    streams[0]?.backends.map(({ node }) => node),
    ["nuc"],
  );
  assert.deepEqual([houseNames[0]?.nodes, Object.keys(nodes), down], [["nas"], ["nas", "nuc"], ["old", "pi4"]]);
  assert.deepEqual(
    resolver?.upstreams.map(({ host }) => host),
    ["9.9.9.9"],
  );
});

test("all others are as they were, this node never is silent to itself, and the table comes back whole", () => {
  assert.equal(withdraw(table, []), table);
  assert.equal(withdraw(table, ["nas"]), table);
  assert.deepEqual(withdraw(table, ["nuc"]).http, table.http);
});
