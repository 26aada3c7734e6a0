import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { houseState, request, sender } from "../../../test/fakes/joining.ts";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { UserError } from "../../api/errors.ts";
import { Child } from "../child.ts";
import { loadNodeId } from "../identity.ts";
import { hasTrust, houseHash, loadTrust } from "../trust.ts";
import { homeOf } from "./seen.ts";
import { OwnStore } from "./own-store.ts";

const REFUSAL = new UserError("Docker has 1 container of another one");

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), "fossora-own-"));
  t.after(() => rmSync(made, { recursive: true }));
  mkdirSync(path.join(made, "etcd"));
  return made;
}

/** What a founding ends with, of a node whose etcd is no program. */
async function found(dataDir: string): Promise<unknown> {
  const child = new Child({ name: "etcd", runDir: dataDir, dataDir, logFile: path.join(dataDir, "log"), clock: realClock, log: silentLog });
  const store = new OwnStore({
    dataDir,
    nodeId: loadNodeId(dataDir),
    addresses: () => [],
    mayFound: () => Promise.reject(REFUSAL),
    etcd: { file: path.join(dataDir, "no-etcd"), version: "3.7.3", sha256: "", origin: "named" },
    child,
    clock: realClock,
    log: silentLog,
  });
  return store
    .found({ self: sender("b"), request: request("b") }, AbortSignal.timeout(1_000))
    .catch((error: unknown) => error)
    .finally(() => child.release());
}

/** As it last saw the house of its certificates. */
function seen(dataDir: string, { nodes, hasObjects = true }: { readonly nodes: readonly string[]; readonly hasObjects?: boolean }): void {
  const house = houseState({ id: houseHash(dataDir) ?? "", hasObjects });
  writeFileSync(path.join(dataDir, "house-seen.json"), JSON.stringify({ house, members: [], nodes }));
}

test("no house is founded, and nothing of the former one forgotten, where Docker has another one's containers", async (t) => {
  const dataDir = folder(t);
  await loadTrust(dataDir);
  seen(dataDir, { nodes: [loadNodeId(dataDir)], hasObjects: false });
  assert.equal(await found(dataDir), REFUSAL);
  assert.equal(hasTrust(dataDir), true);
});

test("whom a person took out founds one: what its Docker has are leftovers", async (t) => {
  const dataDir = folder(t);
  await loadTrust(dataDir);
  const before = houseHash(dataDir);
  seen(dataDir, { nodes: ["a".repeat(16)] });
  assert.notEqual(await found(dataDir), REFUSAL);
  assert.notEqual(houseHash(dataDir), before);
});

test("the home of a node is the house with apps that counts it, for as long as its certificates are that one's", async (t) => {
  const dataDir = folder(t);
  assert.equal(homeOf(dataDir), undefined);
  await loadTrust(dataDir);
  assert.equal(homeOf(dataDir), undefined, "it has never seen it");
  seen(dataDir, { nodes: [loadNodeId(dataDir)] });
  assert.equal(homeOf(dataDir), houseHash(dataDir));
  seen(dataDir, { nodes: [loadNodeId(dataDir)], hasObjects: false });
  assert.equal(homeOf(dataDir), undefined);
  seen(dataDir, { nodes: ["a".repeat(16)] });
  assert.equal(homeOf(dataDir), undefined, "a person took it out");
  seen(dataDir, { nodes: [loadNodeId(dataDir)] });
  rmSync(path.join(dataDir, "trust"), { recursive: true });
  assert.equal(homeOf(dataDir), undefined, "it left");
});
