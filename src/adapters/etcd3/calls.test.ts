import assert from "node:assert/strict";
import test from "node:test";
import { silentLog } from "../../../test/support/real.ts";
import { selfSign } from "../x509/certificates.ts";
import { createKey } from "../x509/read.ts";
import { StoreFull, StoreUnavailable } from "../../api/errors.ts";
import type { Clock, Log } from "../../ports.ts";
import { Calls } from "./calls.ts";
import { Hosts } from "./hosts.ts";

/** Each sleep takes as long as it is told, or as long as the computer stands still meanwhile. */
class SteppedClock implements Clock {
  readonly #haltMs: number;
  #nowMs = 100_000;

  constructor(haltMs: number) {
    this.#haltMs = haltMs;
  }

  now(): number {
    return this.#nowMs;
  }

  wall(): string {
    return "2026-01-01T00:00:00.000Z";
  }

  async sleep(ms: number): Promise<void> {
    this.pass(Math.max(ms, this.#haltMs));
  }

  pass(ms: number): void {
    this.#nowMs += ms;
  }

  timer(ms: number): () => void {
    assert.ok(ms >= 0, `a timer of ${ms} ms lies in the past`);
    return () => {};
  }
}

async function callsWith(clock: Clock, log: Log = silentLog): Promise<Calls> {
  const hosts = new Hosts(["10.0.0.1:2379", "10.0.0.2:2379"], { clock, log });
  const key = createKey();
  const cert = Buffer.from(await selfSign("test", key));
  return new Calls(hosts, { clock, credentials: { ca: cert, cert, key: Buffer.from(key) } });
}

test("a write whose time is over when its computer wakes is not sent any more, and no host is blamed for it", async () => {
  const calls = await callsWith(new SteppedClock(60_000));
  let sent = 0;
  const write = calls.write(
    async () => {
      sent += 1;
      throw new Error("No connection established");
    },
    { signal: new AbortController().signal },
  );
  await assert.rejects(write, StoreUnavailable);
  assert.equal(sent, 1);
});

test("a write that every host refused is not sent with less time than a busy computer needs to greet", async () => {
  for (const [limitMs, leastMs] of [
    [12_000, 1_000],
    [1_000, 250],
  ] as const) {
    for (let answerMs = 0; answerMs <= 120; answerMs += 5) {
      const clock = new SteppedClock(0);
      const calls = await callsWith(clock);
      const endMs = clock.now() + limitMs;
      const leftMs: number[] = [];
      const write = calls.write(
        async () => {
          leftMs.push(endMs - clock.now());
          clock.pass(answerMs);
          throw new Error("14 UNAVAILABLE: etcdserver: no leader");
        },
        { signal: new AbortController().signal, limitMs },
      );
      await assert.rejects(write, StoreUnavailable);
      assert.ok(leftMs.length > 2 && leftMs.every((ms) => ms >= leastMs), `${answerMs} ms a refusal: ${leftMs.join(" ")}`);
    }
  }
});

test("a write for which etcd has no room is said to be that at once, and no host is blamed for it", async () => {
  const calls = await callsWith(new SteppedClock(0), { ...silentLog, warn: (text) => assert.fail(text) });
  let sent = 0;
  const write = calls.write(
    async () => {
      sent += 1;
      throw new Error("8 RESOURCE_EXHAUSTED: etcdserver: mvcc: database space exceeded");
    },
    { signal: new AbortController().signal },
  );
  await assert.rejects(write, (error) => error instanceof StoreFull && error instanceof StoreUnavailable);
  assert.equal(sent, 1);
});

test("a read of more than one answer may hold is asked again, a write of more than a request is not; no host is blamed for either", async () => {
  const calls = await callsWith(new SteppedClock(0), { ...silentLog, warn: (text) => assert.fail(text) });
  const limits = { signal: new AbortController().signal };
  let asked = 0;
  const read = calls.read(async () => {
    asked += 1;
    if (asked < 3) throw new Error("8 RESOURCE_EXHAUSTED: Received message larger than max (78643200 vs 67108864)");
    return "less";
  }, limits);
  assert.equal(await read, "less");
  const write = calls.write(async () => {
    asked += 1;
    throw new Error("8 RESOURCE_EXHAUSTED: grpc: received message larger than max (9600000 vs. 8912896)");
  }, limits);
  await assert.rejects(write, /larger than max/);
  assert.equal(asked, 4);
});
