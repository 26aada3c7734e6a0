// What every `ExecSession` must do with more input than its command reads: of the fake that tests play, and of a real Docker.
import assert from "node:assert/strict";
import type { ExecSession } from "../../src/container-ports.ts";
import { text } from "./containers-bench.ts";

const BLOCK_BYTES = 64 * 1024;
/** Far more than sockets and pipes keep. */
const BYTES_MAX = 64 * 1024 * 1024;

export interface WaitingCommand {
  readonly session: ExecSession;
  /** Until then it reads nothing; then it counts all input, and prints how many bytes there were. */
  readonly readOn: () => Promise<void>;
}

/** It says no once the command does not keep up, tells when there is room again, and loses nothing. */
export async function keepsInputWaiting({ session, readOn }: WaitingCommand): Promise<void> {
  const hasRoom = Promise.withResolvers<void>();
  session.onDrain(() => hasRoom.resolve());
  let bytes = 0;
  let goesOn = true;
  while (goesOn && bytes < BYTES_MAX) {
    goesOn = session.write(new Uint8Array(BLOCK_BYTES));
    bytes += BLOCK_BYTES;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(goesOn, false, `${bytes} bytes were taken`);
  await readOn();
  await hasRoom.promise;
  assert.equal(session.write(Buffer.from("last")), true);
  session.end();
  assert.equal((await text(session.output)).trim(), String(bytes + "last".length));
}
