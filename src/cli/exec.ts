// `exec`: a command in a container, with this terminal as its own if asked. Its exit code is ours.
import type { Duplex } from "node:stream";
import { encodeFrame, EXEC_PROTOCOL, FrameDecoder, frameText } from "../api/exec-frames.ts";
import { kindByWord } from "../api/kinds.ts";
import type { ErrorStatus } from "../api/wire.ts";
import type { Upgraded } from "./client.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import type { CliPorts, Verb } from "./verb.ts";

export interface ExecOptions {
  readonly target: string;
  readonly command: readonly string[];
  readonly container?: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

interface Flags {
  readonly container?: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
}

export const exec: Verb = {
  define(command, invoke) {
    command
      .argument("<service|svc/name|instance/name>", "where: in a ready instance, on whatever computer it is")
      .argument("<command...>", "what to run, behind --")
      .option("-i, --stdin", "hand on what is typed or piped")
      .option("-t, --tty", "with a terminal of its own")
      .option("-c, --container <name>", "in this container")
      .addHelpText("before", "Examples:\n  fossora exec -it jellyfin -- sh\n  fossora exec svc/paperless -c db -- psql -l\n")
      .action((target: string, words: readonly string[], flags: Flags) =>
        invoke((ports) =>
          runExec(
            {
              target,
              command: words,
              stdin: flags.stdin ?? false,
              tty: flags.tty ?? false,
              ...(flags.container !== undefined && { container: flags.container }),
            },
            ports,
          ),
        ),
      );
  },
};

export async function runExec(options: ExecOptions, ports: CliPorts): Promise<number> {
  const { service, instance } = parseTarget(options.target);
  const tty = options.tty && ports.stdin.isTty;
  if (options.tty && !tty) ports.stderr.line(`${ports.stderr.marks.warn} no terminal here: running without -t`);
  const { socket, head, headers } = await ports.client.upgrade(`/api/v1/services/${encodeURIComponent(service)}/exec`, EXEC_PROTOCOL, {
    query: {
      command: options.command,
      ...(options.stdin && { stdin: "1" }),
      ...(tty && { tty: "1" }),
      ...(options.container !== undefined && { container: options.container }),
      ...(instance !== undefined && { instance }),
    },
  });
  if (ports.interrupted.aborted) socket.destroy();
  ports.interrupted.throwIfAborted();
  if (tty && !ports.quiet) ports.stderr.line(ports.stderr.colors.dim(`in ${placeOf(headers) ?? service}`));
  const releases = [...(tty ? [connectSize(socket, ports)] : []), ...(options.stdin ? [connectInput(socket, tty, ports)] : [])];
  try {
    return await receive(socket, head, ports);
  } finally {
    for (const release of releases) release();
    socket.destroy();
  }
}

/** `jellyfin-k3f9-jellyfin on nuc`; the node only where it is another one. */
function placeOf({ "fossora-container": container, "fossora-node": node }: Upgraded["headers"]): string | undefined {
  return node === undefined ? container?.toString() : `${container?.toString()} on ${node.toString()}`;
}

function parseTarget(target: string): { readonly service: string; readonly instance?: string } {
  const [kind, name] = target.includes("/") ? target.split("/") : ["service", target];
  const names = kindByWord(kind ?? "");
  if (name && names?.kind === "Service") return { service: name };
  if (name && names?.kind === "Instance") return { service: name.slice(0, name.lastIndexOf("-")), instance: name };
  throw new Failure(EXIT.usage, `Cannot run anything in "${target}": it should be a service or an instance.`, "fossora get instances");
}

/** Answers the command's exit code. */
function receive(socket: Duplex, head: Buffer, ports: CliPorts): Promise<number> {
  return new Promise((resolve, reject) => {
    const decoder = new FrameDecoder();
    const take = (chunk: Uint8Array): void => {
      for (const frame of decoder.push(chunk)) {
        if (frame.type === "stdout") ports.stdout.bytes(frame.payload);
        if (frame.type === "stderr") ports.stderr.bytes(frame.payload);
        if (frame.type === "exit") resolve(Number(frameText(frame)));
        if (frame.type === "error") reject(new ApiFailure(JSON.parse(frameText(frame)) as ErrorStatus)); // the API's own form
      }
    };
    socket.on("data", (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        reject(error);
      }
    });
    const broken = (): void =>
      reject(
        new Failure(EXIT.unreachable, "The connection to the node broke; whether the command goes on is not known.", "fossora status"),
      );
    socket.on("error", broken).on("close", broken);
    ports.interrupted.addEventListener("abort", () => resolve(EXIT.interrupted));
    if (head.length > 0) take(head);
  });
}

/** Answers the function that gives standard input back. */
function connectInput(socket: Duplex, tty: boolean, { stdin: { stream } }: CliPorts): () => void {
  const onData = (chunk: Buffer): void => {
    if (!socket.write(encodeFrame("stdin", chunk))) {
      stream.pause();
      socket.once("drain", () => stream.resume());
    }
  };
  const onEnd = (): void => void socket.write(encodeFrame("end"));
  if (tty) stream.setRawMode(true);
  stream.on("data", onData).on("end", onEnd);
  return () => {
    stream.off("data", onData).off("end", onEnd).pause();
    if (tty) stream.setRawMode(false);
  };
}

/** Tells the size of the window now and whenever it changes; answers the function that stops it. */
function connectSize(socket: Duplex, { stdout }: CliPorts): () => void {
  const tell = (): void => void socket.write(encodeFrame("resize", `${stdout.columns}x${stdout.rows}`));
  tell();
  return stdout.onResize(tell);
}
