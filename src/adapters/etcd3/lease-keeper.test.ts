import assert from "node:assert/strict";
import test from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { silentLog } from "../../../test/support/real.ts";
import { FENCE_AFTER_MS, LEASE_TTL_MS as ttlMs } from "../../api/fence-times.ts";
import { callLimitMs, LeaseKeeper, type Grant, type LeaseCalls } from "./lease-keeper.ts";

/** Over a tailnet a member waits so long for the leader that is gone, at most, before it stands for election. */
const ELECTION_MAX_MS = 10_000;

/** A store of one lease at a time, that fails and forgets when told. */
class ScriptedLease implements LeaseCalls {
  readonly calls: string[] = [];
  readonly keys = new Map<string, string>();
  failing = false;
  /** It does what it is told, and nobody hears so. */
  losesAnswers = false;
  answerMs = 0;
  /** Whatever is asked now is never answered. */
  isStuck = false;
  #clock: VirtualClock;
  #grants = 0;
  #revision = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  forget(): void {
    this.#grants++;
    this.keys.clear();
  }

  grant(): Promise<Grant> {
    return this.#answer("grant", () => ({ id: `${++this.#grants}`, clusterId: "c" }));
  }

  keepAlive({ id }: Grant): Promise<boolean> {
    return this.#answer("keepAlive", () => id === `${this.#grants}`);
  }

  put({ id }: Grant, key: string, value: string): Promise<number | undefined> {
    return this.#answer(`put ${key}=${value}`, () => {
      if (id !== `${this.#grants}`) return undefined;
      this.keys.set(key, value);
      return ++this.#revision;
    });
  }

  delete(_lease: Grant, key: string): Promise<void> {
    return this.#answer(`delete ${key}`, () => void this.keys.delete(key));
  }

  revoke(): Promise<void> {
    return this.#answer("revoke", () => this.forget());
  }

  close(): void {
    this.calls.push("close");
  }

  async #answer<T>(call: string, effect: () => T): Promise<T> {
    this.calls.push(`${this.#clock.now() / 1000} ${call}`);
    if (this.isStuck) {
      await this.#clock.sleep(callLimitMs(ttlMs), new AbortController().signal);
      throw new Error("no answer in time");
    }
    if (this.answerMs > 0) await this.#clock.sleep(this.answerMs, new AbortController().signal);
    if (this.failing) throw new Error("no answer");
    const answer = effect();
    if (this.losesAnswers) throw new Error("no answer");
    return answer;
  }
}

function kept(): { clock: VirtualClock; store: ScriptedLease; lease: LeaseKeeper } {
  const clock = new VirtualClock();
  const store = new ScriptedLease(clock);
  return { clock, store, lease: new LeaseKeeper(ttlMs, store, { clock, log: silentLog }) };
}

test("a lease is granted at once and renewed each sixteenth of its time; a key is written once", async () => {
  const { clock, store, lease } = kept();
  lease.put("/a", "1");
  await clock.advance(3_000);
  assert.deepEqual(store.calls, ["0 grant", "0 put /a=1", "1.25 keepAlive", "2.5 keepAlive"]);
  await lease.close();
});

test("a renewal without an answer is tried again each sixteenth, and does not count", async () => {
  const { clock, store, lease } = kept();
  await clock.advance(1_250);
  store.failing = true;
  await clock.advance(1_000);
  assert.equal(lease.renewedAtMs(), 1_250);
  assert.deepEqual(store.calls.slice(2), []);
  await clock.advance(4_000);
  assert.deepEqual(store.calls.slice(2), ["2.5 keepAlive", "3.75 keepAlive", "5 keepAlive", "6.25 keepAlive"]);
  assert.equal(lease.renewedAtMs(), 1_250);
  store.failing = false;
  await clock.advance(1_250);
  assert.equal(lease.renewedAtMs(), 7_500);
  await lease.close();
});

test("the election of another leader is over before the fence closes, whenever it begins and however long each call is stuck", async () => {
  for (let phaseMs = 0; phaseMs < 5_000; phaseMs += 130) {
    const { clock, store, lease } = kept();
    await clock.advance(10_000 + phaseMs);
    store.isStuck = true;
    await clock.advance(ELECTION_MAX_MS);
    store.isStuck = false;
    const electedMs = clock.now();
    let oldestMs = 0;
    while ((lease.renewedAtMs() ?? 0) < electedMs) {
      oldestMs = Math.max(oldestMs, clock.now() - (lease.renewedAtMs() ?? 0));
      await clock.advance(50);
    }
    assert.ok(oldestMs < FENCE_AFTER_MS, `begun ${phaseMs} ms later: the last renewal was ${oldestMs} ms old`);
    await lease.close();
  }
});

test("a renewal counts from when it was sent", async () => {
  const { clock, store, lease } = kept();
  await clock.advance(1_000);
  store.answerMs = 1_000;
  await clock.advance(1_400);
  assert.equal(lease.renewedAtMs(), 1_250);
  store.answerMs = 0;
  await lease.close();
});

test("a lost lease is granted anew and every key is written anew, with its latest value", async () => {
  const { clock, store, lease } = kept();
  lease.put("/a", "1");
  lease.put("/b", "1");
  await clock.advance(1_000);
  lease.put("/b", "2");
  await clock.advance(1_000);
  store.forget();
  assert.equal(lease.losses(), 0);
  await clock.advance(4_000);
  assert.deepEqual(Object.fromEntries(store.keys), { "/a": "1", "/b": "2" });
  await lease.close();
});

test("only a lease that the store knows no more counts as lost: not one that was not answered, nor one that is given back", async () => {
  const { clock, store, lease } = kept();
  await clock.advance(1_000);
  store.failing = true;
  await clock.advance(40_000);
  store.failing = false;
  await clock.advance(5_000);
  assert.equal(lease.losses(), 0);
  store.forget();
  await clock.advance(5_000);
  assert.equal(lease.losses(), 1);
  store.forget();
  lease.put("/a", "1");
  await clock.advance(2_000);
  assert.equal(lease.losses(), 2);
  await lease.close();
  assert.equal(lease.losses(), 2);
});

test("what is put while the store is away is written when it is back; what was deleted meanwhile is not", async () => {
  const { clock, store, lease } = kept();
  store.failing = true;
  lease.put("/a", "1");
  lease.put("/b", "1");
  await clock.advance(10_000);
  lease.delete("/b");
  store.failing = false;
  await clock.advance(2_000);
  assert.deepEqual(Object.fromEntries(store.keys), { "/a": "1" });
  lease.delete("/a");
  await clock.settle();
  assert.equal(store.keys.size, 0);
  await lease.close();
});

test("what may have been written or deleted, for nobody answered, is written again when it is wanted as it was before", async () => {
  for (const change of [(lease: LeaseKeeper) => lease.put("/a", "2"), (lease: LeaseKeeper) => lease.delete("/a")]) {
    const { clock, store, lease } = kept();
    lease.put("/a", "1");
    await clock.advance(1_000);
    store.losesAnswers = true;
    change(lease);
    await clock.advance(10);
    assert.notEqual(store.keys.get("/a"), "1");
    lease.put("/a", "1");
    store.losesAnswers = false;
    await clock.advance(5_000);
    assert.equal(store.keys.get("/a"), "1");
    await lease.close();
  }
});

test("a store that is away is not asked more often because keys change", async () => {
  const { clock, store, lease } = kept();
  store.failing = true;
  await clock.settle();
  for (let second = 0; second < 10; second++) {
    lease.put("/a", `${second}`);
    await clock.advance(1_000);
  }
  assert.ok(store.calls.length <= 10, `${store.calls.length} calls in 10 s`);
  store.failing = false;
  await lease.close();
});

test("close revokes, abandon leaves the lease to run out, and both end what renewals keep open", async () => {
  const closed = kept();
  await closed.clock.settle();
  await closed.lease.close();
  assert.deepEqual(closed.store.calls, ["0 grant", "close", "0 revoke"]);
  const abandoned = kept();
  await abandoned.clock.settle();
  await abandoned.lease.abandon();
  assert.deepEqual(abandoned.store.calls, ["0 grant", "close"]);
});
