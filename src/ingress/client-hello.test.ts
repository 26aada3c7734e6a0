import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { HELLO_BYTES_MAX, readHello } from "./client-hello.ts";

/** `npm run soak` tries a million. */
const RUNS = Number(process.env["FOSSORA_HELLOS"] ?? 2000);
const SEED = process.env["FOSSORA_SEED"];
const uint = (value: number, width: number): number[] =>
  Array.from({ length: width }, (_, index) => (value >> (8 * (width - 1 - index))) & 255);
const sized = (width: number, bytes: readonly number[]): number[] => [...uint(bytes.length, width), ...bytes];
const extension = (type: number, bytes: readonly number[]): number[] => [...uint(type, 2), ...sized(2, bytes)];
const text = (name: string): number[] => [...Buffer.from(name, "latin1")];
const serverName = (name: string): number[] => extension(0, sized(2, [0, ...sized(2, text(name))]));

function helloOf(extensions: readonly number[], before: { readonly session?: number } = {}): number[] {
  const random = Array.from({ length: 34 }, () => 3);
  const session = Array.from({ length: before.session ?? 32 }, () => 7);
  const body = [...random, ...sized(1, session), ...sized(2, [19, 1]), ...sized(1, [0]), ...sized(2, extensions)];
  return [1, ...sized(3, body)];
}

/** Cut into records of so many bytes. */
function records(handshake: readonly number[], bytesEach = 2 ** 14): Uint8Array {
  const starts = Array.from({ length: Math.ceil(handshake.length / bytesEach) }, (_, index) => index * bytesEach);
  return Uint8Array.from(starts.flatMap((at) => [22, 3, 1, ...sized(2, handshake.slice(at, at + bytesEach))]));
}

const keyShare = extension(51, new Array<number>(1300).fill(9));
const films = helloOf([...keyShare, ...serverName("Films.Home.Internal."), ...extension(16, [1, 2])]);

test("the name is found among other extensions, however the message is cut into records", () => {
  for (const size of [1, 2, 3, 5, 100, 1399, 2 ** 14])
    assert.deepEqual(readHello(records(films, size)), { kind: "name", name: "films.home.internal" }, String(size));
});

test("until the message is whole more bytes are wanted", () => {
  const whole = records(films, 500);
  for (let length = 0; length < whole.length; length += 1)
    assert.equal(readHello(whole.subarray(0, length)).kind, "incomplete", String(length));
});

test("what is no TLS, or names nobody, has no name", () => {
  for (const bytes of [
    Buffer.from("GET / HTTP/1.1\r\n"),
    Buffer.from("S"),
    Uint8Array.of(22, 2),
    Uint8Array.of(22, 3, 1, 0, 0),
    Uint8Array.of(22, 3, 1, 255, 255),
    records([2, 0, 0, 1, 0]),
    records([1, 255, 255, 255]),
    records(helloOf(keyShare)),
    records(helloOf(extension(0, []))),
    records(helloOf(serverName(""))),
    records(helloOf(serverName("a b"))),
    records(helloOf(serverName("a\0.home.internal"))),
    records(helloOf(serverName("x".repeat(254)))),
  ])
    assert.equal(readHello(bytes).kind, "nameless", Buffer.from(bytes).toString("latin1"));
});

test("nobody is listened to for ever", () => {
  const dribble = records([1, ...uint(HELLO_BYTES_MAX, 3), ...new Array<number>(HELLO_BYTES_MAX).fill(0)], 1);
  assert.equal(readHello(dribble).kind, "nameless");
});

test("any bytes have exactly one answer, also those that are nearly a message", () => {
  const whole = records(films, 700);
  const mutated = fc
    .array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 })
    .map((changes) => changes.reduce((bytes, [at, value]) => bytes.with(at, value), whole));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
      const hello = readHello(bytes);
      assert.ok(["incomplete", "nameless", "name"].includes(hello.kind));
      if (hello.kind === "name") assert.match(hello.name, /^[a-z0-9_.-]{1,253}$/);
    }),
    { numRuns: RUNS, ...(SEED !== undefined && { seed: Number(SEED) }) },
  );
});
