import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { readLeaf } from "../adapters/x509/read.ts";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import { keepLeaves } from "./leaf-keeper.ts";
import { dueLeaves, loadTrust, trustFiles } from "./trust.ts";

test("an address that comes while the agent runs is in all leaves after the next look, and nothing is made anew without need", async (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-leaves-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  await loadTrust(dataDir, { addresses: ["192.168.1.2"] });
  const [clock, abort] = [new VirtualClock(), new AbortController()];
  let addresses = ["192.168.1.2"];
  let [looks, renewals] = [0, 0];
  const options = {
    dataDir,
    addresses: () => {
      looks++;
      return addresses;
    },
    signer: () => assert.fail("it can sign itself"),
    onRenewed: () => void renewals++,
    clock,
    log: silentLog,
  };
  const keeping = keepLeaves(options, abort.signal);
  const look = async (): Promise<void> => {
    const before = looks;
    await until("a look", async () => {
      await clock.advance(10_000);
      return looks > before;
    });
  };
  await look();
  assert.equal(renewals, 0);
  addresses = ["192.168.1.2", "10.0.0.7"];
  await look();
  await until("the new leaves", () => renewals === 1);
  const { etcdPeer, ca } = trustFiles(dataDir);
  assert.ok(readLeaf(readFileSync(etcdPeer.certificate, "utf8"), readFileSync(ca, "utf8"))?.names.includes("10.0.0.7"));
  assert.deepEqual(dueLeaves(dataDir, { addresses }), []);
  addresses = ["10.0.0.7"];
  await look();
  abort.abort();
  await keeping;
  assert.equal(renewals, 1);
});

test("a node that cannot sign asks again, less often, for as long as nobody signs", async (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-leaves-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  await loadTrust(dataDir);
  rmSync(path.join(dataDir, "trust/ca.key"));
  const [clock, abort] = [new VirtualClock(), new AbortController()];
  let asked = 0;
  const options = {
    dataDir,
    addresses: () => ["10.0.0.7"],
    signer: async () => {
      asked++;
      throw new Error("nobody answers");
    },
    onRenewed: () => assert.fail("nothing was signed"),
    clock,
    log: silentLog,
  };
  const keeping = keepLeaves(options, abort.signal);
  for (let minutes = 0; minutes < 60; minutes++) {
    await clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve)); // files are read in real time
  }
  assert.ok(asked >= 2 && asked <= 6, `${asked} times in an hour`);
  abort.abort();
  await keeping;
});
