// What nodes of one house ask each other of containers, over port 733: the asker's end, and the other's. Only members are heard there.
import type { Duplex } from "node:stream";
import type { NodeName } from "../api/resource.ts";
import type { ErrorStatus } from "../api/wire.ts";
import { MeshUnreachable } from "../api/errors.ts";
import type { MeshStreamAnswer } from "../mesh-ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import { openLocalLogs, type LogHead, type LogItem, type LogRequest, type LogSource } from "./local-logs.ts";
import { candidates, inTime, openLocalExec, pump, roomAgain, type ExecRequest } from "./local-exec.ts";
import type { Peers, ServerPorts } from "./ports.ts";

/** `refused`: the same that a client would have been told there. */
type Answer<T> = { readonly ok: T } | { readonly refused: ErrorStatus };

/** So often a stream shows that it is there, and so long it may be silent. */
const ALIVE_EVERY_MS = 4_000;
const SILENT_MS = 12_000;
/** Shorter than whoever asks waits: so they know that nothing was begun here, and ask another node. */
const LOOK_WITHIN_MS = 3_000;
/** Longer than any line that a node sends. */
const LINE_BYTES_MAX = 1024 * 1024;

export interface OpenExec {
  readonly container: string;
  readonly bytes: Duplex;
}

/** Throws ApiError as the other node does, and MeshUnreachable. */
export async function openRemoteLogs(peers: Peers, node: NodeName, request: LogRequest, signal: AbortSignal): Promise<LogSource> {
  const { answer, bytes } = await peers.stream(node, "logs", request, signal);
  return { head: granted(answer as Answer<LogHead>, bytes), items: itemsOf(bytes, signal) }; // a member's own answer
}

/** Throws ApiError as the other node does, and MeshUnreachable. */
export async function openRemoteExec(peers: Peers, node: NodeName, request: ExecRequest, signal: AbortSignal): Promise<OpenExec> {
  const { answer, bytes } = await peers.stream(node, "exec", request, signal);
  return { ...granted(answer as Answer<{ readonly container: string }>, bytes), bytes }; // as above
}

function granted<T>(given: Answer<T>, bytes: Duplex): T {
  if ("ok" in given) return given.ok;
  bytes.destroy();
  const { reason, message, ...more } = given.refused;
  throw new ApiError(reason, message, more);
}

async function* itemsOf(bytes: Duplex, signal: AbortSignal): AsyncIterable<LogItem> {
  const end = (): void => void bytes.destroy(signal.reason as Error);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  let silent = setTimeout(() => bytes.destroy(new MeshUnreachable("It says nothing more")), SILENT_MS);
  let rest = "";
  try {
    bytes.setEncoding("utf8");
    for await (const chunk of bytes as AsyncIterable<string>) {
      silent = silent.refresh();
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > LINE_BYTES_MAX) throw new Error(`A line is longer than ${LINE_BYTES_MAX} bytes`);
      for (const part of parts) if (part !== "") yield JSON.parse(part) as LogItem; // a member's own form
    }
  } finally {
    clearTimeout(silent);
    signal.removeEventListener("abort", end);
    bytes.destroy();
  }
}

/** The other end. What is refused is an answer, too: it is to reach whoever asked as it is. */
export async function answerStream(ports: ServerPorts, method: string, body: unknown, signal: AbortSignal): Promise<MeshStreamAnswer> {
  try {
    if (method === "logs") return await serveLogs(ports, body as LogRequest, signal); // a member's own form
    if (method === "exec") return await serveExec(ports, body as ExecRequest, signal); // as above
    throw new ApiError("NotFound", `There is no stream "${method}" between nodes: they are not of the same release`, {
      next: "fossora version",
    });
  } catch (error) {
    return { answer: { refused: statusOf(error) } satisfies Answer<never>, run: (bytes) => void bytes.end() };
  }
}

async function serveLogs(ports: ServerPorts, request: LogRequest, asked: AbortSignal): Promise<MeshStreamAnswer> {
  const ended = new AbortController();
  const source = await openLocalLogs(ports, request, AbortSignal.any([ended.signal]));
  asked.throwIfAborted();
  return {
    answer: { ok: source.head } satisfies Answer<LogHead>,
    run: (bytes) => {
      bytes.on("error", () => bytes.destroy()).on("close", () => ended.abort(new Error("The other node has gone")));
      bytes.resume(); // nothing is said, but its end is to be heard
      void writeItems(source.items, bytes).catch((error: unknown) => bytes.destroy(error as Error)); // whoever reads hears of it as an end
    },
  };
}

async function writeItems(items: AsyncIterable<LogItem>, bytes: Duplex): Promise<void> {
  const alive = setInterval(() => bytes.writableNeedDrain || bytes.write("\n"), ALIVE_EVERY_MS);
  try {
    for await (const item of items) {
      if (bytes.destroyed) return;
      if (!bytes.write(`${JSON.stringify(item)}\n`)) await roomAgain(bytes);
    }
    bytes.end();
  } finally {
    clearInterval(alive);
  }
}

/** What whoever asked waits for no more is not begun. */
async function serveExec(ports: ServerPorts, request: ExecRequest, asked: AbortSignal): Promise<MeshStreamAnswer> {
  const ended = new AbortController();
  const giveUp = (): void => ended.abort(asked.reason);
  asked.addEventListener("abort", giveUp, { once: true });
  if (asked.aborted) giveUp();
  try {
    const found = await inTime(ports, ended.signal, {
      withinMs: LOOK_WITHIN_MS,
      late: new ApiError("Unreachable", `Cannot exec: the Docker of ${ports.identity.node} does not answer.`, {
        next: "fossora get nodes",
      }),
      run: (each) => candidates(ports, request, each),
    });
    const { container, session } = await openLocalExec(ports, request, found, ended.signal);
    return {
      answer: { ok: { container } } satisfies Answer<unknown>,
      run: (bytes) => {
        bytes.on("error", () => bytes.destroy()).on("close", () => ended.abort(new Error("The other node has gone")));
        void pump(session, bytes);
      },
    };
  } finally {
    asked.removeEventListener("abort", giveUp);
  }
}
