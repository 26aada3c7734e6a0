// Two computers, and the one that keeps the state is gone: the standby takes the house over, and what the old voter writes or wrote apart from it
// is never served again once they have met. Real etcd, real TLS, the real protocol.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Child } from "../../src/agent/child.ts";
import { peerUrlOf } from "../../src/agent/etcd.ts";
import { findEtcdProgram } from "../../src/agent/etcd-binary.ts";
import { createInvite } from "../../src/agent/invites.ts";
import { newTakeover, restoreStore } from "../../src/agent/joining/takeover-disk.ts";
import { holdsAuthority, houseHash } from "../../src/agent/trust.ts";
import { judgeTakeover } from "../../src/joining/takeover.ts";
import { parseToken } from "../../src/trust/token.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { realClock, silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const LIMIT_MS = 120_000;

describe("a house of two", { skip }, () => {
  let nas: TestJoiningNode;
  let attic: TestJoiningNode;

  before(async () => {
    const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    nas = new TestJoiningNode({ program, name: "nas", ip: "127.0.0.21" });
    attic = new TestJoiningNode({ program, name: "attic", ip: "127.0.0.22" });
    await nas.start();
    await until("nas founds", () => nas.phase === "member");
    const token = await createInvite(nas.store, { hash: houseHash(nas.dataDir) ?? "", addresses: [] }, soon());
    attic.wish = { addresses: [nas.address], token: parseToken(token) };
    await attic.start();
    await until("attic is its standby", () => attic.phase === "member", LIMIT_MS);
    attic.wish = undefined;
    await until("attic can sign for the house", () => holdsAuthority(attic.dataDir), LIMIT_MS);
    await write(nas, "before", "1");
    await until("attic knows whom to ask", () => seenBy(attic).known?.length === 2, LIMIT_MS);
  });
  after(async () => {
    await attic.close();
    await nas.close();
  });

  const write = (node: TestJoiningNode, name: string, value: string) =>
    node.store.commit({ compare: [], writes: [{ put: `/test/${name}`, value }] }, soon());
  const read = async (node: TestJoiningNode, name: string) => (await node.store.get(`/test/${name}`, soon()))?.value;
  const seenBy = ({ dataDir }: TestJoiningNode) =>
    JSON.parse(readFileSync(path.join(dataDir, "house-seen.json"), "utf8")) as { readonly known?: readonly unknown[] };

  test("nothing is taken over while the voter answers", async () => {
    const facts = await attic.joining.lookToTakeOver();
    assert.ok(facts);
    const verdict = judgeTakeover({ ...facts, ignoresAddress: true });
    assert.equal(verdict.kind, "refused");
  });

  test("the standby takes over: what it had is there, and writes go on", async () => {
    await nas.kill();
    await until("attic sees that nas is gone", async () => !(await attic.joining.lookToTakeOver()).hasQuorum, LIMIT_MS);
    const facts = await attic.joining.lookToTakeOver();
    assert.deepEqual(
      facts.others.map(({ name, agentAnswers, storeAnswers, answersAt }) => ({ name, agentAnswers, storeAnswers, answersAt })),
      [{ name: "nas", agentAnswers: false, storeAnswers: false, answersAt: "127.0.0.21" }],
      "one machine: its loopback refuses",
    );
    const before = attic.memberId;
    const startedMs = performance.now();
    await attic.joining.takeOver();
    await write(attic, "after", "1");
    assert.ok(performance.now() - startedMs < 60_000);
    assert.deepEqual([await read(attic, "before"), await read(attic, "after")], ["1", "1"]);
    assert.notEqual(attic.memberId, before);
    assert.deepEqual([attic.house?.epoch, existsSync(path.join(attic.dataDir, "etcd.old-1"))], [2, true]);
  });

  test("while they are parted both serve; once they have met, nothing of the lower epoch is", async () => {
    await attic.kill();
    await nas.start();
    await until("nas goes on alone", async () => (await write(nas, "parted", "nas")).committed, LIMIT_MS);
    const store = nas.store;
    await attic.start();
    await until("attic serves", async () => (await read(attic, "after")) === "1", LIMIT_MS);
    await until("nas has met it", () => nas.phase !== "member" || nas.house?.epoch === 2, LIMIT_MS);
    await assert.rejects(store.commit({ compare: [], writes: [{ put: "/test/late", value: "nas" }] }, AbortSignal.timeout(2_000)));
    await until("nas is a standby", () => nas.phase === "member" && nas.house?.epoch === 2, LIMIT_MS);
    assert.deepEqual([await read(nas, "parted"), await read(nas, "late"), await read(nas, "after")], [undefined, undefined, "1"]);
    assert.ok(existsSync(path.join(nas.dataDir, "etcd.old-1")), "its data was set aside");
  });

  test("an old voter that starts while the new one is there never starts its store", async () => {
    await until("attic alone keeps the state, nas is its standby", async () => (await attic.joining.lookToTakeOver()).others.length === 0);
    await attic.kill();
    await until("nas sees it", async () => !(await nas.joining.lookToTakeOver()).hasQuorum, LIMIT_MS);
    await nas.joining.takeOver();
    await write(nas, "third", "1");
    assert.equal(nas.house?.epoch, 3);
    let ranAsOld = false;
    const starting = attic.start();
    await until(
      "attic is a standby of the new epoch",
      () => {
        ranAsOld ||= attic.phase === "member" && attic.house?.epoch === 2 && attic.etcdPid !== undefined;
        return attic.phase === "member" && attic.house?.epoch === 3;
      },
      LIMIT_MS,
    );
    await starting;
    assert.equal(ranAsOld, false);
    assert.equal(await read(attic, "third"), "1");
  });

  test("killed before the new store was whole, a take-over is as if it had never begun; after that the next start goes on with it", async () => {
    await nas.kill();
    await attic.kill();
    const half = path.join(attic.dataDir, "etcd.taking-over");
    mkdirSync(path.join(half, "member"), { recursive: true });
    await attic.start();
    await until("attic is what it was", () => attic.house?.epoch === 3, LIMIT_MS);
    assert.equal(existsSync(half), false);
    await attic.kill();
    const peerUrl = await peerUrlOf(attic.dataDir, {
      addresses: ["127.0.0.22"],
      child: new Child({
        name: "none",
        runDir: attic.dataDir,
        dataDir: attic.dataDir,
        logFile: "/dev/null",
        clock: realClock,
        log: silentLog,
      }),
    });
    const takeover = newTakeover({ nodeId: attic.nodeId, houseId: houseHash(attic.dataDir) ?? "", epoch: 4, peerUrl });
    await restoreStore(attic.dataDir, takeover, found ?? "");
    assert.ok(existsSync(half));
    await attic.start();
    await until("attic has taken over", () => attic.house?.epoch === 4, LIMIT_MS);
    await until("it serves", async () => (await read(attic, "third")) === "1", LIMIT_MS);
    await attic.kill();
    await attic.start();
    await until("it serves after one more start", async () => (await write(attic, "fourth", "1")).committed, LIMIT_MS);
    assert.deepEqual([attic.house?.epoch, existsSync(path.join(attic.dataDir, "takeover.json"))], [4, false]);
  });
});
