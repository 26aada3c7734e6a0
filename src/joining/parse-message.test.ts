import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { houseState, join, nodeId, request, sender } from "../../test/fakes/joining.ts";
import { PROTOCOL, type Message } from "./messages.ts";
import { parseMessage, readMessage } from "./parse-message.ts";

const from = sender("a", { house: houseState(), founding: "asks" });
const envelope = { protocol: PROTOCOL, from } as const;
const admission = {
  nodeId: nodeId("b"),
  name: "b",
  role: "learner",
  memberName: `${nodeId("b")}-i1`,
  memberId: "1f",
  clusterId: "c1",
  initialCluster: [{ name: `${nodeId("a")}-i1`, peerUrl: "https://[fd7a::1]:2380" }],
} as const;

const messages: readonly Message[] = [
  { ...envelope, kind: "hello" },
  { ...envelope, kind: "hello-answer", members: ["192.168.1.10:733", "[fd7a::1]:733", "nas.tail1234.ts.net"] },
  { ...join("b"), proof: "fsr1" },
  { ...envelope, kind: "join-answer", verdict: "queued", reason: "", members: [] },
  { ...envelope, kind: "request-admission", term: 7, head: nodeId("b"), members: ["a"] },
  { ...envelope, kind: "present", request: request("b"), dataDirEmpty: true, wall: "2026-01-01T00:00:00Z" },
  { ...envelope, kind: "admitted", admission, credentials: "{}" },
  { ...envelope, kind: "started", memberId: "1f", clusterId: "c1" },
  { ...envelope, kind: "moved", peerUrl: "https://b:2380" },
  { ...envelope, from: sender("a", { foundsNone: true }), kind: "hello" },
];

for (const message of messages)
  test(`a message of kind ${message.kind} is read as it was written`, () =>
    assert.deepEqual(readMessage(JSON.stringify(message)), message));

const wrong: readonly (readonly [string, unknown, RegExp])[] = [
  ["what is no object", [], /"message" must be an object/],
  ["another protocol", { ...messages[0], protocol: 2 }, /speaks protocol 2, this program 1/],
  ["an unknown kind", { ...envelope, kind: "constructor" }, /"kind" must be hello or/],
  ["no sender", { protocol: PROTOCOL, kind: "hello" }, /"from" must be an object/],
  [
    "a sender's id that is none",
    { ...envelope, kind: "hello", from: { ...from, nodeId: "A" } },
    /"from.nodeId" must be 16 characters of base32/,
  ],
  ["a flag that is none", { ...envelope, kind: "hello", from: { ...from, foundsNone: "no" } }, /"from.foundsNone" must be true or false/],
  ["too many addresses", { ...envelope, kind: "hello", from: { ...from, addresses: Array(17).fill("a") } }, /a list of at most 16/],
  ["an address that is none", { ...envelope, kind: "hello-answer", members: ["a b"] }, /"members\[0\]" must be an address/],
  ...["nas:0", "nas:65536", "192.168.1.10:99999", "[fd7a::1]:65536"].map(
    (address) =>
      [
        `the address ${address}, at a port that is none,`,
        { ...envelope, kind: "hello-answer", members: [address] },
        /"members\[0\]" must be/,
      ] as const,
  ),
  [
    "a sender's address at a port that is none",
    { ...envelope, kind: "hello", from: { ...from, addresses: ["a", "a:99999"] } },
    /"from.addresses\[1\]" must be an address/,
  ],
  [
    "a member's name that would be two",
    { ...join("b"), request: { ...request("b"), memberName: "x=https://evil,y" } },
    /request.memberName/,
  ],
  [
    "a peer URL that would be another member's",
    { ...join("b"), request: { ...request("b"), peerUrl: "https://a:1,x=https://b:2" } },
    /request.peerUrl/,
  ],
  ["an empty one among peer URLs", { ...join("b"), request: { ...request("b"), peerUrl: "https://a:1," } }, /request.peerUrl/],
  [
    "too many peer URLs",
    { ...join("b"), request: { ...request("b"), peerUrl: Array.from({ length: 5 }, (_, n) => `https://a:${n}`).join() } },
    /request.peerUrl/,
  ],
  ["a peer URL without TLS", { ...envelope, kind: "moved", peerUrl: "http://a:2380" }, /"peerUrl" must be a peer URL/],
  ["a negative term", { ...messages[4], term: -1 }, /"term" must be a whole number/],
  ["a long text", { ...messages[3], reason: "x".repeat(513) }, /"reason" must be text of at most 512 characters/],
  ["a learner without a member id", { ...messages[6], admission: { ...admission, memberId: undefined } }, /admission.memberId/],
];
for (const [what, value, error] of wrong)
  test(`${what} is refused by name`, () => assert.throws(() => parseMessage(value), { name: "SyntaxError", message: error }));

test("an address may have any port that there is, or none", () => {
  const members = ["nas:1", "nas:65535", "[fd7a::1]:65535", "[fd7a::1]", "fd7a::65536", "::1", "192.168.1.10", "fe80::1%eth0"];
  const told = { ...envelope, kind: "hello-answer", members };
  assert.deepEqual(parseMessage(told), told);
});

test("a store may be reached at several addresses", () => {
  const asked = { ...join("b"), request: { ...request("b"), peerUrl: "https://192.168.1.2:2380,https://[::ffff:100.64.0.2]:2380" } };
  assert.deepEqual(parseMessage(asked), asked);
});

test("what is too long or no JSON is refused before it is looked at", () => {
  assert.throws(() => readMessage(`"${"x".repeat(65_536)}"`), /it has 65538 characters, and at most 65536 are read/);
  assert.throws(() => readMessage("{"), { name: "SyntaxError", message: /it is no JSON/ });
});

test("whatever comes in is read or refused, and never throws anything else", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue(),
        fc.constantFrom(...messages).chain((message) => mutated(message)),
      ),
      (value) => {
        try {
          parseMessage(value);
        } catch (error) {
          assert(error instanceof SyntaxError, String(error));
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

/** One field replaced by anything. */
function mutated(message: Message): fc.Arbitrary<unknown> {
  return fc.tuple(fc.constantFrom(...Object.keys(message)), fc.jsonValue()).map(([field, value]) => ({ ...message, [field]: value }));
}
