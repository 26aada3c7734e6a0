import assert from "node:assert/strict";
import { test } from "node:test";
import type { TailnetDevice, TailnetWho } from "../../trust/tailnet.ts";
import { StrangerTrust } from "./stranger-trust.ts";

const signal = AbortSignal.timeout(60_000);
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
const who = (more: Partial<TailnetWho> = {}): TailnetWho => ({
  id: "n2",
  name: "attic.tail.lab",
  os: "linux",
  userId: "41",
  login: "alice@lab.test",
  tags: [],
  addresses: ["100.64.0.2"],
  expired: false,
  capabilities: {},
  ...more,
});
const asker = { address: "100.64.0.2", port: 40_000, nodeId: "atticatticattica" };
const answerer = { ...asker, port: 733 };

function trustOf(options: { readonly who?: TailnetWho | undefined; readonly answersAs?: string | undefined }) {
  const state = { nowMs: 0, called: 0, asked: 0, tags: [] as string[], ...options };
  const trust = new StrangerTrust({
    ports: {
      tailnet: {
        status: async () => ({ kind: "running", self, peers: [], userspace: false }),
        whois: async () => {
          state.asked += 1;
          return state.who;
        },
      },
      callBack: async (address) => {
        state.called += 1;
        if (state.answersAs === undefined) throw new Error(`Cannot reach ${address}`);
        return state.answersAs;
      },
    },
    settings: () => state,
    clock: { now: () => state.nowMs },
  });
  return { trust, state };
}

test("whoever asks is called back, whoever was asked on 733 is not, and each is asked for once a minute", async () => {
  const { trust, state } = trustOf({ who: who(), answersAs: asker.nodeId });
  assert.equal(await trust.of(answerer, "answerer", signal), "trusted");
  assert.equal(state.called, 0);
  assert.deepEqual(await Promise.all([trust.of(asker, "asker", signal), trust.of(asker, "asker", signal)]), ["trusted", "trusted"]);
  assert.equal(await trust.of(asker, "asker", signal), "trusted");
  assert.deepEqual([state.called, state.asked], [1, 2]);
  state.nowMs = 60_000;
  state.who = who({ userId: "42" });
  assert.equal(await trust.of(asker, "asker", signal), "refused");
});

test("what speaks from port 733 is called back, too, as is what answers on another port: only who answers on 733 is root's", async () => {
  const { trust, state } = trustOf({ who: who(), answersAs: "theagentitselfth" });
  assert.equal(await trust.of({ ...asker, port: 733 }, "asker", signal), "refused");
  state.nowMs = 3_000;
  assert.equal(await trust.of({ ...asker, port: 7_330 }, "answerer", signal), "refused");
  assert.equal(state.called, 2);
});

test("a computer on which any program may answer on 733 waits for a person", async () => {
  const { trust, state } = trustOf({ who: who({ os: "macOS" }), answersAs: asker.nodeId });
  assert.deepEqual(
    [await trust.of(asker, "asker", signal), await trust.of(answerer, "answerer", signal)],
    ["needs approval", "needs approval"],
  );
  assert.equal(state.called, 0);
});

test("one that cannot be called back is asked for again soon", async () => {
  const { trust, state } = trustOf({ who: who() });
  assert.equal(await trust.of(asker, "asker", signal), "refused");
  state.answersAs = asker.nodeId;
  assert.equal(await trust.of(asker, "asker", signal), "refused");
  state.nowMs = 3_000;
  assert.equal(await trust.of(asker, "asker", signal), "trusted");
});

test("another key at the same address is another node", async () => {
  const { trust } = trustOf({ who: who(), answersAs: asker.nodeId });
  assert.equal(await trust.of(asker, "asker", signal), "trusted");
  assert.equal(await trust.of({ ...asker, nodeId: "somebodysomebody" }, "asker", signal), "refused");
});

test("whom the tailnet does not know a person may know, and a new tag of the house counts at once", async () => {
  const { trust, state } = trustOf({ answersAs: asker.nodeId });
  assert.equal(await trust.of({ ...asker, address: "192.168.1.7" }, "asker", signal), "needs approval");
  state.who = who({ tags: ["tag:nas"], userId: "0" });
  assert.equal(await trust.of(asker, "asker", signal), "refused");
  state.tags.push("tag:nas");
  assert.equal(await trust.of(asker, "asker", signal), "trusted");
});

test("a flood of strangers is told to wait, and forgotten again", async () => {
  const slow = Promise.withResolvers<undefined>();
  const trust = new StrangerTrust({
    ports: {
      tailnet: { status: async () => ({ kind: "absent" }), whois: () => slow.promise },
      callBack: () => Promise.reject(new Error("nobody is called")),
    },
    settings: () => ({ tags: [] }),
    clock: { now: () => 0 },
  });
  const of = (number: number): Promise<string> => trust.of({ ...asker, address: `10.0.0.${number}` }, "asker", signal);
  const first = Array.from({ length: 32 }, (_, number) => of(number));
  await assert.rejects(of(99), /Too many ask/);
  slow.resolve(undefined);
  assert.deepEqual(new Set(await Promise.all(first)), new Set(["needs approval"]));
  assert.equal(await of(99), "needs approval");
});

test("where the tailnet's program accepts and does not answer in time, a person may know; who ends the agent ends the question", async (t) => {
  const late = new AbortController();
  t.mock.method(AbortSignal, "timeout", () => late.signal);
  const atAbort = (limit: AbortSignal): Promise<never> =>
    new Promise((_, reject) => limit.addEventListener("abort", () => reject(limit.reason as Error), { once: true }));
  const trust = new StrangerTrust({
    ports: {
      tailnet: { status: (limit) => atAbort(limit), whois: (_address, limit) => atAbort(limit) },
      callBack: () => Promise.reject(new Error("nobody is called")),
    },
    settings: () => ({ tags: [] }),
    clock: { now: () => 0 },
  });
  const ended = new AbortController();
  const of = trust.of(asker, "asker", signal);
  const ending = assert.rejects(trust.of(answerer, "answerer", ended.signal), /The agent ends/);
  ended.abort(new Error("The agent ends"));
  await ending;
  late.abort(new Error("late"));
  assert.equal(await of, "needs approval");
});
