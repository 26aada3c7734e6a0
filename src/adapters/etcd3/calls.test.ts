import assert from "node:assert/strict";
import test from "node:test";
import { silentLog } from "../../../test/support/real.ts";
import { selfSign } from "../x509/certificates.ts";
import { createKey } from "../x509/read.ts";
import { StoreUnavailable } from "../../api/errors.ts";
import type { Clock } from "../../ports.ts";
import { Calls } from "./calls.ts";
import { Hosts } from "./hosts.ts";

/** Each sleep takes a minute: the computer stands still meanwhile. */
class HaltingClock implements Clock {
  #nowMs = 100_000;

  now(): number {
    return this.#nowMs;
  }

  wall(): string {
    return "2026-01-01T00:00:00.000Z";
  }

  async sleep(): Promise<void> {
    this.#nowMs += 60_000;
  }

  timer(ms: number): () => void {
    assert.ok(ms >= 0, `a timer of ${ms} ms lies in the past`);
    return () => {};
  }
}

test("a write whose time is over when its computer wakes is not sent any more, and no host is blamed for it", async () => {
  const clock = new HaltingClock();
  const hosts = new Hosts(["10.0.0.1:2379", "10.0.0.2:2379"], { clock, log: silentLog });
  const key = createKey();
  const cert = Buffer.from(await selfSign("test", key));
  const calls = new Calls(hosts, { clock, credentials: { ca: cert, cert, key: Buffer.from(key) } });
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
