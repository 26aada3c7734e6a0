import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { SeededRandom, VirtualClock } from "../../../test/fakes/clock.ts";
import { Refusal } from "../../api/errors.ts";
import type { NetworkSpec } from "../../container-ports.ts";
import type { Addresses } from "../../ports.ts";
import { type AddressesOptions, openAddresses } from "./addresses.ts";
import { parseSubnet, type Subnet } from "./subnets.ts";

const folder = mkdtempSync(path.join(tmpdir(), "fossora-addresses-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;

function options(over: Partial<AddressesOptions> = {}): AddressesOptions & { readonly clock: VirtualClock } {
  return {
    file: path.join(folder, `${files++}.json`),
    random: new SeededRandom(1),
    used: async () => [],
    ...over,
    clock: new VirtualClock(),
  };
}

const subnets = (...texts: readonly string[]): readonly Subnet[] => texts.map((text) => parseSubnet(text) ?? assert.fail(text));

async function takeAll(addresses: Addresses, network: NetworkSpec, keys: readonly string[]): Promise<readonly string[]> {
  return Promise.all(keys.map((key) => addresses.take(network, key)));
}

test("the node's /16 avoids every route that the machine has, and stays for ever", async () => {
  const used = subnets("10.128.0.0/10", "10.192.0.0/11", "10.224.0.0/12", "172.16.0.0/12");
  const first = await openAddresses({ ...options({ used: async () => used }), file: path.join(folder, "stays.json") });
  assert.match(first.shared.subnet, /^10\.2(4\d|5[0-4])\.0\.0\/20$/);
  const again = await openAddresses({ ...options({ used: () => assert.fail("asked once only") }), file: path.join(folder, "stays.json") });
  assert.deepEqual(again.shared, first.shared);
});

test("a machine whose routes cover everything is told so", async () => {
  await assert.rejects(
    openAddresses(options({ used: async () => subnets("10.0.0.0/8", "172.16.0.0/12") })),
    (error) => error instanceof Refusal && error.reason === "NoFreeSubnet",
  );
});

test("the shared bridge lets no container reach another, and its gateway is its first address", async () => {
  const { shared, gateway } = await openAddresses(options());
  assert.equal(shared.icc, false);
  assert.equal(shared.gateway, gateway);
  assert(gateway.endsWith(".0.1"));
});

test("a key finds its address again, and no two keys have the same", async () => {
  const addresses = await openAddresses(options());
  const keys = Array.from({ length: 300 }, (_, index) => `app-${index}`);
  const taken = await takeAll(addresses, addresses.shared, keys);
  assert.equal(new Set(taken).size, keys.length);
  assert.deepEqual(await takeAll(addresses, addresses.shared, keys), taken);
});

test("what was taken survives a restart of the agent", async () => {
  const shared = options();
  const addresses = await openAddresses(shared);
  const address = await addresses.take(addresses.shared, "jellyfin");
  const network = await addresses.privateNetwork("paperless-k3f9");
  const again = await openAddresses(shared);
  assert.equal(await again.take(again.shared, "jellyfin"), address);
  assert.deepEqual(await again.privateNetwork("paperless-k3f9"), network);
  assert.notEqual(await again.take(again.shared, "vaultwarden"), address);
});

test("an address is not given again for ten minutes, also across a restart", async () => {
  const kept = options();
  const addresses = await openAddresses(kept);
  const address = await addresses.take(addresses.shared, "jellyfin");
  await addresses.release("jellyfin");
  await kept.clock.advance(5 * 60_000);
  const restarted = await openAddresses(kept);
  assert.notEqual(await restarted.take(restarted.shared, "a"), address);
  await kept.clock.advance(9 * 60_000);
  assert.notEqual(await restarted.take(restarted.shared, "b"), address);
  await kept.clock.advance(2 * 60_000);
  assert.equal(await restarted.take(restarted.shared, "c"), address);
});

test("a private network has 13 addresses; when all rest, the one that rested longest is given", async () => {
  const kept = options();
  const addresses = await openAddresses(kept);
  const network = await addresses.privateNetwork("paperless-k3f9");
  assert.equal(network.icc, true);
  const keys = Array.from({ length: 13 }, (_, index) => `c-${index}`);
  const taken = await takeAll(addresses, network, keys);
  await assert.rejects(addresses.take(network, "one too many"), /no free one/);
  await addresses.release("c-7");
  await kept.clock.advance(1000);
  await addresses.release("c-3");
  assert.equal(await addresses.take(network, "next"), taken[7]);
});

test("private networks never overlap, and a released one rests too", async () => {
  const kept = options();
  const addresses = await openAddresses(kept);
  const [one, other] = [await addresses.privateNetwork("a"), await addresses.privateNetwork("b")];
  assert.notEqual(one.subnet, other.subnet);
  await addresses.releaseNetwork("a");
  assert.notEqual((await addresses.privateNetwork("c")).subnet, one.subnet);
  await kept.clock.advance(11 * 60_000);
  assert.equal((await addresses.privateNetwork("d")).subnet, one.subnet);
});

test("a container that changes its network gets another address", async () => {
  const addresses = await openAddresses(options());
  const shared = await addresses.take(addresses.shared, "web");
  const own = await addresses.take(await addresses.privateNetwork("web-k3f9"), "web");
  assert.notEqual(own, shared);
});

test("the file is whole after each call: what was answered is on disk", async () => {
  const kept = options();
  const addresses = await openAddresses(kept);
  const taken = await takeAll(addresses, addresses.shared, ["a", "b", "c"]);
  const file = JSON.parse(readFileSync(kept.file, "utf8")) as { readonly addresses: Record<string, { readonly address: string }> };
  assert.deepEqual(
    Object.values(file.addresses).map(({ address }) => address),
    taken,
  );
});

test("a damaged file stops the node instead of giving everybody new addresses", async () => {
  const kept = options();
  writeFileSync(kept.file, '{"subnet": "nonsense", "networks": {}, "addresses": {}, "resting": []}');
  await assert.rejects(openAddresses(kept), /no subnet/);
  writeFileSync(kept.file, "{");
  await assert.rejects(openAddresses(kept), SyntaxError);
});
