import assert from "node:assert/strict";
import { test } from "node:test";
import { mdnsStatus } from "./mdns-status.ts";

const wish = { address: "192.168.1.10", hosts: ["a", "b"] };

test("a name that somebody else has is told with whom; one that another node announces is no problem", () => {
  const names = [
    { host: "a", state: "owned" },
    { host: "b", state: "yielded", holder: { address: "192.168.1.9", member: false } },
    { host: "c", state: "yielded", holder: { address: "192.168.1.2", member: true } },
  ] as const;
  assert.deepEqual(mdnsStatus([{ wish, names }]).localNames, [
    { host: "a", address: "192.168.1.10", state: "announced" },
    {
      host: "b",
      address: "192.168.1.10",
      state: "silent",
      problem: "192.168.1.9 has that name already: give that device or the Route another one",
    },
    { host: "c", address: "192.168.1.10", state: "silent" },
  ]);
});

test("where the port cannot be had, every name has that problem", () => {
  assert.deepEqual(
    mdnsStatus([{ wish, names: [], problem: "busy" }]).localNames.map(({ host, problem }) => [host, problem]),
    [
      ["a", "busy"],
      ["b", "busy"],
    ],
  );
});

test("where the port is had names can be announced, whoever does so", () => {
  const silent = { wish: { address: "10.0.0.10", hosts: [] }, names: [] };
  assert.deepEqual(mdnsStatus([{ wish, names: [], problem: "busy" }, silent]), {
    localNames: ["a", "b"].map((host) => ({ host, address: "192.168.1.10", state: "silent", problem: "busy" })),
    announces: ["10.0.0.10"],
  });
  assert.deepEqual(mdnsStatus([]).announces, []);
});
