import assert from "node:assert/strict";
import { test } from "node:test";
import { fqdnOf, rowsOf } from "./rows.ts";

const nobody = { nodes: [], hosts: [] };

test("fqdnOf() puts relative names into the zone and takes full ones as they are", () => {
  assert.equal(fqdnOf({ name: "Printer", type: "A", ttl: "5m" }, "home.internal"), "printer.home.internal");
  assert.equal(fqdnOf({ name: "mail.example.com.", type: "A", ttl: "5m" }, "home.internal"), "mail.example.com");
  assert.equal(fqdnOf({ name: "*.dev", type: "A", ttl: "5m" }, "home.internal"), "*.dev.home.internal");
});

test("a record with values is answered with them", () => {
  const { records, houseNames } = rowsOf({ name: "printer", type: "A", values: ["192.168.1.40"], ttl: "5m" }, "home.internal", nobody);
  assert.deepEqual([records, houseNames], [[{ name: "printer.home.internal", type: "A", values: ["192.168.1.40"], ttl: 300 }], []]);
});

test("a record without values leads to the house: first where the app runs, among the nodes that hold port 80", () => {
  const node = (name: string, holdsPort: boolean) => ({ name, holdsPort });
  const nodesOf = (nodes: readonly { readonly name: string; readonly holdsPort: boolean }[]) =>
    rowsOf({ name: "app", type: "A", ttl: "5s" }, "home.internal", { nodes, hosts: ["pi"] }).houseNames[0]?.nodes;
  assert.deepEqual(nodesOf([node("nas", true), node("pi", true), node("nuc", false)]), ["pi", "nas"]);
  assert.deepEqual(nodesOf([node("nas", false), node("pi", false)]), ["pi", "nas"]);
});
