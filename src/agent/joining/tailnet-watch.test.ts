import assert from "node:assert/strict";
import { test } from "node:test";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import type { TailnetDevice, TailnetState } from "../../trust/tailnet.ts";
import { TailnetWatch } from "./tailnet-watch.ts";

const device = (id: string, more: Partial<TailnetDevice> = {}): TailnetDevice => ({
  id,
  name: `${id}.tail.lab`,
  os: "linux",
  userId: "41",
  tags: [],
  addresses: [`100.64.0.${id.slice(1)}`, `fd7a::${id.slice(1)}`],
  online: true,
  expired: false,
  shared: false,
  ...more,
});
const running = (peers: readonly TailnetDevice[], userspace = false): TailnetState => ({
  kind: "running",
  self: device("n1"),
  peers,
  userspace,
});

/** One that looks whenever it is told another state. */
function watchOf(settings: { tags: readonly string[] } = { tags: [] }): {
  watch: TailnetWatch;
  readonly becomes: (state: TailnetState) => Promise<void>;
} {
  let state: TailnetState | undefined;
  let asked = 0;
  let wake = Promise.withResolvers<void>();
  const watch = new TailnetWatch({
    tailnet: {
      status: async () => {
        asked += 1;
        return state ?? { kind: "absent" };
      },
      async *looks(_clock, signal) {
        while (!signal.aborted) {
          await wake.promise;
          wake = Promise.withResolvers<void>();
          yield;
        }
      },
    },
    settings: () => settings,
    clock: realClock,
    log: silentLog,
  });
  void watch.run(new AbortController().signal);
  return {
    watch,
    becomes: async (next) => {
      state = next;
      const before = asked;
      wake.resolve();
      await until("it looks", () => asked > before && watch.state === next);
    },
  };
}

test("a tailnet that has not been asked yet, or is not running, is waited for; one that is not there is not", async () => {
  const { watch, becomes } = watchOf();
  assert.deepEqual(watch.found(), { candidates: [], tailnet: "starting" });
  await becomes({ kind: "unknown", state: "NoState" });
  assert.deepEqual(watch.found(), { candidates: [], tailnet: "starting" });
  await becomes({ kind: "absent" });
  assert.deepEqual(watch.found(), { candidates: [], tailnet: "absent" });
});

test("devices of the same person that are online are asked, at one address each; they come and go", async () => {
  const { watch, becomes } = watchOf();
  await becomes(running([device("n2"), device("n3", { userId: "42" }), device("n4", { online: false })]));
  assert.deepEqual(watch.found(), { candidates: ["100.64.0.2"], tailnet: "running" });
  await becomes(running([device("n4"), device("n5", { addresses: ["fd7a::5"] })]));
  assert.deepEqual(watch.found().candidates, ["100.64.0.4", "fd7a::5"]);
});

test("tags that the house names count at once", async () => {
  const settings = { tags: ["tag:nas"] };
  const { watch, becomes } = watchOf(settings);
  await becomes(running([device("n2", { tags: ["tag:nas"], userId: "0" })]));
  assert.deepEqual(watch.found().candidates, ["100.64.0.2"]);
  settings.tags = [];
  assert.deepEqual(watch.found().candidates, []);
});

test("a tailnet in userspace mode leads nowhere and is not waited for", async () => {
  const { watch, becomes } = watchOf();
  await becomes(running([device("n2")], true));
  assert.deepEqual(watch.found(), { candidates: [], tailnet: "absent" });
});
