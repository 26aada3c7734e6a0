// Leaving a house, by a person's word or without one: what its computer ran there, what the others need. Real etcd, real TLS, each node on a
// loopback address of its own; a fake Docker.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { findEtcdProgram, type EtcdProgram } from "../../src/agent/etcd-binary.ts";
import { homeOf } from "../../src/agent/joining/seen.ts";
import { archive, forget } from "../../src/agent/joining/member-disk.ts";
import { JoinWish } from "../../src/agent/joining/wish.ts";
import { hasTrust, houseHash } from "../../src/agent/trust.ts";
import { systemRandom } from "../../src/adapters/system/clock.ts";
import { keys } from "../../src/api/keys.ts";
import type { Container } from "../../src/container-ports.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { FakeContainers } from "../fakes/containers.ts";
import { FakeEngine } from "../fakes/containers-engine.ts";
import { containerSpec } from "../fakes/containers-spec.ts";
import { realClock } from "../support/real.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
const soon = (): AbortSignal => AbortSignal.timeout(LIMIT_MS);
/** Ten times the aim of an admission; an alive-check takes ten seconds, and so does the quiet between two changes. */
const LIMIT_MS = 150_000;

describe("a computer that finds nobody of its house any more", { skip }, () => {
  const engine = new FakeEngine({ clock: realClock, random: systemRandom });
  const containers = new FakeContainers(engine);
  const running = async (): Promise<readonly string[]> => (await containers.list(undefined, soon())).map(({ name }) => name);
  let nas: TestJoiningNode;

  before(async () => {
    const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    nas = new TestJoiningNode({ program, name: "nas", ip: "127.0.1.22", containers });
    await nas.start();
    await until("its house has apps", () => homeOf(nas.dataDir));
    engine.images.set("fossora-test:1", {});
    await containers.start(await containers.create(containerSpec("jellyfin"), soon()), soon());
  });
  after(() => nas.close());

  test("waits for it where it was taken out while it was away, and founds none beside it", async () => {
    const house = houseHash(nas.dataDir);
    await nas.kill();
    // As it finds out: the others have replaced it.
    archive(nas.dataDir);
    forget(nas.dataDir);
    await nas.start();
    await until("it waits or has founded another", () => nas.words.some((each) => /waits for it/.test(each)) || nas.phase === "member");
    assert.deepEqual([nas.phase, houseHash(nas.dataDir), await running()], ["looking", house, ["jellyfin-k3f9"]]);
  });

  test("leaves that house by a person's word, with its apps, and may found another", async () => {
    const house = houseHash(nas.dataDir);
    await nas.control.leave({ confirm: "nas" }, soon());
    assert.deepEqual([nas.control.joining().phase, hasTrust(nas.dataDir), await running()], ["resting", false, []]);
    await nas.control.join({ addresses: [] }, soon());
    await until("it has another house", () => nas.phase === "member", LIMIT_MS);
    assert.notEqual(houseHash(nas.dataDir), house);
  });
});

describe("one that leaves", { skip }, () => {
  const running = new Map<string, string[]>();
  const stopping = new Map([["nuc", [] as string[]]]);
  const nodes: TestJoiningNode[] = [];
  let nas: TestJoiningNode;
  let nuc: TestJoiningNode;

  before(async () => {
    const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
    [nas, nuc] = [newNode(program, "nas", "127.0.1.22"), newNode(program, "nuc", "127.0.1.23")];
    await nas.start();
    await until("a house", () => nas.house);
    nuc.wish = { addresses: ["127.0.1.99"] };
    await nuc.start();
    nuc.wish = undefined;
    await come(nuc, nas);
  });
  after(async () => {
    for (const node of nodes.toReversed()) await node.close();
  });

  const newNode = (program: EtcdProgram, name: string, ip: string): TestJoiningNode => {
    const ids = [`${name}-a`, `${name}-b`];
    running.set(name, ids);
    const list = async (): Promise<readonly Container[]> => ids.map((id) => ({ id, name: id }) as Container); // all that is asked of them
    const remove = async (id: string): Promise<void> => void ids.splice(ids.indexOf(id), 1);
    const stop = (_id: string, _graceMs: number, signal: AbortSignal): Promise<void> => realClock.sleep(100, signal);
    const node = new TestJoiningNode({ program, name, ip, containers: { list, stop, remove }, stopping: stopping.get(name) ?? [] });
    nodes.push(node);
    return node;
  };
  const roles = async (asked: TestJoiningNode): Promise<readonly string[]> =>
    (await asked.control.computers(soon()))?.computers.map(({ name, role }) => `${name} ${role}`) ?? [];
  const come = async (node: TestJoiningNode, to: TestJoiningNode): Promise<void> => {
    await node.control.join({ token: (await to.control.invite(soon())).token, addresses: [] }, soon());
    await until("it is a member", () => node.control.joining().phase === "member", LIMIT_MS);
    await until("it stands by", async () => (await roles(to)).includes(`${node.name} standby`), LIMIT_MS);
  };
  /** As soon as it belongs to the house no more; its vote is still needed then. */
  const told = async (
    node: TestJoiningNode,
    other: TestJoiningNode,
    signal: AbortSignal,
  ): Promise<{ readonly answered: Promise<unknown> }> => {
    const answered = node.control.leave({ confirm: node.name }, signal).catch((error: unknown) => error);
    await until("it goes", async () => (await other.store.get(keys.houseNode(node.nodeId), soon())) === undefined, LIMIT_MS);
    assert.equal(node.phase, "member");
    return { answered };
  };

  test("stays while something stops on it that must not run beside another, unless that is forced", async () => {
    stopping.get("nuc")?.push("mqtt-k3f9");
    const why = /Cannot leave: mqtt-k3f9 still stops here, and it may not start elsewhere before it has/;
    await assert.rejects(nuc.control.leave({ confirm: "nuc" }, soon()), why);
    assert.equal(nuc.control.joining().phase, "member");
    assert.deepEqual(await roles(nas), ["nas voter", "nuc standby"]);
    await nuc.control.leave({ confirm: "nuc", force: true }, soon());
    assert.equal(nuc.control.joining().phase, "resting");
    stopping.get("nuc")?.pop();
    running.get("nuc")?.push("nuc-a", "nuc-b");
    await come(nuc, nas);
  });

  test("and is told again before it has gone takes no vote along that the others need", async () => {
    const { answered } = await told(nas, nuc, soon());
    await nas.control.leave({ confirm: "nas" }, soon());
    await answered;
    await until("the other one goes on", async () => (await roles(nuc)).join() === "nuc voter", LIMIT_MS);
  });

  test("takes its containers along, though whoever told it does not wait for that", async () => {
    const typed = new AbortController();
    await come(nas, nuc);
    const { answered } = await told(nuc, nas, typed.signal);
    typed.abort(new Error("The client has gone"));
    await until("it rests", () => nuc.control.joining().phase === "resting", LIMIT_MS);
    await answered;
    await until("nothing of it runs", () => running.get("nuc")?.length === 0);
    assert.deepEqual(await roles(nas), ["nas voter"]);
  });

  test("takes its containers along when it goes by itself in the end", async () => {
    await come(nuc, nas);
    running.get("nas")?.push("nas-c");
    await told(nas, nuc, soon());
    await nas.kill();
    await nas.start();
    await until("it rests", () => nas.control.joining().phase === "resting", LIMIT_MS);
    await until("nothing of it runs", () => running.get("nas")?.length === 0);
    const { stays } = await nas.control.leave({ confirm: "nas" }, soon());
    assert.match(stays.join(), /nothing of 1 container, which stopped/);
  });

  test("takes its containers along though its agent died before they were gone", async () => {
    await nas.kill();
    running.get("nas")?.push("nas-d");
    new JoinWish(nas.dataDir).rest();
    await nas.start();
    await until("nothing of it runs", () => running.get("nas")?.length === 0);
  });
});
