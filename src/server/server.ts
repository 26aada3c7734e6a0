// The HTTP API of the node: on a unix socket, for the CLI and whoever else may open it. Here requests find their handlers.
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { closest } from "../api/names.ts";
import { isStored, kindByWord, SERVED_KINDS, type ServedKindNames } from "../api/kinds.ts";
import { METRICS_CONTENT_TYPE } from "../api/prometheus.ts";
import type { VersionAnswer } from "../api/wire.ts";
import type { MeshStreamAnswer } from "../mesh-ports.ts";
import { ApiError, statusOf } from "./api-error.ts";
import { applyManifests, readApplyRequest } from "./apply.ts";
import { deleteObject } from "./delete.ts";
import { describe } from "./describe.ts";
import { dnsFacts } from "./dns-facts.ts";
import { drill } from "./drill.ts";
import { refuse, runExec } from "./exec.ts";
import { answerHouse } from "./house.ts";
import { summarise, summariseOutside } from "./house-summary.ts";
import { JsonLines, parseJson, readBody, sendJson, sendStatus, sendText } from "./http.ts";
import { streamLogs } from "./logs.ts";
import { scrape } from "./metrics.ts";
import { movesOf } from "./moves.ts";
import { changeNode, readNodeChange } from "./node-change.ts";
import { list, readOne, watch } from "./objects.ts";
import type { NodePorts, ServerPorts } from "./ports.ts";
import { refuseWithoutQuorum, sayAge, withReason } from "./no-quorum.ts";
import { answerStream } from "./member-streams.ts";
import { listed } from "./own-writes.ts";
import { count, flag, text } from "./query.ts";
import { changeRollout, historyOf, readRolloutChange } from "./rollout.ts";
import { answerRebalance } from "./rebalance.ts";
import { answerTakeover } from "./takeover.ts";
import { top } from "./top.ts";
import { WatchHub } from "./watch.ts";

const HEADERS_TIMEOUT_MS = 10_000;
/** The words of a command are in its address, as are the names that `--wait` looks at. As much as another node takes. */
const HEADERS_BYTES_MAX = 1024 * 1024;
const CLOSE_WITHIN_MS = 2_000;
const DEFAULT_MANAGER = "cli";

/** One request: where it goes and what it asks. */
interface Call {
  readonly method: string;
  readonly path: readonly string[];
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborted when the client goes. */
  readonly signal: AbortSignal;
}

export class ApiServer {
  readonly #node: NodePorts;
  #house: { readonly ports: ServerPorts; readonly hub: WatchHub } | undefined;
  readonly #server: HttpServer;
  readonly #closing = new AbortController();
  /** Connections that `exec` took over. */
  readonly #upgraded = new Set<Duplex>();

  constructor(node: NodePorts) {
    this.#node = node;
    // Uploads and watches take as long as they take.
    this.#server = createServer(
      { requestTimeout: 0, headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: HEADERS_BYTES_MAX, keepAliveTimeout: 5_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.on("upgrade", (request: IncomingMessage, socket: Duplex) => void this.#upgrade(request, socket));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** From now on; watches of the house before end. */
  setHouse(ports: ServerPorts | undefined): void {
    this.#house?.hub.close();
    this.#house = ports && { ports, hub: new WatchHub(ports) };
  }

  /** For another node of the house, over port 733. */
  async stream(method: string, body: unknown, signal: AbortSignal): Promise<MeshStreamAnswer> {
    return answerStream(this.#ports, method, body, signal);
  }

  /** The caller has removed a socket that nobody answers, and sets mode and group before it lets anyone know. */
  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject).listen(socketPath, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
  }

  /** Ends watches, streams and sessions; requests that are being answered get their answer, if it comes soon. */
  close(): Promise<void> {
    this.setHouse(undefined);
    this.#closing.abort(new Error("The server stops"));
    for (const socket of this.#upgraded) socket.destroy();
    const cancel = this.#node.clock.timer(CLOSE_WITHIN_MS, () => this.#server.closeAllConnections());
    return new Promise((resolve) => {
      this.#server.close(() => {
        cancel();
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  get #ports(): ServerPorts {
    return this.#inHouse.ports;
  }

  get #inHouse(): { readonly ports: ServerPorts; readonly hub: WatchHub } {
    if (this.#house !== undefined) return this.#house;
    throw new ApiError("NoHouse", `This node belongs to no house yet, so there is nothing to ask it for: ${this.#node.outside()}`, {
      next: "fossora status",
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.on("close", () => gone.abort(new Error("The client has gone")));
    try {
      const { pathname, searchParams } = urlOf(request);
      const signal = AbortSignal.any([gone.signal, this.#closing.signal]);
      await this.#route({ method: request.method ?? "GET", path: partsOf(pathname), query: searchParams, request, response, signal });
    } catch (error) {
      this.#fail(request, response, error);
    }
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const status = withReason(statusOf(error), this.#house?.ports);
    if (response.headersSent) {
      // A stream that broke: its last line says why, if anyone still reads.
      if (!response.destroyed) response.end(`${JSON.stringify({ type: "ERROR", status })}\n`);
      return;
    }
    if (status.reason === "InternalError") this.#node.log.error("Request failed", { method: request.method, url: request.url, error });
    sendStatus(response, status);
  }

  async #route(call: Call): Promise<void> {
    const [root, version, first, ...rest] = call.path;
    const house = this.#house?.ports;
    if (root === "healthz" && call.path.length === 1)
      return sendJson(call.response, 200, { kind: "Health", node: this.#node.identity.node, fresh: house?.reader.fresh === true });
    if (root === "metrics" && call.path.length === 1)
      return sendText(call.response, METRICS_CONTENT_TYPE, await scrape(this.#ports, call.signal));
    if (root !== "api" || version !== "v1") throw unknownPath(call);
    if (first === "status" && rest.length === 0)
      return sendJson(call.response, 200, house === undefined ? summariseOutside(this.#node) : await summarise(house, call.signal));
    if (first === "version" && rest.length === 0) return sendJson(call.response, 200, await this.#version(call.signal));
    const { method, request, response, signal } = call;
    const ofHouse = await answerHouse(this.#node, call.path.slice(2), {
      method,
      signal,
      body: async () => parseJson(await readBody(request)),
    });
    if (ofHouse !== undefined) return sendJson(response, 200, ofHouse);
    if (first === "takeover" && rest.length === 0) return sendJson(response, 200, await this.#takeover(call));
    if (first === "top" && rest.length === 0) return sendJson(response, 200, await top(this.#ports, signal));
    if (first === "dns-facts" && rest.length === 0) return sendJson(call.response, 200, await dnsFacts(this.#ports, call.signal));
    await listed(this.#ports);
    if (method === "GET") sayAge(response, this.#ports);
    else refuseWithoutQuorum(this.#ports);
    if (first === "rebalance" && rest.length === 0) {
      const body = async (): Promise<unknown> => parseJson(await readBody(request));
      return sendJson(response, 200, await answerRebalance(this.#ports, { method, body, signal }));
    }
    return first === undefined ? this.#apply(call) : this.#routeObjects(call, namesOfPath(first), rest);
  }

  async #routeObjects(call: Call, names: ServedKindNames, [name, part, ...more]: readonly string[]): Promise<void> {
    if (more.length > 0) throw unknownPath(call);
    if (call.method === "DELETE" && name !== undefined && part === undefined) return this.#delete(call, names, name);
    if (call.method === "PATCH" && names.kind === "Membership" && name !== undefined && part === undefined) {
      const change = readNodeChange(parseJson(await readBody(call.request)));
      return sendJson(call.response, 200, await changeNode(this.#ports, name, change, call.signal));
    }
    if (call.method === "PATCH" && names.kind === "Service" && name !== undefined && part === "rollout") {
      const change = readRolloutChange(parseJson(await readBody(call.request)));
      return sendJson(call.response, 200, await changeRollout(this.#ports, name, change, call.signal));
    }
    if (call.method !== "GET")
      throw new ApiError(
        "BadRequest",
        `Cannot ${call.method} ${call.request.url}: objects are read with GET, changed by PATCH /api/v1 and removed with DELETE.`,
      );
    if (name === undefined) return this.#readMany(call, names);
    if (part === undefined) return sendJson(call.response, 200, await readOne(this.#ports, names, name, call.signal));
    if (part === "describe")
      return sendJson(call.response, 200, await describe(this.#ports, await readOne(this.#ports, names, name, call.signal), call.signal));
    if (part === "moves" && names.kind === "Membership") return sendJson(call.response, 200, movesOf(this.#ports, name));
    if (part === "drill" && names.kind === "Membership") return sendJson(call.response, 200, await drill(this.#ports, name, call.signal));
    if (part === "rollout" && names.kind === "Service")
      return sendJson(call.response, 200, { kind: "RolloutHistory", revisions: await historyOf(this.#ports, name, call.signal) });
    if (part === "logs" && names.kind === "Service") return this.#logs(call, name);
    throw unknownPath(call);
  }

  async #readMany(call: Call, names: ServedKindNames): Promise<void> {
    if (!flag(call.query, "watch")) return sendJson(call.response, 200, await list(this.#ports, names, call.query, call.signal));
    const { request, response, signal } = call;
    const { ports, hub } = this.#inHouse;
    return watch(ports, names, call.query, { hub, request, response, signal });
  }

  async #apply(call: Call): Promise<void> {
    if (call.method !== "PATCH")
      throw new ApiError(
        "BadRequest",
        `Cannot ${call.method} /api/v1: manifests are applied with PATCH, objects are read below /api/v1/services and the like.`,
      );
    const body = readApplyRequest(call.request.headers["content-type"], await readBody(call.request), text(call.query, "file"));
    const prune = text(call.query, "prune");
    const options = {
      manager: this.#manager(call),
      dryRun: flag(call.query, "dryRun"),
      force: flag(call.query, "force"),
      leaveOutUnknown: flag(call.query, "leaveOutUnknown"),
      ...(prune !== undefined && { prune }),
    };
    sendJson(call.response, 200, await applyManifests(this.#ports, body, options, call.signal));
  }

  async #delete(call: Call, names: ServedKindNames, name: string): Promise<void> {
    if (!isStored(names.kind))
      throw new ApiError(
        "BadRequest",
        `Cannot delete ${names.singular}/${name}: ${names.plural} are read-only. Delete or change what they belong to.`,
        { next: `fossora describe ${names.singular} ${name}` },
      );
    const request = {
      kind: names.kind,
      name,
      manager: this.#manager(call),
      force: flag(call.query, "force"),
      dryRun: flag(call.query, "dryRun"),
    };
    sendJson(call.response, 200, await deleteObject(this.#ports, request, call.signal));
  }

  async #logs(call: Call, service: string): Promise<void> {
    const { query, response, signal } = call;
    const instance = text(query, "instance");
    const container = text(query, "container");
    const node = text(query, "node");
    const tail = count(query, "tail");
    const since = count(query, "since");
    const request = {
      service,
      follow: flag(query, "follow"),
      previous: flag(query, "previous"),
      ...(instance && { instance }),
      ...(container && { container }),
      ...(node && { node }),
      ...(tail !== undefined && { tail }),
      ...(since !== undefined && { since }),
    };
    await streamLogs(this.#ports, request, () => new JsonLines(response), signal);
  }

  async #version(signal: AbortSignal): Promise<VersionAnswer> {
    const store = await this.#house?.ports.store.status(signal).catch(() => undefined);
    return { kind: "Version", node: this.#node.identity.node, version: this.#node.version, store: store?.version ?? "" };
  }

  #takeover({ method, query }: Call): Promise<unknown> {
    const { takeover } = this.#ports;
    if (takeover === undefined) throw new ApiError("BadRequest", "This node is a house of one: there is nothing to take over.");
    return answerTakeover(takeover, { method, ignoresAddress: flag(query, "ignoreAddress") });
  }

  #manager(call: Call): string {
    return text(call.query, "manager") ?? DEFAULT_MANAGER;
  }

  /** Only `exec` upgrades its connection. */
  async #upgrade(request: IncomingMessage, socket: Duplex): Promise<void> {
    const gone = new AbortController();
    this.#upgraded.add(socket);
    socket.on("error", () => socket.destroy()).on("end", () => socket.destroy());
    socket.on("close", () => {
      this.#upgraded.delete(socket);
      gone.abort(new Error("The client has gone"));
    });
    try {
      const { pathname, searchParams } = urlOf(request);
      const [root, version, plural, service, part, ...more] = partsOf(pathname);
      if (root !== "api" || version !== "v1" || plural !== "services" || service === undefined || part !== "exec" || more.length > 0) {
        throw new ApiError("NotFound", `Cannot upgrade ${request.url}: only services/NAME/exec can be.`);
      }
      const instance = text(searchParams, "instance");
      const container = text(searchParams, "container");
      const asked = {
        service,
        command: searchParams.getAll("command"),
        tty: flag(searchParams, "tty"),
        stdin: flag(searchParams, "stdin"),
        ...(instance && { instance }),
        ...(container && { container }),
      };
      await runExec(this.#ports, asked, socket, AbortSignal.any([gone.signal, this.#closing.signal]));
    } catch (error) {
      refuse(socket, statusOf(error));
    }
  }
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://fossora");
  } catch {
    throw new ApiError("BadRequest", `Cannot read the address "${request.url}".`);
  }
}

/** Throws URIError on a `%` that is none. */
function partsOf(pathname: string): readonly string[] {
  return pathname
    .split("/")
    .filter((part) => part !== "")
    .map((part) => decodeURIComponent(part));
}

function namesOfPath(word: string): ServedKindNames {
  const names = kindByWord(word);
  if (names) return names;
  const meant = closest(
    word,
    SERVED_KINDS.map((each) => each.plural),
  );
  throw new ApiError("NotFound", `Cannot find the kind "${word}".${meant === undefined ? "" : ` Did you mean "${meant}"?`}`, {
    next: "fossora api-resources",
  });
}

function unknownPath(call: Call): ApiError {
  return new ApiError("NotFound", `Cannot find ${call.method} ${call.request.url}: the API is below /api/v1.`);
}
