// Fresh computers of one person, started at the same instant, become one house by themselves: real etcd, real TLS, the real protocol.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findEtcdProgram } from "../../src/agent/etcd-binary.ts";
import { findEtcd } from "../../tools/etcd.ts";
import { TestJoiningNode } from "../support/joining-node.ts";
import { until } from "../support/until.ts";

const found = findEtcd();
const skip = found === undefined ? "no etcd on this machine, and no Go to build it" : false;
/** Ten times and more the aim for three voters. */
const LIMIT_MS = 120_000;

test("three that start at the same instant found one house and all belong to it", { skip }, async (t) => {
  const program = await findEtcdProgram({ dataDir: "/nonexistent", named: found ?? "" });
  const nodes: readonly TestJoiningNode[] = ["nas", "attic", "shed"].map(
    (name, index) =>
      new TestJoiningNode({
        program,
        name,
        ip: `127.0.0.${index + 11}`,
        trusts: true,
        candidates: () => nodes.filter((node) => node.name !== name).map(({ address }) => address),
      }),
  );
  t.after(async () => {
    for (const node of nodes) await node.close();
  });
  for (const node of nodes) await node.chooseAddress();
  await Promise.all(nodes.map((node) => node.start()));
  await until("all are members", () => nodes.every(({ phase }) => phase === "member"), LIMIT_MS);
  await until("all see three nodes", () => nodes.every(({ house }) => house?.nodes === 3), LIMIT_MS);
  assert.equal(new Set(nodes.map(({ house }) => house?.id)).size, 1);
  assert.equal(new Set(nodes.map(({ memberId }) => memberId)).size, 3);
});
