// One process gives its listening sockets to the next, so that the kernel's queue of connections and datagrams is never without a reader.
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { IngressProgram } from "../../api/table.ts";
import type { HandedDown } from "./listener.ts";

const ENVIRONMENT = "FOSSORA_SOCKETS";
/** Of stdin, stdout, stderr and the channel on which the new process says that it is ready. */
const DESCRIPTORS_BEFORE = 4;
const READY_LIMIT_MS = 20_000;
const READY = "ready";

/** Starts the program with the sockets and answers its pid once it serves from them; throws when it does not, and then it is gone. */
export async function handDown(program: IngressProgram, sockets: readonly HandedDown[]): Promise<number> {
  const fds = sockets.flatMap((socket) => socket.fds);
  let next = DESCRIPTORS_BEFORE;
  const described = sockets.map((socket) => ({ ...socket, fds: socket.fds.map(() => next++) }));
  const child = spawn(program.execPath, program.args, {
    detached: true,
    stdio: ["ignore", "inherit", "inherit", "ipc", ...fds],
    env: { ...process.env, [ENVIRONMENT]: JSON.stringify(described) },
  });
  await new Promise<void>((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`it was not ready within ${READY_LIMIT_MS / 1000} s`)), READY_LIMIT_MS);
    child.once("message", (message) => (message === READY ? done() : fail(new Error("it said something else than ready"))));
    child.once("error", fail);
    child.once("exit", (code, signal) => fail(new Error(`it ended with ${signal ?? code} before it was ready`)));
    child.once("message", () => clearTimeout(timer));
    child.once("exit", () => clearTimeout(timer));
  }).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`Cannot hand over to ${program.execPath}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  });
  if (child.connected) child.disconnect();
  child.unref();
  return child.pid ?? 0;
}

/** Nobody would know of this process: whoever looks finds no ingress, and starts another one on the same ports. */
const endAlone = (): never => process.exit(1);

/**
 * What the process before this one handed down; read once, so that no child of this process takes it for its own. Until this one is
 * ready, it ends with that one.
 */
export function takeHandedDown(): readonly HandedDown[] {
  const text = process.env[ENVIRONMENT];
  delete process.env[ENVIRONMENT];
  if (process.send !== undefined) process.once("disconnect", endAlone);
  // Written by handDown of this or another release: a list of sockets by their numbers here.
  return text === undefined ? [] : (JSON.parse(text) as readonly HandedDown[]);
}

/** For sockets that this process has no use for: left open they would take connections that nobody answers. */
export function closeHandedDown(sockets: readonly HandedDown[]): void {
  for (const fd of sockets.flatMap((socket) => socket.fds)) closeSync(fd);
}

/** To the process that handed down, if there is one. */
export function sayReady(): void {
  process.off("disconnect", endAlone);
  process.send?.(READY, undefined, undefined, () => {
    if (process.connected) process.disconnect?.();
  });
}
