// `exec`: the client's connection is upgraded, and frames go both ways between it and a command in a container.
import type { Duplex } from "node:stream";
import { encodeFrame, EXEC_PROTOCOL, FrameDecoder, frameText, type Frame } from "../api/exec-frames.ts";
import type { ErrorStatus } from "../api/wire.ts";
import type { Container, ExecSession } from "../container-ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import type { ServerPorts } from "./ports.ts";

export interface ExecRequest {
  readonly service: string;
  readonly instance?: string;
  readonly container?: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** Answers over the socket in every case, and closes it. */
export async function runExec(ports: ServerPorts, request: ExecRequest, socket: Duplex, signal: AbortSignal): Promise<void> {
  let session: ExecSession;
  let chosen: Container;
  try {
    if (request.command.length === 0)
      throw new ApiError("BadRequest", "Cannot exec: no command was given.", { next: `fossora exec -it ${request.service} -- sh` });
    chosen = await choose(ports, request, signal);
    session = await ports.containers.exec(chosen.id, request.command, { tty: request.tty, stdin: request.stdin }, signal);
  } catch (error) {
    refuse(socket, statusOf(error));
    return;
  }
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${EXEC_PROTOCOL}\r\nFossora-Container: ${chosen.name}\r\n\r\n`,
  );
  await pump(session, socket);
}

async function pump(session: ExecSession, socket: Duplex): Promise<void> {
  const decoder = new FrameDecoder();
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const frame of decoder.push(chunk)) take(session, frame);
    } catch {
      socket.destroy();
    }
  });
  socket.on("close", () => session.close());
  try {
    for await (const { stream, data } of session.output) {
      if (socket.destroyed) break;
      if (!socket.write(encodeFrame(stream, data))) await roomAgain(socket);
    }
    socket.end(encodeFrame("exit", String(await session.exitCode())));
  } catch (error) {
    if (!socket.destroyed) socket.end(encodeFrame("error", JSON.stringify(statusOf(error))));
  } finally {
    session.close();
  }
}

function take(session: ExecSession, frame: Frame): void {
  if (frame.type === "stdin") session.write(frame.payload);
  if (frame.type === "end") session.end();
  if (frame.type === "resize") {
    const [columns, rows] = frameText(frame).split("x").map(Number);
    // The command may have ended meanwhile: a window without it needs no size.
    if (columns && rows) session.resize(columns, rows).catch(() => undefined);
  }
}

/** The named container, else the one that the Service's port leads to, in an instance that runs. */
async function choose(ports: ServerPorts, request: ExecRequest, signal: AbortSignal): Promise<Container> {
  const { service, instance, container } = request;
  const desired = ports.reader.desired("Service", service);
  if (!desired) throw new ApiError("NotFound", `Cannot exec: there is no service "${service}".`, { next: "fossora get services" });
  const wanted = container ?? desired.spec.port?.container ?? desired.spec.containers[0]?.name;
  if (!desired.spec.containers.some((each) => each.name === wanted)) {
    throw new ApiError(
      "NotFound",
      `Cannot exec: "${service}" has no container "${wanted}"; it has ${desired.spec.containers.map((each) => each.name).join(", ")}.`,
      { next: `fossora describe service ${service}` },
    );
  }
  const candidates = (await ports.containers.list(service, signal)).filter(
    (each) =>
      each.container === wanted &&
      each.state === "running" &&
      (instance === undefined || instance === each.instance || instance === `${service}-${each.instance}`),
  );
  const best = candidates.find((each) => each.health === "healthy" || each.health === "none") ?? candidates[0];
  if (best) return best;
  throw new ApiError("NotFound", `Cannot exec: no container "${wanted}" of "${service}" runs on ${ports.identity.node}.`, {
    next: `fossora describe service ${service}`,
  });
}

/** An ordinary HTTP answer instead of the upgrade. */
export function refuse(socket: Duplex, status: ErrorStatus): void {
  const body = `${JSON.stringify(status)}\n`;
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

async function roomAgain(socket: Duplex): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}
