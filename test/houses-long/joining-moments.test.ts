// The bad moments of a house of three, each at one instant that the protocol was made for: between two steps of an admission, when an address
// changes, when every certificate has expired. On lab hosts with a real tailnet.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe } from "node:test";
import type { EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { publicDerOf, publicKeyOf } from "../../src/adapters/x509/read.ts";
import { keys, PREFIX } from "../../src/api/keys.ts";
import { nodeOfMember, type ActiveAdmission, type HouseNode } from "../../src/joining/house-view.ts";
import { hostsOfUrls } from "../../src/joining/peer-urls.ts";
import { commonNameOf, LEAF_USES, serialNumberOf } from "../../src/trust/leaves.ts";
import { nodeIdOf } from "../../src/trust/node-id.ts";
import { programReason, supervise } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { expiredLeaf } from "../support/leaf.ts";
import { StoreWrites } from "../support/store-writes.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const voters = [1, 2, 3] as const;
const STANDBY = 4;
const all = [...voters, STANDBY] as const;
const ANSWER_MS = 5_000;
const DATA_DIR = "var/lib/fossora";

interface AddressMove {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

describe("a house of three", { skip }, () => {
  let store: EtcdStore;
  const { house, test } = labSuite(all.length, {
    prepare: async () => {
      await house.start(...voters);
      await house.areOneHouse(voters);
      await house.hasVoters(3);
      store = await house.store(voters);
    },
    close: async () => {
      await store?.close();
    },
  });

  test("the leader dies between adding a member and that one's start: it becomes a member in the end, and once", async () => {
    const leader = await house.leader(voters);
    const [other = 1] = voters.filter((number) => number !== leader);
    await house.start(4);
    const entry = await until("its admission", () => store.get(keys.admission, AbortSignal.timeout(ANSWER_MS)), LIMIT_MS);
    // What is sent to it from now on waits at its door.
    await house.lab.pause("h4", { hang: true });
    const { nodeId } = JSON.parse(entry.value) as ActiveAdmission; // written by the agent
    await until("it is added", async () => (await house.members(other)).length === 4, LIMIT_MS);
    assert.equal((await house.members(other)).filter(({ name }) => name === "").length, 1, "it had started already");
    await house.lab.kill(`h${leader}`);
    await house.lab.resume("h4");
    await house.isMember(4);
    await house.lab.boot(`h${leader}`);
    await house.areOneHouse(all);
    await until("four members", async () => (await house.members(other)).every(({ name }) => name !== ""), LIMIT_MS);
    const members = await house.members(other);
    assert.equal(members.length, 4);
    assert.equal(members.filter((member) => nodeOfMember(member) === nodeId).length, 1);
    await house.rolesAreTrue(all);
  });

  const moveAll = async (moves: readonly AddressMove[], asked: number): Promise<void> => {
    await Promise.all(moves.map(({ name, from, to }) => house.lab.exec(name, "sh", "-c", moveAddress(from, to))));
    for (const { name, to } of moves)
      await until(
        `the store of ${name} is known at ${to}`,
        async () => (await house.members(asked)).some(({ peerUrl }) => hostsOfUrls(peerUrl).includes(to)),
        LIMIT_MS,
      );
  };
  const others = (leader: number): readonly number[] => voters.filter((number) => number !== leader);
  const MOVES: readonly (readonly [string, (leader: number) => readonly number[]])[] = [
    ["a voter's address changes", (leader) => others(leader).slice(-1)],
    ["the leader's address changes", (leader) => [leader]],
    ["the leader's, a voter's and the standby's address change at once", (leader) => [leader, ...others(leader).slice(-1), STANDBY]],
  ];
  for (const [what, choose] of MOVES)
    test(`${what}: each is found at the new one, and the house writes on`, async (t) => {
      const leader = await house.leader(voters);
      const moves = choose(leader).map((number) => {
        const { name, address } = house.node(number);
        return { name, from: address, to: address.replace(/\d+$/, `6${number}`) };
      });
      const [asked = 1] = voters.filter((number) => !moves.some(({ name }) => name === house.node(number).name));
      const writes = new StoreWrites(store);
      t.after(() => writes.stop());
      await until("the writer writes", () => writes.done > 10);
      await moveAll(moves, asked);
      await house.areOneHouse(all);
      const before = writes.done;
      await until("the writer goes on", () => writes.done > before + 10, LIMIT_MS);
      const { longestGapMs, failures } = await writes.stop();
      t.diagnostic(`longest gap ${longestGapMs} ms, ${failures.length} unanswered`);
      await moveAll(
        moves.map(({ name, from, to }) => ({ name, from: to, to: from })),
        asked,
      );
      await house.areOneHouse(all);
      assert.equal((await house.members()).length, 4);
    });

  test("a computer of the house is a witness from now on: the others know it, and take its app", async () => {
    const witness = house.node(4);
    await house.node(1).apply(whoami, "--wait", "--timeout", "2m");
    await until("its app runs", async () => (await witness.containersOf("whoami")).length === 1, LIMIT_MS);
    await house.lab.stop("h4", "fossora");
    await house.lab.start("h4", "fossora", [...supervise, "--witness"], { onBoot: true });
    const isWitness = async (): Promise<boolean> => {
      const { entries } = await store.list(PREFIX.house, AbortSignal.timeout(ANSWER_MS));
      const nodes = entries.filter(({ key }) => key.startsWith(keys.houseNode(""))).map(({ value }) => JSON.parse(value) as HouseNode); // as the agents write it
      return nodes.find(({ name }) => name === "h4")?.request.fitness.witness === true;
    };
    await until("it is known as one", isWitness, LIMIT_MS);
    await until("its app is gone", async () => (await witness.containersOf("whoami")).length === 0, LIMIT_MS);
    await house.node(1).isReady("whoami");
  });

  test("all start with certificates that have expired, and are the same house by themselves", async () => {
    const names = house.nodes.map(({ name }) => name);
    const ids = (await house.members()).map(({ id }) => id).sort();
    const folders = await Promise.all(house.nodes.map(async (node) => path.join((await node.host()).dir, "disk/root", DATA_DIR)));
    await house.lab.kill(...names);
    for (const folder of folders) await expire(folder);
    await house.lab.boot(...names);
    await house.areOneHouse(all);
    await house.hasVoters(3);
    assert.deepEqual((await house.members()).map(({ id }) => id).sort(), ids);
  });
});

const whoami = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80, placement: { prefer: { nodes: [h4] } } }
`;

/** In one go: what asks for it comes over this network. */
function moveAddress(from: string, to: string): string {
  return `link=$(ip -o -4 addr show to ${from} | awk '{print $2}'); route=$(ip route show default | awk '{print $3}')
    ip addr del ${from}/24 dev $link; ip addr add ${to}/24 dev $link && ip route replace default via $route`;
}

/** As after years without power: of a node that is off, by the key of its own house. */
async function expire(folder: string): Promise<void> {
  const read = (file: string): string => readFileSync(path.join(folder, file), "utf8");
  const authority = { certificate: read("trust/ca.crt"), key: read("trust/ca.key") };
  const nodeId = nodeIdOf(publicDerOf(read("node.key")));
  for (const use of LEAF_USES) {
    const key = use === "agent" ? read("node.key") : read(`trust/${use}.key`);
    const leaf = { commonName: commonNameOf(use, nodeId), serialNumber: serialNumberOf(use, nodeId), publicKey: publicKeyOf(key) };
    writeFileSync(path.join(folder, `trust/${use}.crt`), await expiredLeaf(authority, leaf));
  }
}
