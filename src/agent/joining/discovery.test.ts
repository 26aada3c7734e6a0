import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { Discovery } from "./discovery.ts";

const looks = async function* (): AsyncGenerator<void> {
  yield;
};

function discoveryOf(
  t: TestContext,
  address: string,
  nodeId: string,
  mdns: boolean,
): { readonly discovery: Discovery; readonly port: number } {
  const port = 50_000 + (process.pid % 5_000) + Number(address.split(".")[3]);
  const discovery = new Discovery({
    nodeId,
    port,
    links: () => [{ address, network: "127.0.0.0/8" }],
    mdns,
    tailnet: { status: async () => ({ kind: "absent" }), looks },
    settings: () => ({ tags: [] }),
    clock: realClock,
    log: silentLog,
  });
  const abort = new AbortController();
  const running = discovery.run(abort.signal);
  t.after(async () => {
    abort.abort();
    await running;
  });
  return { discovery, port };
}

test("without a tailnet the LAN is enough, and who must not speak on it is not found", async (t) => {
  const one = discoveryOf(t, "127.0.79.1", "discoverytestaxx", true);
  const other = discoveryOf(t, "127.0.79.2", "discoverytestbxx", true);
  const silent = discoveryOf(t, "127.0.79.3", "discoverytestcxx", false);
  await until("it is found", () => one.discovery.found().candidates.includes(`127.0.79.2:${other.port}`));
  await until("the tailnet was asked", () => silent.discovery.tailnet.kind === "absent");
  assert.ok(!one.discovery.found().candidates.includes(`127.0.79.3:${silent.port}`));
  assert.deepEqual(silent.discovery.found(), { candidates: [], online: [], tailnet: "absent" });
});
