// A house of several computers as people make it and take it apart: invite, join, approve, look, remove, leave, each typed on a lab host.
// They are on one LAN, without a tailnet.
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { HouseSummary } from "../../src/api/wire.ts";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
/** Ten times the aim of three voters. */
const LIMIT_MS = 300_000;
const WHOAMI = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80, replicas: all }
`;

describe("the commands of a house of several computers", { skip }, () => {
  let nas: HouseNode;
  let pi4: HouseNode;
  let nuc: HouseNode;
  const { house, test } = labSuite(3, {
    tailnet: false,
    prepare: async () => {
      [nas, pi4, nuc] = [house.node(1), house.node(2), house.node(3)];
      await nas.run("up", "--node-name", "nas");
    },
  });
  const { lab } = house;

  const summary = async (node: HouseNode): Promise<HouseSummary> =>
    JSON.parse((await node.try("status", "-o", "json")).stdout) as HouseSummary; // the form that it documents
  const survives = async (node: HouseNode, what: string): Promise<void> => {
    await until(`${node.name} survives ${what}`, async () => (await summary(node)).house?.survives === what, LIMIT_MS);
  };

  test("a new computer is started and joined by one line, with the token that another one printed", async () => {
    await survives(nas, "nothing: start a second and a third computer");
    const token = (await nas.run("invite", "-q")).trim();
    assert.match(token, /^fsr1(\.[a-z2-7]+){4}$/);
    const joined = await pi4.try("join", token, "--node-name", "pi4");
    assert.equal(joined.code, 0, joined.stderr);
    assert.match(joined.stderr, /✓ in the queue\n[^]*✓ let in, the store starts\n[^]*✓ this is node 'pi4'/);
    await survives(pi4, "nothing by itself: start a third computer");
    const used = await nuc.try("join", token, "--node-name", "nuc");
    assert.equal(used.code, 1, used.stderr);
    assert.match(used.stderr, /The token was used by another computer/);
  });

  test("without a token it waits for a person, who compares six words on any node", async () => {
    const waiting = nuc.try("join", nas.address);
    const line = await until("it waits", async () => (await pi4.try("node", "approve")).stdout.split("\n")[1] || undefined, LIMIT_MS);
    const words = /Waits +(.+)$/.exec(line)?.[1] ?? "";
    assert.match((await nuc.try("status")).stdout, new RegExp(`six words of this computer: ${words}`));
    assert.match((await nas.run("status")).replaceAll("\n", " "), new RegExp(`nuc .* wants to join; its screen shows "${words}"`));
    await pi4.run("node", "approve", ...words.split(" "));
    const joined = await waiting;
    assert.equal(joined.code, 0, joined.stderr);
    assert.match(joined.stdout, /^node\/nuc joined$/m);
    await survives(nas, "any one of three");
  });

  test("any node tells of each what it is, and changes any of them", async () => {
    const rows = async (): Promise<string> => {
      const lines = (await nuc.run("get", "nodes")).trimEnd().split("\n").slice(1);
      return lines.map((row) => row.split(/ +/).slice(0, 4).join(" ")).join(", ");
    };
    // Each says by itself what it has become.
    await until("all vote", async () => (await rows()) === "nas True Ready voter, nuc True Ready voter, pi4 True Ready voter", LIMIT_MS);
    // A busy one is silent for a look.
    const told = /In the house\n {2}part +voter\n[^]*link +answers in [\d.]+ ms/;
    await until("it says how far away another one is", async () => told.test(await pi4.run("node", "describe", "nuc")), LIMIT_MS);
    await nuc.run("node", "label", "pi4", "room=attic");
    await pi4.run("node", "cordon", "nas");
    assert.match(await nas.run("get", "nodes", "--show-labels"), /nas +True +Cordoned[^]*pi4 .*room=attic/);
    await nas.run("node", "uncordon", "nas");
    await pi4.apply(WHOAMI);
    await until("it runs on all", async () => (await nas.service("whoami")).status.ready === "3/3", LIMIT_MS);
  });

  test("one that leaves ends its apps, says what stays, and comes back by a new invitation", async () => {
    const left = await pi4.try("leave", "--confirm=pi4");
    assert.equal(left.code, 0, left.stderr);
    assert.match(left.stderr, /stays: data in \/var\/lib\/fossora/);
    assert.deepEqual(await pi4.containers(), []);
    await until("it answers for the house's names no more", async () => (await pi4.request("whoami.home.internal")).status === 503);
    assert.match((await pi4.try("status")).stdout, /^pi4 belongs to no house: it left/);
    assert.doesNotMatch(await nas.run("get", "nodes"), /pi4/);
    const token = (await nuc.run("invite", "-q")).trim();
    const joined = await pi4.try("join", token);
    assert.equal(joined.code, 0, joined.stderr);
    await survives(nuc, "any one of three");
  });

  test("what would cost the quorum is refused, and one that is gone is removed", async () => {
    const [, , third] = await lab.hosts();
    assert(third);
    await lab.kill(third.name);
    await until(
      "its silence is seen",
      async () => (await summary(nas)).house?.survives.startsWith("nothing until nuc is back") === true,
      LIMIT_MS,
    );
    const refused = await nas.try("node", "remove", "pi4", "--confirm=pi4");
    assert.equal(refused.code, 5, refused.stderr);
    assert.match(
      refused.stderr,
      /Cannot remove pi4: too few voters would answer without it\. First bring back nuc\.\nnext: {2}fossora status/,
    );
    assert.equal((await nas.try("node", "remove", "nuc", "--confirm=nuc")).code, 0);
    await until("it is gone", async () => !(await nas.run("get", "nodes")).includes("nuc"), LIMIT_MS);
    await survives(nas, "nothing by itself: start a third computer");
  });

  test("the only voter may be switched off when the command that removed it has ended", async () => {
    const votes = (await summary(nas)).house?.computers.find(({ role }) => role === "voter")?.name;
    const [voter, other, named] = votes === "nas" ? [nas, pi4, "pi4"] : [pi4, nas, "nas"];
    const removed = await other.try("node", "remove", `${votes}`, `--confirm=${votes}`);
    assert.equal(removed.code, 0, removed.stderr);
    await lab.kill(voter.name);
    await other.run("node", "label", named, "room=cellar");
  });
});
