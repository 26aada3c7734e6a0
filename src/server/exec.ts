// `exec`: the client's connection is upgraded, and frames go both ways between it and a command in a container, on whichever node that is.
import type { Duplex } from "node:stream";
import { EXEC_PROTOCOL } from "../api/exec-frames.ts";
import { MeshUnreachable, OutcomeUnknown } from "../api/errors.ts";
import type { NodeName } from "../api/resource.ts";
import type { ErrorStatus } from "../api/wire.ts";
import type { Container } from "../container-ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import { instancesOf, isDown } from "./instances.ts";
import {
  candidates,
  inTime,
  isHealthy,
  meantBy,
  nothingRuns,
  openLocalExec,
  pump,
  type AskedExec,
  type ExecRequest,
} from "./local-exec.ts";
import { openRemoteExec } from "./member-streams.ts";
import type { ServerPorts } from "./ports.ts";

const OPEN_WITHIN_MS = 5_000;
/** Whether the node of a command is Down is looked at this often. */
const LOOK_AGAIN_MS = 2_000;

/** Where the command runs, and how whoever asked is tied to it. */
interface Opened {
  readonly container: string;
  /** Absent: here. */
  readonly node?: NodeName;
  run(socket: Duplex): void;
}

/** Answers over the socket in every case, and closes it. */
export async function runExec(ports: ServerPorts, asked: AskedExec, socket: Duplex, signal: AbortSignal): Promise<void> {
  let opened: Opened;
  try {
    if (asked.command.length === 0)
      throw new ApiError("BadRequest", "Cannot exec: no command was given.", { next: `fossora exec -it ${asked.service} -- sh` });
    opened = await openSomewhere(ports, meantBy(asked, ports), signal);
  } catch (error) {
    refuse(socket, statusOf(error));
    return;
  }
  const { container, node } = opened;
  const where = node === undefined ? "" : `Fossora-Node: ${node}\r\n`;
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${EXEC_PROTOCOL}\r\nFossora-Container: ${container}\r\n${where}\r\n`,
  );
  opened.run(socket);
}

/**
 * A ready instance here, else one elsewhere; then any that runs. An engine that is away stands in no other node's way. Throws what was heard
 * last: Unreachable where those that know do not answer, or where one may run it already; NotFound where nobody says anything else.
 */
async function openSomewhere(ports: ServerPorts, request: ExecRequest, signal: AbortSignal): Promise<Opened> {
  const silent: NodeName[] = [];
  let failure: Error | undefined;
  const elsewhere = nodesElsewhere(ports, request);
  const isAlone = elsewhere.ready.length + elsewhere.others.length === 0;
  const look = (each: AbortSignal): Promise<readonly Container[]> => candidates(ports, request, each);
  const here = await (isAlone ? look(signal) : inTime(ports, signal, { withinMs: OPEN_WITHIN_MS, late: dockerSilent(), run: look })).catch(
    (error: unknown) => {
      failure = error as Error; // nothing else is thrown there
      return [];
    },
  );
  signal.throwIfAborted();
  if (here[0] !== undefined && isHealthy(here[0])) return openHere(ports, request, signal);
  const open = async (nodes: readonly NodeName[]): Promise<Opened | undefined> => {
    for (const node of nodes) {
      const opened = await openThere(ports, node, request, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        if (error instanceof OutcomeUnknown) throw mayRun(node);
        const reason = error instanceof ApiError ? error.status.reason : undefined;
        if (reason === "BadRequest") throw error;
        if (error instanceof MeshUnreachable) silent.push(node);
        if (reason !== "NotFound") failure = error as Error; // as above
        return undefined;
      });
      if (opened !== undefined) return opened;
    }
    return undefined;
  };
  const opened = (await open(elsewhere.ready)) ?? (here.length > 0 ? await openHere(ports, request, signal) : await open(elsewhere.others));
  if (opened !== undefined) return opened;
  if (failure === undefined) throw nothingRuns(request, ports.peers.names().length === 0 ? ports.identity.node : "any node");
  if (!(failure instanceof MeshUnreachable)) throw failure;
  throw new ApiError("Unreachable", `Cannot exec: "${request.service}" runs on ${silent.join(", ")}, which does not answer.`, {
    next: "fossora get nodes",
  });
}

/** A command is for one node alone: no other one is asked. */
function mayRun(node: NodeName): ApiError {
  return new ApiError("Unreachable", `Cannot exec: ${node} was asked to run the command and does not answer. It may run there.`, {
    next: "fossora get nodes",
  });
}

function dockerSilent(): ApiError {
  return new ApiError("Unreachable", "Cannot exec: the Docker of this computer does not answer.", { next: "fossora status" });
}

function nodesElsewhere(
  ports: ServerPorts,
  { service, instance }: ExecRequest,
): { readonly ready: readonly NodeName[]; readonly others: readonly NodeName[] } {
  const own = ports.identity.node;
  const meant = instancesOf(ports, service).filter((each) => each.node !== own && (instance ?? each.name) === each.name);
  const ready = new Set(meant.filter((each) => each.ready).map(({ node }) => node));
  const others = new Set(meant.map(({ node }) => node)).difference(ready);
  return { ready: [...ready], others: [...others] };
}

async function openHere(ports: ServerPorts, request: ExecRequest, signal: AbortSignal): Promise<Opened> {
  const { container, session } = await openLocalExec(ports, request, await candidates(ports, request, signal), signal);
  return { container, run: (socket) => void pump(session, socket) };
}

async function openThere(ports: ServerPorts, node: NodeName, request: ExecRequest, signal: AbortSignal): Promise<Opened> {
  const { container, bytes } = await inTime(ports, signal, {
    withinMs: OPEN_WITHIN_MS,
    late: new MeshUnreachable(`${node} does not answer`),
    run: (each) => openRemoteExec(ports.peers, node, request, each),
  });
  return {
    container,
    node,
    run(socket) {
      tie(socket, bytes);
      void letGoOfDown(ports, node, bytes);
    },
  };
}

/** One that lost its power ends no connection: its kernel would be waited for a quarter of an hour. */
async function letGoOfDown(ports: ServerPorts, node: NodeName, bytes: Duplex): Promise<void> {
  const ended = new AbortController();
  bytes.once("close", () => ended.abort(new Error("The command is over")));
  while (!bytes.destroyed) {
    if (isDown(ports, node)) bytes.destroy();
    else await ports.clock.sleep(LOOK_AGAIN_MS, ended.signal).catch(() => undefined);
  }
}

/** Whoever of them ends takes the other along, once it has all that was said. */
function tie(socket: Duplex, bytes: Duplex): void {
  bytes.on("error", () => socket.destroy()).on("close", () => socket.end());
  socket.on("close", () => bytes.destroy());
  socket.pipe(bytes);
  bytes.pipe(socket);
}

/** An ordinary HTTP answer instead of the upgrade. */
export function refuse(socket: Duplex, status: ErrorStatus): void {
  const body = `${JSON.stringify(status)}\n`;
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
