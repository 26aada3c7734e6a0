import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import type { IngressSettings, IngressStatus } from "../api/table.ts";
import { IngressSettingsKeeper } from "./ingress-settings.ts";
import type { IngressTrust } from "./ingress-trust.ts";
import { resolveSettings } from "./settings.ts";
import type { NodeOptions } from "../cli/node-commands.ts";

/** What the ingress is told first on a machine with these addresses. */
async function toldFirst(options: NodeOptions, lan: readonly string[]): Promise<IngressSettings | undefined> {
  return (await told(options, lan, () => undefined))[0];
}

async function told(
  options: NodeOptions,
  lan: readonly string[],
  trust: () => IngressTrust | undefined,
  meanwhile: (keeper: IngressSettingsKeeper) => void = () => undefined,
  bridge: { readonly docker: "answers" | "silent"; readonly isThere: boolean } = { docker: "answers", isThere: true },
  dns: { readonly servers: readonly string[]; readonly listeners: IngressStatus["listeners"] } = { servers: [], listeners: [] },
): Promise<readonly IngressSettings[]> {
  const heard: IngressSettings[] = [];
  const stop = new AbortController();
  const clock = new VirtualClock();
  const keeper = new IngressSettingsKeeper({
    settings: resolveSettings(options, {}),
    trust,
    addresses: { gateway: "10.200.0.1", shared: { name: "fossora", subnet: "10.200.0.0/20" } },
    containers: { ensureNetwork: async () => (bridge.docker === "silent" ? Promise.reject(new Error("no answer")) : undefined) },
    isOwnAddress: async (address: string) => bridge.isThere && address === "10.200.0.1",
    system: { describe: async () => ({ addresses: { lan, tailnet: ["100.64.0.1"] } }), resolvers: () => dns.servers },
    keeper: { setSettings: async (settings: IngressSettings) => void heard.push(settings), listeners: dns.listeners },
    clock,
    log: silentLog,
  } as never); // all that it asks of them
  const running = keeper.run(stop.signal);
  await clock.advance(1);
  meanwhile(keeper);
  await clock.advance(1);
  stop.abort();
  await clock.advance(1);
  await running;
  return heard;
}

test("names are announced at this machine's addresses on the LAN, where the proxy answers, and nowhere if that is switched off", async () => {
  const lan = ["192.168.1.10", "10.0.0.10"];
  assert.deepEqual((await toldFirst({}, lan))?.mdns, { addresses: lan });
  assert.deepEqual((await toldFirst({ httpListen: "10.0.0.10:80" }, lan))?.mdns, { addresses: ["10.0.0.10"] });
  assert.deepEqual((await toldFirst({ httpListen: "127.0.0.1:8080" }, lan))?.mdns, { addresses: [] });
  assert.equal((await toldFirst({ mdns: "off" }, lan))?.mdns, undefined);
});

test("names are answered on the LAN, in the tailnet, to the apps and to the machine itself, never at a public address", async () => {
  const told = await toldFirst({}, ["192.168.1.10", "203.0.113.9", "fd00::10", "2001:db8::10"]);
  assert.deepEqual(told?.dns.addresses, ["127.0.0.1", "10.200.0.1", "192.168.1.10", "fd00::10", "100.64.0.1"]);
  const mdns = ["192.168.1.10", "fd00::10", "2001:db8::10"];
  assert.deepEqual(told?.mdns?.addresses, mdns, "a provider's IPv6 is on the LAN as well");
  assert.deepEqual((await toldFirst({ httpListen: "0.0.0.0:80" }, mdns))?.mdns?.addresses, ["192.168.1.10"]);
});

test("other nodes are let in as the house's trust says, and who was removed is turned away at once", async () => {
  let removed: readonly string[] = [];
  const trust = { certificate: "PEM", keyFile: "/key", ca: "PEM" };
  const all = await told(
    {},
    [],
    () => ({ ...trust, removed }),
    (keeper) => {
      removed = ["id-pi"];
      keeper.changed();
    },
  );
  assert.deepEqual(
    all.map(({ mesh }) => mesh),
    [[], ["id-pi"]].map((each) => ({ addresses: ["::"], ports: [734], ...trust, removed: each })),
  );
  assert.deepEqual((await told({ meshPort: 7000 }, [], () => ({ ...trust, removed })))[0]?.mesh?.ports, [7001]);
  assert.equal((await toldFirst({}, []))?.mesh, undefined);
});

test("apps keep their DNS and are known as apps when the agent starts while Docker is silent", async () => {
  const toldWhile = async (isThere: boolean): Promise<IngressSettings | undefined> =>
    (await told({}, [], () => undefined, undefined, { docker: "silent", isThere }))[0];
  const containers = { gateway: "10.200.0.1", subnets: ["10.200.0.0/16"], upstreams: [] };
  const kept = await toldWhile(true);
  assert.deepEqual([kept?.dns.addresses, kept?.containers], [["127.0.0.1", "10.200.0.1", "100.64.0.1"], containers]);
  const never = await toldWhile(false);
  assert.deepEqual([never?.dns.addresses, never?.containers], [["127.0.0.1", "100.64.0.1"], containers], "there is no bridge yet");
});

test("for apps those are asked who are the host's name servers, on its loopback too, unless it is the house that listens there", async () => {
  const asked = async (servers: readonly string[], held: readonly string[], port = 53): Promise<readonly string[] | undefined> => {
    const listeners = held.map((address) => ({ protocol: "dns" as const, address, port }));
    const [first] = await told({}, ["192.168.1.10"], () => undefined, undefined, undefined, { servers, listeners });
    return first?.containers?.upstreams;
  };
  assert.deepEqual(await asked(["127.0.0.1"], ["192.168.1.10"]), ["127.0.0.1"], "unbound has it there");
  assert.deepEqual(await asked(["127.0.0.1"], ["127.0.0.1", "192.168.1.10"]), []);
  assert.deepEqual(await asked(["192.168.1.10"], ["192.168.1.10"], 5354), ["192.168.1.10"], "Pi-hole has it there");
  const [own, ...others] = ["192.168.1.10", "192.168.1.1", "9.9.9.9", "fd00::1"];
  assert.deepEqual(await asked([own, ...others], [own]), others, "what is the house's own takes nobody's place");
});
