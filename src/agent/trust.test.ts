import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { LEAF_USES, serialNumbersOf } from "../trust/leaves.ts";
import { createKey, publicKeyOf, readLeaf } from "../adapters/x509/read.ts";
import { createAuthority, readCrl } from "../adapters/x509/certificates.ts";
import { authorityKey, issueLeaves } from "./authority.ts";
import { loadNodeId, loadNodeKey } from "./identity.ts";
import {
  acceptCrl,
  acceptHouse,
  acceptLeaves,
  dueLeaves,
  forgetHouse,
  hasTrust,
  holdAuthority,
  houseHash,
  leavesWanted,
  loadTrust,
  removedNodes,
  renewOwnLeaves,
  trustFiles,
  type LeafFiles,
} from "./trust.ts";
import { revokeNode } from "../../test/support/removal.ts";

const yearMs = 365.25 * 24 * 3600 * 1000;
const addresses = ["192.168.1.2"];

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-trust-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A house with its founder, and a second node of it. */
async function twoNodes(t: TestContext): Promise<{ readonly founder: string; readonly second: string }> {
  const [founder, second] = [newFolder(t), newFolder(t)];
  await loadTrust(founder, { addresses });
  const leaves = await issueLeaves(founder, loadNodeId(second), leavesWanted(second, ["192.168.1.3"]));
  const files = trustFiles(founder);
  acceptHouse(second, { ca: readFileSync(files.ca, "utf8"), crl: readFileSync(files.crl), removed: [], leaves });
  return { founder, second };
}

const contents = (dataDir: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(path.join(dataDir, "trust")).map((name) => [name, readFileSync(path.join(dataDir, "trust", name), "base64")]),
  );

test("founding makes a CA, a leaf for each use and an empty CRL, and a restart changes nothing of it", async (t) => {
  const folder = newFolder(t);
  assert.equal(hasTrust(folder), false);
  assert.equal(houseHash(folder), undefined);
  const files = await loadTrust(folder, { addresses });
  const first = contents(folder);
  assert.deepEqual(await loadTrust(folder, { addresses }), files);
  assert.deepEqual(contents(folder), first);
  const ca = readFileSync(files.ca, "utf8");
  const namesIn = ({ certificate }: LeafFiles): readonly string[] | undefined => readLeaf(readFileSync(certificate, "utf8"), ca)?.names;
  for (const leaf of [files.agent, files.ingress]) assert.deepEqual(namesIn(leaf), []);
  for (const leaf of [files.etcdPeer, files.etcdClient]) assert.deepEqual(namesIn(leaf), ["localhost", "127.0.0.1", "::1", "192.168.1.2"]);
  for (const { key } of [files.agent, files.ingress, files.etcdPeer, files.etcdClient]) assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.deepEqual(await readCrl(ca, readFileSync(files.crl)), []);
  assert.equal(readFileSync(files.agent.key, "utf8"), loadNodeKey(folder));
  assert.match(houseHash(folder) ?? "", /^[a-z2-7]{26}$/);
});

test("a power cut at any moment of the founding leaves what the next start can mend", async (t) => {
  const whole = newFolder(t);
  await loadTrust(whole, { addresses });
  for (const name of Object.keys(contents(whole)).filter((each) => each !== "ca.key" && each !== "ca.crt")) {
    const folder = newFolder(t);
    await loadTrust(folder, { addresses });
    rmSync(path.join(folder, "trust", name));
    if (name === "ca.crl" || name === "removed.json") rmSync(path.join(folder, "trust", "complete")); // they come before it
    await loadTrust(folder, { addresses });
    assert.deepEqual(dueLeaves(folder, { addresses }), [], name);
    assert.deepEqual(Object.keys(contents(folder)).sort(), Object.keys(contents(whole)).sort(), name);
  }
});

test("a house as it was founded before leaves were made for each use gets them at its next start, on the same CA", async (t) => {
  const folder = newFolder(t);
  await loadTrust(folder);
  const before = houseHash(folder);
  for (const use of LEAF_USES) rmSync(path.join(folder, "trust", `${use}.crt`));
  rmSync(path.join(folder, "trust", "removed.json"));
  writeFileSync(path.join(folder, "trust", "agent.crt"), readFileSync(trustFiles(folder).ca)); // another leaf
  await loadTrust(folder, { addresses });
  assert.equal(houseHash(folder), before);
  assert.deepEqual(dueLeaves(folder, { addresses }), []);
  assert.deepEqual(removedNodes(folder), []);
});

test("after eleven years without power a voter makes its leaves anew, and then they are good", async (t) => {
  const folder = newFolder(t);
  const foundedMs = Date.now() - 11 * yearMs;
  await loadTrust(folder, { addresses, nowMs: foundedMs });
  assert.deepEqual(dueLeaves(folder, { addresses, nowMs: foundedMs + 8 * yearMs }), []);
  assert.deepEqual(
    dueLeaves(folder, { addresses }),
    LEAF_USES.map((use) => ({ use, why: "it has expired" })),
  );
  const before = houseHash(folder);
  await loadTrust(folder, { addresses });
  assert.deepEqual(dueLeaves(folder, { addresses }), []);
  assert.equal(houseHash(folder), before);
});

test("a house that is founded before its computer's clock was set is good for as long as any other", async (t) => {
  const folder = newFolder(t);
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  await loadTrust(folder, { addresses });
  assert.deepEqual(dueLeaves(folder, { addresses }), []);
  t.mock.timers.reset();
  assert.deepEqual(dueLeaves(folder, { addresses }), []);
  const ca = new X509Certificate(readFileSync(trustFiles(folder).ca));
  assert.ok(ca.validToDate.getTime() > Date.now() + 50 * yearMs, ca.validTo);
});

test("an address that is new is in the leaves after the next look, one that went stays", async (t) => {
  const folder = newFolder(t);
  await loadTrust(folder, { addresses });
  const renewed = await renewOwnLeaves(folder, { addresses: ["10.0.0.7"] });
  assert.deepEqual(
    renewed.map(({ why }) => why),
    ["it lacks 10.0.0.7", "it lacks 10.0.0.7"],
  );
  assert.deepEqual(await renewOwnLeaves(folder, { addresses: ["10.0.0.7"] }), []);
  assert.deepEqual(await renewOwnLeaves(folder, { addresses: [] }), []);
});

test("a node that does not vote gets its leaves from one that does, for its own keys", async (t) => {
  const { founder, second } = await twoNodes(t);
  assert.equal(houseHash(second), houseHash(founder));
  assert.deepEqual(dueLeaves(second, { addresses: ["192.168.1.3"] }), []);
  // It cannot sign: what is due stays due until a voter signs.
  assert.deepEqual(await renewOwnLeaves(second, { addresses: ["10.0.0.7"] }), []);
  assert.equal(dueLeaves(second, { addresses: ["10.0.0.7"] }).length, 2);
  acceptLeaves(second, await issueLeaves(founder, loadNodeId(second), leavesWanted(second, ["10.0.0.7"])));
  assert.deepEqual(dueLeaves(second, { addresses: ["10.0.0.7"] }), []);
});

test("a node that leaves its house of one for another keeps nothing that could be taken for the new one's", async (t) => {
  const [founder, other] = [newFolder(t), newFolder(t)];
  await Promise.all([loadTrust(founder, { addresses }), loadTrust(other, { addresses })]);
  await revokeNode(other, "aaaaaaaaaaaaaaaa");
  const leaves = await issueLeaves(founder, loadNodeId(other), leavesWanted(other, addresses));
  const files = trustFiles(founder);
  acceptHouse(other, { ca: readFileSync(files.ca, "utf8"), crl: readFileSync(files.crl), removed: [], leaves });
  assert.equal(houseHash(other), houseHash(founder));
  assert.deepEqual(removedNodes(other), []);
  await assert.rejects(issueLeaves(other, loadNodeId(other), leavesWanted(other, addresses)), /does not hold the key/);
  await loadTrust(other, { addresses: ["10.0.0.9"] }); // its next start, with another address: nothing that it could sign itself
  assert.equal(dueLeaves(other, { addresses: ["10.0.0.9"] }).length, 2);
});

test("a node that forgets its house is the same node without one", async (t) => {
  const { second } = await twoNodes(t);
  const before = loadNodeId(second);
  forgetHouse(second);
  assert.deepEqual([hasTrust(second), houseHash(second), removedNodes(second)], [false, undefined, []]);
  assert.equal(loadNodeId(second), before);
  forgetHouse(second);
  await loadTrust(second, { addresses });
  assert.deepEqual(dueLeaves(second, { addresses }), []);
});

test("nothing is signed for another's key, for a name that is no address, or without the CA's key", async (t) => {
  const { founder, second } = await twoNodes(t);
  const wanted = leavesWanted(second, addresses);
  await assert.rejects(issueLeaves(founder, loadNodeId(founder), wanted), /the key is not the node's/);
  await assert.rejects(issueLeaves(founder, loadNodeId(second), { ...wanted, names: ["bank.example"] }), /"bank.example" is no IP address/);
  await assert.rejects(issueLeaves(second, loadNodeId(second), wanted), /does not hold the key/);
});

test("certificates of another house or for another key are not accepted", async (t) => {
  const [{ founder, second }, other] = [await twoNodes(t), await twoNodes(t)];
  const before = contents(second);
  const foreign = await issueLeaves(other.founder, loadNodeId(second), leavesWanted(second, addresses));
  assert.throws(() => acceptLeaves(second, foreign), /not this node's, or not of its house/);
  const wanted = leavesWanted(second, addresses);
  const keys = { ...wanted.keys, ingress: publicKeyOf(createKey()) };
  const exchanged = await issueLeaves(founder, loadNodeId(second), { ...wanted, keys });
  assert.throws(() => acceptLeaves(second, exchanged), /for ingress/);
  assert.deepEqual(contents(second), before);
});

test("a node that is promoted holds the CA's key and can sign, and takes no other house's", async (t) => {
  const { founder, second } = await twoNodes(t);
  assert.throws(() => holdAuthority(second, createKey()), /does not belong/);
  holdAuthority(second, authorityKey(founder));
  await renewOwnLeaves(second, { addresses: ["10.0.0.9"] });
  assert.deepEqual(dueLeaves(second, { addresses: ["10.0.0.9"] }), []);
});

test("a removed node is on the list with all its leaves, gets none any more, and the list never shrinks", async (t) => {
  const { founder, second } = await twoNodes(t);
  const third = "aaaaaaaaaaaaaaaa";
  const old = await revokeNode(founder, third);
  const { crl, removed } = await revokeNode(founder, loadNodeId(second));
  assert.deepEqual(removed, [third, loadNodeId(second)]);
  const ca = readFileSync(trustFiles(founder).ca, "utf8");
  assert.deepEqual(await readCrl(ca, readFileSync(trustFiles(founder).crl)), removed.flatMap(serialNumbersOf));
  await assert.rejects(issueLeaves(founder, loadNodeId(second), leavesWanted(second, addresses)), /was removed/);
  await acceptCrl(founder, old.crl, old.removed); // comes late
  assert.deepEqual(removedNodes(founder), removed);
  await acceptCrl(second, crl, removed);
  assert.deepEqual(removedNodes(second), removed);
});

test("a list of removed nodes that the house did not sign, or that lacks one, is refused", async (t) => {
  const { founder, second } = await twoNodes(t);
  const stranger = await createAuthority("Fossora house", Date.now());
  await assert.rejects(acceptCrl(founder, stranger.crl, []), /not signed by the house/);
  await assert.rejects(acceptCrl(founder, readFileSync(trustFiles(founder).crl), [loadNodeId(second)]), /it lacks/);
});
