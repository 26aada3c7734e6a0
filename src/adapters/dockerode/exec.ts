// A command inside a running container: its terminal or its three streams over one hijacked connection.
import type { Duplex } from "node:stream";
import type { Exec } from "dockerode";
import type { Containers, ExecSession, LogChunk } from "../../container-ports.ts";
import type { Connection } from "./connection.ts";
import { demultiplexed, raw } from "./streams.ts";

type ExecOptions = Parameters<Containers["exec"]>[2];

/** An aborted signal ends the connection, not the command: Docker has no call for that. */
export async function openExec(
  connection: Connection,
  id: string,
  command: readonly string[],
  options: ExecOptions,
  signal: AbortSignal,
): Promise<ExecSession> {
  const action = `run "${command[0]}" in container "${id}"`;
  const { tty, stdin, user, workingDir } = options;
  const exec = await connection.call(action, signal, (docker, abortSignal) =>
    docker.getContainer(id).exec({
      Cmd: [...command],
      Tty: tty,
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      abortSignal,
      ...(user !== undefined && { User: user }),
      ...(workingDir !== undefined && { WorkingDir: workingDir }),
    }),
  );
  const socket = await connection.call(action, signal, () => exec.start({ hijack: true, stdin, Tty: tty }));
  return session({ connection, exec, socket, tty, action }, signal);
}

interface Opened {
  readonly connection: Connection;
  readonly exec: Exec;
  readonly socket: Duplex;
  readonly tty: boolean;
  readonly action: string;
}

function session({ connection, exec, socket, tty, action }: Opened, signal: AbortSignal): ExecSession {
  const close = (): void => void socket.destroy();
  signal.addEventListener("abort", close, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", close));
  socket.on("error", close); // told to whoever reads the output; without a reader it must not end the program
  return {
    output: output(socket, tty, signal),
    write: (data) => socket.write(data),
    onDrain: (run) => void socket.on("drain", run),
    end: () => void socket.end(),
    resize: (columns, rows) => connection.call(action, signal, (_docker, abortSignal) => exec.resize({ w: columns, h: rows, abortSignal })),
    exitCode: async () => (await connection.call(action, signal, (_docker, abortSignal) => exec.inspect({ abortSignal }))).ExitCode ?? 0,
    close,
  };
}

async function* output(socket: Duplex, tty: boolean, signal: AbortSignal): AsyncIterable<LogChunk> {
  try {
    yield* tty ? raw(socket) : demultiplexed(socket);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
