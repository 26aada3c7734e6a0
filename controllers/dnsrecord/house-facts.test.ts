import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, instance, observedInstance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec, setMembershipState } from "../../test/fakes/objects.ts";
import { holdsHttp, hostsOf, nodeFacts, recordsOf, rivalsOf, waysIn, withRawPorts } from "./house-facts.ts";
import { rowsOf } from "./rows.ts";

const spec = serviceSpec("app", "app:1");
const house = () =>
  mirrorOf((etcd) => {
    for (const node of ["nas", "pi", "old"]) put(etcd, keys.node(node), nodeRecord(node, `boot-${node}`));
    setMembershipState(etcd, "old", "Down");
    apply(etcd, "Service", "app", spec);
    apply(etcd, "Route", "alias", { host: "alias", path: "/", to: { service: "app" } });
    apply(etcd, "DnsRecord", "mine", { name: "APP", type: "A", values: ["192.168.1.9"], ttl: "5m" });
    put(etcd, keys.decided("Service", "app"), decided("app", spec, [instance("aaaa", "pi", spec)]));
    put(etcd, keys.observed("Service", "app", "pi"), { bootId: "boot-pi", instances: [observedInstance("aaaa")] });
  });

test("recordsOf() finds the records of a Service's Routes, derived from it or not", async () => {
  assert.deepEqual([...new Set(recordsOf("app", await house()))].sort(), ["alias", "app"]);
});

test("hostsOf() is where the app of a derived record is ready", async () => {
  const mirror = await house();
  const [derived, mine] = [mirror.desired("DnsRecord", "app"), mirror.desired("DnsRecord", "mine")];
  assert.ok(derived && mine);
  assert.deepEqual([hostsOf(derived, mirror), hostsOf(mine, mirror)], [["pi"], []]);
});

test("rivalsOf() finds records of the same name and type, whatever the case", async () => {
  const mirror = await house();
  const derived = mirror.desired("DnsRecord", "app");
  assert.ok(derived);
  assert.deepEqual(
    rivalsOf(derived, mirror).map(({ metadata }) => metadata.name),
    ["mine"],
  );
});

test("waysIn() are the nodes that are not Down, and always this one", async () => {
  const mirror = await house();
  assert.deepEqual(
    nodeFacts(mirror)
      .map(({ name }) => name)
      .sort(),
    ["nas", "pi"],
  );
  const own = { name: "new", holdsPort: false };
  assert.deepEqual(
    waysIn(own, mirror)
      .map(({ name }) => name)
      .sort(),
    ["nas", "new", "pi"],
  );
});

test("a node that is drained, about to stop, or being removed is no way in while there is another", async () => {
  const names = (own: string, mirror: Awaited<ReturnType<typeof mirrorOf>>): string =>
    waysIn({ name: own, holdsPort: true }, mirror)
      .map(({ name }) => name)
      .sort()
      .join();
  const left = (...drained: readonly string[]) =>
    mirrorOf((etcd) => {
      for (const node of ["nas", "pi", "nuc"]) {
        const goes = node === "nuc" ? ({ goes: "away" } as const) : {};
        put(etcd, keys.node(node), { ...nodeRecord(node, `boot-${node}`), ...goes });
        apply(etcd, "Membership", node, { role: "auto", schedulable: true, ...(drained.includes(node) && { drain: true }) });
      }
    });
  const mirror = await left("nas");
  assert.deepEqual([names("pi", mirror), names("nas", mirror), names("nuc", mirror)], ["pi", "pi", "pi"]);
  const all = await left("nas", "pi");
  assert.equal(names("nas", all), "nas,nuc,pi", "where all are left, all are named");
  const removed = await mirrorOf((etcd) => {
    for (const node of ["nas", "pi"]) put(etcd, keys.node(node), nodeRecord(node, `boot-${node}`));
    apply(etcd, "Membership", "pi", { role: "auto", schedulable: true });
  });
  assert.equal(names("pi", removed), "pi", "nas is being removed");
});

test("holdsHttp() asks for port 80", () => {
  assert.ok(holdsHttp([{ protocol: "http", port: 80 }]));
  assert.ok(
    !holdsHttp([
      { protocol: "http", port: 8080 },
      { protocol: "tcp", port: 80 },
    ]),
  );
  assert.ok(!holdsHttp(undefined));
});

test("a name without pages leads to the nodes whose raw ports nobody else has, one with pages to those with port 80", async () => {
  const { port: _, ...silent } = spec;
  const listen = [{ port: 1883, protocol: "tcp", container: "app", targetPort: 1883 }] as const;
  const held = async (service: ServiceSpec, busy: readonly string[]): Promise<string> => {
    const mirror = await mirrorOf((etcd) => {
      put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
      put(etcd, keys.node("pi"), { ...nodeRecord("pi", "boot-pi"), ports: { http: 8080 } });
      apply(etcd, "Service", "app", service);
      const conditions = [{ type: "PortsHeld", status: "False", reason: "PortBusy", message: "" }];
      for (const node of busy) put(etcd, keys.observed("Route", "app-1883-tcp", node), { bootId: `boot-${node}`, conditions });
    });
    const record = mirror.desired("DnsRecord", "app");
    assert.ok(record);
    return rowsOf(record.spec, "home.internal", { nodes: withRawPorts(nodeFacts(mirror), record, mirror), hosts: [] })
      .houseNames.flatMap(({ nodes }) => nodes)
      .join();
  };
  assert.equal(await held({ ...silent, listen }, []), "nas,pi");
  assert.equal(await held({ ...silent, listen }, ["nas"]), "pi");
  assert.equal(await held({ ...silent, listen }, ["nas", "pi"]), "nas,pi", "where it is held nowhere, all are named");
  assert.equal(await held({ ...spec, listen }, ["nas"]), "nas");
});
