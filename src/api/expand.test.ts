import assert from "node:assert/strict";
import { test } from "node:test";
import { complete, hoistContainer, type Report } from "./expand.ts";
import type { Container } from "./types.ts";
import { plainValue, type YamlMapping } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";

function mapping(text: string): YamlMapping {
  const [node] = readYaml(text).documents;
  assert.ok(node?.kind === "mapping");
  return node;
}

test("a container's fields beside port become the one container, with the Service's name", () => {
  const { spec, single, misplaced } = hoistContainer(mapping("{ image: a:1, port: 80, env: { A: b } }"), "app");
  assert.deepEqual(plainValue(spec), { port: 80, containers: [{ name: "app", image: "a:1", env: { A: "b" } }] });
  assert.deepEqual([single, misplaced], [true, []]);
});

test("beside containers they belong to nobody", () => {
  const { spec, single, misplaced } = hoistContainer(mapping("{ image: a:1, containers: [] }"), "app");
  assert.deepEqual([plainValue(spec), single, misplaced.map(({ field }) => field)], [{ containers: [] }, false, ["image"]]);
});

test("containers with nothing behind it count as absent", () => {
  assert.deepEqual(plainValue(hoistContainer(mapping("{ containers: , image: a:1 }"), "App").spec), {
    containers: [{ name: "app", image: "a:1" }],
  });
});

function reports(): { readonly report: Report; readonly said: string[] } {
  const said: string[] = [];
  return { report: (field, message) => said.push(`${field}: ${message}`), said };
}

const container = (name: string): Container => ({
  name,
  image: "a:1",
  pull: "missing",
  run: "always",
  privileged: false,
  init: false,
  tty: false,
  readOnly: false,
  stopGrace: "10s",
  restart: "on-failure",
  network: "default",
});
const rest = { replicas: 1, update: { parallel: 1, monitor: "10s", onFailure: "pause" }, failover: "never" } as const;

test("of one container, ports need not say whose they are", () => {
  const { report, said } = reports();
  const spec = complete.Service(
    { ...rest, containers: [container("a")], port: { port: 80 }, routes: [{ path: "/" }], listen: [{ port: 1, protocol: "tcp" }] },
    "app",
    report,
  );
  assert.deepEqual(said, []);
  assert.deepEqual(spec?.port, { container: "a", port: 80 });
  assert.deepEqual(spec?.routes, [{ path: "/", host: "app", port: { container: "a", port: 80 } }]);
  assert.deepEqual(spec?.listen, [{ port: 1, protocol: "tcp", container: "a", targetPort: 1 }]);
});

test("of several, they must", () => {
  const { report, said } = reports();
  const written = {
    ...rest,
    containers: [container("a"), container("b")],
    port: { port: 80 },
    routes: [{ path: "/" }],
    listen: [{ port: 1, protocol: "tcp" as const }],
  };
  assert.equal(complete.Service(written, "app", report), undefined);
  assert.deepEqual(said, [
    "spec.port: must say which container it is of: try 'web:80'",
    "spec.routes[0].port: must say which port it leads to, here or in 'spec.port'",
    "spec.listen[0]: must say which container it is of: try '1:web:1'",
  ]);
});

test("a Route leads somewhere, or sends on", () => {
  const { report, said } = reports();
  assert.equal(complete.Route({ path: "/", host: "x" }, "x", report), undefined);
  assert.deepEqual(said, ["spec.to: must have 'to', where it leads: try 'to: service/NAME'"]);
  assert.deepEqual(complete.Route({ path: "/", host: "x", redirect: { to: "https://y/", status: 302 } }, "x", report)?.to, {
    url: "https://y/",
  });
});

test("a DnsRecord without a name of its own has the object's", () => {
  assert.equal(complete.DnsRecord({ type: "A", ttl: "5m" }, "printer", reports().report)?.name, "printer");
});
