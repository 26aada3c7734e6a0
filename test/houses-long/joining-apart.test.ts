// Computers of one person that share a tailnet and no LAN become one house: what they say of themselves on the LAN leads nowhere.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Timing } from "../../src/joining/timing.ts";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { LIMIT_MS } from "../support/lab-house.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const all = [1, 2, 3] as const;

describe("three computers that the tailnet alone connects", { skip }, () => {
  const { house, test } = labSuite(all.length, {
    prepare: async () => {
      const addresses = house.nodes.map(({ address }) => address).join(", ");
      const rules = `table inet apart {
      chain input {
        type filter hook input priority -10;
        ip saddr { ${addresses} } tcp dport { 733, 734, 2379, 2380 } drop
        ip saddr { ${addresses} } udp dport 733 drop
      }
    }`;
      for (const { name } of house.nodes) await house.lab.exec(name, "sh", "-c", `echo '${rules}' | nft -f -`);
    },
  });

  test("become one house with three voters, each reached at its LAN's and its tailnet's address", async () => {
    await house.start(1, 2);
    await house.areOneHouse([1, 2]);
    await house.start(3);
    await house.areOneHouse(all);
    await house.hasVoters(3);
    for (const { peerUrl, name } of await house.members())
      assert.match(peerUrl, /^https:\/\/[\d.]+:2380,https:\/\/\[::ffff:100\.[\d.]+\]:2380$/, name);
  });

  test("their stores become as patient as a tailnet asks for", async (t) => {
    const store = await house.store(all);
    t.after(() => store.close());
    const timing = await until("another timing", async () => (await store.get(keys.timing, AbortSignal.timeout(10_000)))?.value, LIMIT_MS);
    assert.ok((JSON.parse(timing) as Timing).electionMs >= 2_000, timing); // written by the agent
    const patient = async (name: string): Promise<boolean> =>
      (await house.lab.exec(name, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -a election-timeout")).trim() !==
      "--election-timeout=1000";
    await until("all are patient", async () => (await Promise.all(house.nodes.map(({ name }) => patient(name)))).every(Boolean), LIMIT_MS);
  });
});
