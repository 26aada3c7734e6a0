// What goes wrong while computers join a house of three: those who admit, and those who are admitted, die, hang and fall silent. On lab hosts
// with a real tailnet.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { EtcdStore } from "../../src/adapters/etcd3/store.ts";
import { keys } from "../../src/api/keys.ts";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const voters = [1, 2, 3] as const;
const ANSWER_MS = 5_000;
/** Both say hello each second until they have a house, and each 15 s after that. */
const MET_MS = 16_000;

describe("computers that join a house of three", { skip }, () => {
  let store: EtcdStore;
  const { house, test } = labSuite(8, {
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
  const admissionBegins = (): Promise<unknown> =>
    until("somebody is being admitted", () => store.get(keys.admission, AbortSignal.timeout(ANSWER_MS)), LIMIT_MS);

  test("one gets in although whoever leads dies in the middle of its admission", async () => {
    const leader = await house.leader(voters);
    const others = voters.filter((number) => number !== leader);
    await house.start(4);
    await admissionBegins();
    await house.lab.kill(`h${leader}`);
    await house.isMember(4);
    await house.lab.boot(`h${leader}`);
    await house.areOneHouse([...others, 4, leader], 4);
  });

  test("one that loses its power while it is admitted holds up nobody, and gets in when it is back", async () => {
    await house.start(5);
    await admissionBegins();
    await house.lab.kill("h5");
    await house.start(6);
    await house.isMember(6);
    await house.lab.boot("h5");
    await house.areOneHouse([1, 2, 3, 4, 5, 6]);
  });

  test("one gets in although another computer of the house takes what it says and never answers", async () => {
    const leader = await house.leader(voters);
    const [hanging = 1] = voters.filter((number) => number !== leader);
    await house.lab.pause(`h${hanging}`, { hang: true });
    await house.start(7);
    await house.isMember(7);
    await house.lab.resume(`h${hanging}`);
    await house.areOneHouse([1, 2, 3, 4, 5, 6, 7]);
  });

  test("one that asks while the agent beside the leader is away waits until that is back, or until another store leads", async (t) => {
    const members = [1, 2, 3, 4, 5, 6] as const;
    const finishes = async (number: number): Promise<number> =>
      (await house.lab.logs(`h${number}`, "fossora")).split("\n").filter((line) => /Member step.*finish/.test(line)).length;
    const isIn = async (): Promise<boolean> => (await house.node(8).try("status", "-q")).code === 0;
    const leader = await house.leader(members);
    const before = await Promise.all(members.map(finishes));
    await house.lab.stop(`h${leader}`, "fossora");
    await house.start(8);
    await until("it has asked", async () => (await house.queued()).length === 1 || isIn(), LIMIT_MS);
    const waited = (await house.leader(members)) === leader && !(await isIn());
    t.diagnostic(waited ? "it waits" : "another store leads by now");
    await house.lab.restart(`h${leader}`, "fossora");
    await house.areOneHouse([1, 2, 3, 4, 5, 6, 7, 8]);
    const after = await Promise.all(members.map(finishes));
    const by = members.filter((_, index) => after[index] !== before[index]);
    t.diagnostic(`let in by h${by.join()}`);
    assert.equal(by.length, 1);
    if (waited) assert.deepEqual(by, [leader]);
    else assert.notDeepEqual(by, [leader]);
  });
});

describe("a computer of somebody else", { skip }, () => {
  const { house, test } = labSuite(2);

  test("has a house of its own beside ours, and neither ever becomes the other's", async () => {
    await house.start(1);
    await house.areOneHouse([1]);
    await house.startAs("bob", 2);
    await house.areOneHouse([2], 1);
    await new Promise((resolve) => setTimeout(resolve, MET_MS)); // nothing is to happen, also once they have met
    await house.areOneHouse([1], 1);
    assert.notEqual(await house.houseId(1), await house.houseId(2));
    assert.equal((await house.members()).length, 1);
    assert.deepEqual(await house.queued(), []);
  });
});
