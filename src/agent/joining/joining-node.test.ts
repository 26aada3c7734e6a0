import assert from "node:assert/strict";
import { test } from "node:test";
import { houseNode, houseState } from "../../../test/fakes/joining.ts";
import { TestJoiningNode } from "../../../test/support/joining-node.ts";
import { silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { createKey, publicKeyOf } from "../../adapters/x509/read.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import { houseHash, loadTrust } from "../trust.ts";
import { keep } from "./member-disk.ts";
import { nobody, SeenKeeper } from "./seen.ts";

const signal = AbortSignal.timeout(60_000);

/** As TLS proved it: its certificates are good until they are struck off. */
function member(nodeId: string): MeshPeer {
  const publicKey = publicKeyOf(createKey());
  return { nodeId, standing: "member", publicKey, address: "127.0.0.1", port: 40_000, exporter: () => new Uint8Array(32) };
}

test("a node that was taken out of the house is answered nothing that members ask, neither logs nor commands in containers", async (t) => {
  const streams: string[] = [];
  const node = new TestJoiningNode({
    program: { file: "/nonexistent", version: "3.7.3", sha256: "", origin: "named" },
    name: "nas",
    ip: "127.0.1.61",
    stream: async (method) => {
      streams.push(method);
      return { answer: null, run: () => undefined };
    },
  });
  t.after(() => node.close());
  const [known, out] = [houseNode("a").nodeId, houseNode("x").nodeId];
  await loadTrust(node.dataDir);
  const id = houseHash(node.dataDir) ?? "";
  // A worker, whose store does not answer: it goes by what it last saw.
  keep(node.dataDir, { houseId: id, epoch: 0, clusterId: "c1" });
  new SeenKeeper(node.dataDir, silentLog).keep({
    ...nobody,
    house: houseState({ id }),
    members: [],
    voters: [known],
    hosts: ["127.0.1.62:1"],
    nodes: [known, node.nodeId],
  });
  await node.start();
  await until("it is in its house", () => node.joining.inside);
  for (const method of ["exec", "logs"]) {
    await node.joining.stream(member(known), method, null, signal);
    await assert.rejects(
      node.joining.stream(member(out), method, null, signal),
      (error) => error instanceof MeshRefusal && error.code === "NotAllowed",
    );
  }
  await assert.rejects(node.joining.request(member(out), "links", null, signal), /taken out of the house/);
  assert.deepEqual(streams, ["exec", "logs"]);
});
