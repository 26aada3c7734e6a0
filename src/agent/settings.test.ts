import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeNameOf, resolveSettings } from "./settings.ts";

test("a node is called after the first label of its host name", () => {
  assert.equal(nodeNameOf("NAS.fritz.box"), "nas");
  assert.equal(nodeNameOf("Anna's_PC"), "anna-s-pc");
  assert.equal(nodeNameOf("--x--"), "x");
  assert.throws(() => nodeNameOf("..."), /--node-name/);
});

test("without flags port 80 and 53 come first and others follow", () => {
  const settings = resolveSettings({});
  assert.equal(settings.http.ports[0], 80);
  assert.ok(settings.http.ports.length > 1);
  assert.equal(settings.dnsPorts[0], 53);
  assert.ok(!settings.dnsPorts.includes(5353), "5353 is mDNS's");
});

test("a port that was asked for is the only one tried", () => {
  assert.deepEqual(resolveSettings({ httpListen: "192.168.1.10:8000" }).http, { address: "192.168.1.10", ports: [8000] });
  assert.deepEqual(resolveSettings({ httpListen: "[::1]:8000" }).http, { address: "::1", ports: [8000] });
  assert.throws(() => resolveSettings({ httpListen: "99999" }), /ADDRESS:PORT/);
  assert.throws(() => resolveSettings({ httpListen: "localhost:80" }), /ADDRESS:PORT/);
});

test("a Docker engine elsewhere is refused with the remedy", () => {
  assert.throws(() => resolveSettings({}, { DOCKER_HOST: "tcp://10.0.0.1:2375" }), /--docker-socket/);
  assert.equal(resolveSettings({}, { DOCKER_HOST: "unix:///run/user/1000/docker.sock" }).dockerSocket, "/run/user/1000/docker.sock");
});

test("a tag of the tailnet is written as its policy writes it", () => {
  assert.deepEqual(resolveSettings({}).tailnetTags, []);
  assert.deepEqual(resolveSettings({ tailnetTag: "tag:nas" }).tailnetTags, ["tag:nas"]);
  assert.throws(() => resolveSettings({ tailnetTag: "nas" }), /for example --tailnet-tag tag:nas/);
});

test("names are announced on the LAN unless that is switched off", () => {
  assert.equal(resolveSettings({}).mdns, true);
  assert.equal(resolveSettings({ mdns: "on" }).mdns, true);
  assert.equal(resolveSettings({ mdns: "off" }).mdns, false);
});
