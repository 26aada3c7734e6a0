// Runs on a host beside its etcd: writes all the time, as a client of the house, until its standard input ends. Then prints what it met.
// Usage: store-writer.ts DATA_DIR/trust ADDRESS:PORT
import { readFileSync } from "node:fs";
import path from "node:path";
import { openStore } from "../../src/adapters/etcd3/store.ts";
import { realClock, silentLog } from "./real.ts";

export interface WriterReport {
  readonly acknowledged: number;
  /** Longest time between two acknowledged writes. */
  readonly longestGapMs: number;
  /** The last acknowledged value is what the store has: false means that an acknowledged write was lost. */
  readonly kept: boolean;
}

const key = "/test/written";
const writeLimitMs = 10_000;

async function main([trust = "", host = ""]: readonly string[]): Promise<void> {
  const pem = (name: string): Buffer => readFileSync(path.join(trust, name));
  const store = openStore({
    hosts: [host],
    credentials: { ca: pem("ca.crt"), cert: pem("agent.crt"), key: pem("../node.key") },
    clock: realClock,
    log: silentLog,
  });
  let [acknowledged, longestGapMs, lastMs, stopping] = [0, 0, performance.now(), false];
  process.stdin.on("end", () => (stopping = true)).resume();
  process.stdout.write("writing\n");
  for (let value = 1; !stopping; value++) {
    try {
      await store.commit({ compare: [], writes: [{ put: key, value: String(value) }] }, AbortSignal.timeout(writeLimitMs));
    } catch {
      continue; // not acknowledged
    }
    acknowledged = value;
    longestGapMs = Math.max(longestGapMs, performance.now() - lastMs);
    lastMs = performance.now();
  }
  const stored = Number((await store.get(key, AbortSignal.timeout(writeLimitMs)))?.value);
  const report: WriterReport = { acknowledged, longestGapMs: Math.round(longestGapMs), kept: stored >= acknowledged };
  process.stdout.write(`${JSON.stringify(report)}\n`);
  await store.close();
}

await main(process.argv.slice(2));
