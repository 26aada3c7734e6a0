import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshRefusal } from "../../api/errors.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import { memberAnswer, type MemberRequestPorts } from "./member-requests.ts";

const report = { forMs: 1, recentMs: 1, routes: [] };
const ports = { traffic: async () => report } as unknown as MemberRequestPorts; // all that is asked for
const peer = (standing: MeshPeer["standing"]): MeshPeer => ({ standing }) as MeshPeer; // all that is looked at
const asked = { body: null, signal: new AbortController().signal };

test("what the ingress has counted is told to members alone", async () => {
  const answer = memberAnswer("traffic") ?? assert.fail("it is not answered");
  assert.deepEqual(await answer(ports, peer("member"), asked), report);
  assert.throws(() => answer(ports, peer("stranger"), asked), MeshRefusal);
});

test("nothing that an object has of its own is a question", () => {
  for (const method of ["constructor", "__proto__", "toString", "api"]) assert.equal(memberAnswer(method), undefined);
});
