import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair, type Duplex } from "node:stream";
import { test } from "node:test";
import { ScriptedSession } from "../../test/support/transcript-house.ts";
import { encodeFrame, FrameDecoder, frameText, type Frame } from "../api/exec-frames.ts";
import { pump, roomAgain } from "./local-exec.ts";

const BLOCK_BYTES = 64 * 1024;
const BLOCKS = 256;
const TURNS = 1_000;

/** As `exec -i` does with what is piped into it. */
async function pipe(client: Duplex): Promise<void> {
  for (let block = 0; block < BLOCKS; block++)
    if (!client.write(encodeFrame("stdin", new Uint8Array(BLOCK_BYTES)))) await roomAgain(client);
  client.write(encodeFrame("end"));
}

async function exitOf(client: Duplex): Promise<string | undefined> {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  for await (const chunk of client.iterator({ destroyOnReturn: false })) frames.push(...decoder.push(chunk as Buffer)); // no encoding is set
  return frames.filter(({ type }) => type === "exit").map(frameText)[0];
}

/** All that can happen without more input has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("whoever pipes a file into a command that does not read it has to wait, and nothing of it is lost", async () => {
  const [client, bytes] = duplexPair();
  const reads = Promise.withResolvers<void>();
  let readBytes = 0;
  const session = new ScriptedSession([], async () => {
    await reads.promise;
    readBytes = (await session.readAll()).length;
    return 3;
  });
  const exit = exitOf(client);
  void pump(session, bytes);
  const piped = pipe(client);
  await settled();
  assert.ok(session.inputBytes >= BLOCK_BYTES && session.inputBytes <= 4 * BLOCK_BYTES, `${session.inputBytes} bytes wait`);
  reads.resolve();
  await piped;
  assert.deepEqual([await exit, readBytes], ["3", BLOCKS * BLOCK_BYTES]);
});

test("what a command did not read does not keep the connection open when it has ended", async () => {
  const [client, bytes] = duplexPair();
  const ends = Promise.withResolvers<number>();
  const exit = exitOf(client);
  void pump(new ScriptedSession([], () => ends.promise), bytes);
  const piped = pipe(client);
  await settled();
  ends.resolve(4);
  await piped;
  assert.equal(await exit, "4");
  const closed = once(bytes, "close");
  client.end();
  await closed;
});

test("a command whose asker has gone is let go, though the connection is open the other way", async () => {
  const [client, bytes] = duplexPair();
  const isClosed = Promise.withResolvers<void>();
  const session = new ScriptedSession([], async (_command, given) => {
    await given.readAll();
    isClosed.resolve();
    return 0;
  });
  void pump(session, bytes);
  client.end();
  await isClosed.promise;
});
