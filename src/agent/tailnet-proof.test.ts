import assert from "node:assert/strict";
import { test } from "node:test";
import type { TailnetDevice, TailnetState, TailnetWho } from "../trust/tailnet.ts";
import { proveAnswerer, proveAsker, type TailnetProofPorts } from "./tailnet-proof.ts";

const self: TailnetDevice = {
  id: "n1",
  name: "nas.tail.lab",
  os: "linux",
  userId: "41",
  tags: [],
  addresses: ["100.64.0.1"],
  online: true,
  expired: false,
  shared: false,
};
const attic: TailnetWho = {
  id: "n2",
  name: "attic.tail.lab",
  os: "linux",
  userId: "41",
  login: "alice@lab.test",
  tags: [],
  addresses: ["100.64.0.2", "fd7a::2"],
  expired: false,
  capabilities: {},
};
const options = { settings: { tags: [] }, signal: AbortSignal.timeout(60_000) };
const peer = { address: "100.64.0.2", nodeId: "atticatticattica" };

function portsOf(
  answers: Readonly<Record<string, string>>,
  who: TailnetWho | undefined = attic,
): TailnetProofPorts & { readonly called: string[] } {
  const called: string[] = [];
  const state: TailnetState = { kind: "running", self, peers: [], userspace: false };
  return {
    called,
    tailnet: { status: async () => state, whois: async (address) => (address === peer.address ? who : undefined) },
    callBack: async (address) => {
      called.push(address);
      const nodeId = answers[address];
      if (nodeId === undefined) throw new Error(`Cannot reach ${address}`);
      return nodeId;
    },
  };
}

test("a device of the same person whose own agent asked is trusted", async () => {
  assert.deepEqual(await proveAsker(peer, portsOf({ "100.64.0.2": peer.nodeId }), options), {
    trust: "trusted",
    because: "both belong to alice@lab.test",
  });
});

test("a program that is not the agent of its device is refused", async () => {
  assert.deepEqual(await proveAsker(peer, portsOf({ "100.64.0.2": "anotheranotheran" }), options), {
    trust: "refused",
    because: "another program than the agent of attic.tail.lab asked",
  });
});

test("the call goes to the addresses that WhoIs names, and a device that does not answer there is refused", async () => {
  const ports = portsOf({ "fd7a::2": peer.nodeId });
  assert.equal((await proveAsker(peer, ports, options)).trust, "trusted");
  assert.deepEqual(ports.called, ["100.64.0.2", "fd7a::2"]);
  const silent = await proveAsker(peer, portsOf({}), options);
  assert.equal(silent.trust, "refused");
  assert.match(silent.because, /attic.tail.lab cannot be called back: Cannot reach 100.64.0.2/);
});

test("who is not trusted anyway is not called at all", async () => {
  const ports = portsOf({ "100.64.0.2": peer.nodeId }, { ...attic, userId: "42", login: "bob@lab.test" });
  assert.equal((await proveAsker(peer, ports, options)).trust, "refused");
  assert.equal((await proveAsker({ ...peer, address: "192.168.1.7" }, ports, options)).trust, "needs approval");
  const mac = portsOf({ "100.64.0.2": peer.nodeId }, { ...attic, os: "macOS" });
  assert.equal((await proveAsker(peer, mac, options)).trust, "needs approval");
  assert.deepEqual([...ports.called, ...mac.called], []);
});

test("whoever was asked is judged by the address that was called", async () => {
  assert.equal((await proveAnswerer("100.64.0.2", portsOf({}), options)).trust, "trusted");
  assert.equal((await proveAnswerer("100.64.0.9", portsOf({}), options)).trust, "needs approval");
  const unknown = {
    tailnet: { status: async (): Promise<TailnetState> => ({ kind: "unknown", state: "NoState" }), whois: async () => attic },
  };
  assert.equal((await proveAnswerer("100.64.0.2", unknown, options)).trust, "refused");
});
