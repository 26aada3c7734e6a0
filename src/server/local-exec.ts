// A command in one of this node's containers: which of them, and frames both ways between it and whoever asked, near or far.
import type { Duplex } from "node:stream";
import { encodeFrame, FrameDecoder, frameText, type Frame } from "../api/exec-frames.ts";
import type { Container, ExecSession } from "../container-ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import { instanceName } from "./local-logs.ts";
import type { ServerPorts } from "./ports.ts";

export interface ExecRequest {
  readonly service: string;
  readonly instance?: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** Without a container: the one that the Service's port leads to. */
export type AskedExec = Omit<ExecRequest, "container"> & { readonly container?: string };

export type ExecPorts = Pick<ServerPorts, "containers" | "identity">;

export interface LocalExec {
  readonly container: string;
  readonly session: ExecSession;
}

/** Throws NotFound where none of `found` runs. `signal`: as long as the command may run. */
export async function openLocalExec(
  ports: ExecPorts,
  request: ExecRequest,
  [best]: readonly Container[],
  signal: AbortSignal,
): Promise<LocalExec> {
  signal.throwIfAborted();
  if (best === undefined) throw nothingRuns(request, ports.identity.node);
  const { command, tty, stdin } = request;
  return { container: best.name, session: await ports.containers.exec(best.id, command, { tty, stdin }, signal) };
}

/** Those that run here and are meant, a healthy one first. */
export async function candidates(
  ports: Pick<ExecPorts, "containers">,
  { service, instance, container }: ExecRequest,
  signal: AbortSignal,
): Promise<readonly Container[]> {
  const running = (await ports.containers.list(service, signal)).filter(
    (each) =>
      each.container === container &&
      each.state === "running" &&
      (instance === undefined || instance === each.instance || instance === instanceName(service, each.instance)),
  );
  return running.toSorted((a, b) => Number(isHealthy(b)) - Number(isHealthy(a)));
}

export function isHealthy({ health }: Container): boolean {
  return health === "healthy" || health === "none";
}

export function nothingRuns({ service, container }: ExecRequest, where: string): ApiError {
  return new ApiError("NotFound", `Cannot exec: no container "${container}" of "${service}" runs on ${where}.`, {
    next: `fossora describe service ${service}`,
  });
}

/** Throws NotFound. */
export function meantBy(asked: AskedExec, { reader }: Pick<ServerPorts, "reader">): ExecRequest {
  const { service } = asked;
  const desired = reader.desired("Service", service);
  if (!desired) throw new ApiError("NotFound", `Cannot exec: there is no service "${service}".`, { next: "fossora get services" });
  const { port, containers } = desired.spec;
  const container = asked.container ?? port?.container ?? containers[0]?.name ?? "";
  if (containers.some(({ name }) => name === container)) return { ...asked, container };
  const names = containers.map(({ name }) => name).join(", ");
  throw new ApiError("NotFound", `Cannot exec: "${service}" has no container "${container}"; it has ${names}.`, {
    next: `fossora describe service ${service}`,
  });
}

/** Until the command ends, or whoever asked has gone; closes both. */
export async function pump(session: ExecSession, bytes: Duplex): Promise<void> {
  const decoder = new FrameDecoder();
  const onInput = (chunk: Buffer): void => {
    try {
      for (const frame of decoder.push(chunk)) if (!take(session, frame)) bytes.pause();
    } catch {
      bytes.destroy();
    }
  };
  session.onDrain(() => bytes.resume());
  // Nobody who asks ends one way alone: the end of the input has a frame of its own.
  bytes.on("data", onInput).on("end", () => bytes.destroy());
  bytes.on("close", () => session.close());
  bytes.resume(); // from another node it comes paused
  try {
    for await (const { stream, data } of session.output) {
      if (bytes.destroyed) break;
      if (!bytes.write(encodeFrame(stream, data))) await roomAgain(bytes);
    }
    bytes.end(encodeFrame("exit", String(await session.exitCode())));
  } catch (error) {
    if (!bytes.destroyed) bytes.end(encodeFrame("error", JSON.stringify(statusOf(error))));
  } finally {
    session.close();
    bytes.off("data", onInput).resume(); // what nobody reads would keep the connection open
  }
}

/** False: no more input for now. */
function take(session: ExecSession, frame: Frame): boolean {
  if (frame.type === "stdin") return session.write(frame.payload);
  if (frame.type === "end") session.end();
  if (frame.type === "resize") {
    const [columns, rows] = frameText(frame).split("x").map(Number);
    // The command may have ended meanwhile: a window without it needs no size.
    if (columns && rows) session.resize(columns, rows).catch(() => undefined);
  }
  return true;
}

/** Throws `late` where there is no answer in time. */
export async function inTime<T>(
  { clock }: Pick<ServerPorts, "clock">,
  signal: AbortSignal,
  { withinMs, late, run }: { readonly withinMs: number; readonly late: Error; readonly run: (signal: AbortSignal) => Promise<T> },
): Promise<T> {
  const hold = new AbortController();
  const cancel = clock.timer(withinMs, () => hold.abort(late));
  try {
    return await run(AbortSignal.any([signal, hold.signal]));
  } finally {
    cancel();
  }
}

/** Resolves when there is room to write, or when the other end has gone. */
export async function roomAgain(bytes: Duplex): Promise<void> {
  if (bytes.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      bytes.off("drain", done).off("close", done);
      resolve();
    };
    bytes.on("drain", done).on("close", done);
  });
}
