import assert from "node:assert/strict";
import { test } from "node:test";
import type { LabHost } from "./lab.ts";
import { houseState } from "./lab-suite.ts";

const host = (name: string, state: LabHost["state"]): LabHost => ({
  name,
  state,
  ip: "",
  docker: "",
  dir: "",
  root: "",
  pid: 1,
  netns: "",
  cgroup: "",
  services: {},
});
const log = Array.from({ length: 90 }, (_, index) => `line ${index}`).join("\n");

function lab(hosts: readonly LabHost[], said = "nas  True"): Parameters<typeof houseState>[0] {
  return {
    hosts: () => Promise.resolve(hosts),
    tryExec: (name, ...command) =>
      Promise.resolve({ code: 1, stdout: `${said}\n`, stderr: `${name} did ${command.slice(-2).join(" ")}\n` }),
    logs: () => Promise.resolve(`${log}\n`),
  };
}

test("of each living host it says status, nodes and services, and the end of its log", async () => {
  const lines = (await houseState(lab([host("h1", "up"), host("h2", "off")]))).split("\n");
  assert.deepEqual(lines.slice(0, 6), [
    "--- h1: fossora status (exit 1)",
    "nas  True",
    "h1 did fossora status",
    "--- h1: fossora get nodes,svc (exit 1)",
    "nas  True",
    "h1 did get nodes,svc",
  ]);
  assert.deepEqual(lines.slice(6, 8), ["--- h1: the end of its log", "line 30"]);
  assert.deepEqual(lines.slice(-2), ["line 89", "--- h2 is off"]);
});

test("of many hosts it says no more than can be read", async () => {
  const hosts = Array.from({ length: 10 }, (_, index) => host(`h${index + 1}`, "up"));
  const lines = (await houseState(lab(hosts, "many\n".repeat(100)))).split("\n");
  assert.ok(lines.length <= 300, String(lines.length));
  assert.ok(hosts.every(({ name }) => lines.includes(`--- ${name}: fossora status (exit 1)`)));
});
