// One try at one backend: what the client sends goes to the app, what the app answers goes to the client, and whoever of them does not wait
// takes the other along.
import type http from "node:http";
import type net from "node:net";
import { MeshUnreachable } from "../../api/errors.ts";
import type { AnswerHead } from "./answer-head.ts";
import type { Attempt, Outcome } from "./forwarder.ts";
import { answerHeaders, hasBody, overlaid, requestHead, upgradeHeaders } from "./headers.ts";
import { sentHere } from "./outside.ts";
import { tieSockets } from "./tie-sockets.ts";
import { RequestBody } from "./request-body.ts";
import { Upstream, type Asker, type Question } from "./upstream.ts";
import type { Upstreams } from "./upstreams.ts";

/** Why we ended a try ourselves; anything else came from the backend. */
class TimedOut extends Error {}
class TooLarge extends Error {}

export class Forwarding implements Asker {
  readonly #request: http.IncomingMessage;
  readonly #client: http.ServerResponse;
  readonly #attempt: Attempt;
  readonly #settle: (outcome: Outcome) => void;
  #upstream: Upstream | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAnswered = false;
  #isOver = false;
  /** Writes to the client that are not out. */
  #unwritten = 0;
  #isWaiting = false;
  #hasBody = false;
  #body: RequestBody | undefined;

  constructor(request: http.IncomingMessage, client: http.ServerResponse, attempt: Attempt, settle: (outcome: Outcome) => void) {
    this.#request = request;
    this.#client = client;
    this.#attempt = attempt;
    this.#settle = settle;
  }

  /** Throws where the request cannot be written. */
  start(upstreams: Upstreams): void {
    const [request, client, attempt] = [this.#request, this.#client, this.#attempt];
    const { backend, connectTimeoutMs } = attempt;
    // It left while somebody else was waited for: nobody would tell the backend later.
    if (client.destroyed) return this.#settle({ kind: "clientGone" });
    const isUpgrade = attempt.early !== undefined;
    const isOnce = isUpgrade || attempt.freshConnection;
    const method = request.method ?? "GET";
    const head = requestHead(request, {
      method,
      path: attempt.path,
      forwarded: attempt.forwarded,
      set: attempt.requestHeaders,
      upgrade: isUpgrade,
      isOnce,
    });
    const upstream = upstreams.take(backend, { isOnce, isUpgrade, limitMs: connectTimeoutMs });
    const question = { method, head, hasBody: !isUpgrade && hasBody(request) };
    if (upstream instanceof Upstream) return this.#ask(upstream, question);
    return void upstream.then(
      (way) => this.#ask(way, question),
      (error: Error) => this.#settle(client.destroyed ? { kind: "clientGone" } : { kind: "unreachable", error }),
    );
  }

  #ask(upstream: Upstream, question: Question): void {
    const [client, { connectTimeoutMs }] = [this.#client, this.#attempt];
    if (client.destroyed) {
      upstream.socket.destroy();
      return this.#settle({ kind: "clientGone" });
    }
    this.#upstream = upstream;
    this.#hasBody = question.hasBody;
    if (!upstream.isConnected) this.#limit(connectTimeoutMs, new Error(`no connection within ${connectTimeoutMs} ms`));
    // Whoever does not wait must not keep the backend busy: a film that nobody watches, an endless stream.
    client.on("close", this.#left);
    return upstream.ask(this, question);
  }

  connected(): void {
    clearTimeout(this.#timer);
    const [request, client, upstream, { responseTimeoutMs, maxBodyBytes }] = [this.#request, this.#client, this.#upstream, this.#attempt];
    if (responseTimeoutMs !== undefined) this.#limit(responseTimeoutMs, new TimedOut());
    if (!this.#hasBody || upstream === undefined) return;
    // The app may want to answer before the first byte of the body; where that is here already, head and body go together.
    upstream.socket.cork();
    setImmediate(() => upstream.socket.uncork());
    // Until now it was nobody's: had there been no connection, another instance could have had it.
    if (request.headers.expect !== undefined && request.httpVersion !== "1.0") client.writeContinue();
    this.#body = new RequestBody(request, upstream, { maxBytes: maxBodyBytes, moved: this.#more });
  }

  interim({ status, headers }: AnswerHead): void {
    const client = this.#client;
    // 100 was for us. Where there was no time to hear of a client that is gone, or of one too old, nothing is said.
    if (status !== 100 && this.#request.httpVersion !== "1.0" && !client.headersSent && !client.destroyed)
      client.writeInformation(status, headers);
  }

  answered(head: AnswerHead, body: string | undefined, isHere: boolean): void {
    clearTimeout(this.#timer);
    const { backend, responseHeaders: set, cookie } = this.#attempt;
    const client = this.#client;
    try {
      const toSet = backend.authority === undefined ? set : overlaid(sentHere(locationOf(head), backend), set);
      client.writeHead(head.status, head.message, [...answerHeaders(head.headers, toSet, cookie)]);
    } catch (error) {
      // What Node does not write, the client gets a page instead of.
      return this.#upstream?.fail(error as Error);
    }
    this.#isAnswered = true;
    // Node joins a head and a text, not a head and a buffer; Latin-1 keeps every byte.
    if (body !== undefined) client.end(body, "latin1");
    // An event stream shows its head before its first event.
    else if (!isHere) client.flushHeaders();
    return this.#settle({ kind: "answered" });
  }

  body(bytes: Buffer, isLent: boolean): boolean {
    const client = this.#client;
    if (client.destroyed) return true;
    this.#unwritten += 1;
    const isRoom = client.write(bytes, this.#written);
    // As for the other direction, see `Upstream.write`.
    this.#isWaiting = (isLent || !isRoom) && client.writableLength > 0;
    return !this.#isWaiting;
  }

  ended(): void {
    this.#isOver = true;
    if (!this.#client.writableEnded) this.#client.end();
    if (this.#body?.isOut !== false) this.#upstream = undefined;
  }

  drained(): void {
    this.#body?.resume();
  }

  upgraded(head: AnswerHead, socket: net.Socket, rest: Buffer): void {
    clearTimeout(this.#timer);
    this.#upstream = undefined;
    this.#settle(this.#switch(head, socket, rest));
  }

  failed(error: Error): void {
    clearTimeout(this.#timer);
    const upstream = this.#upstream;
    this.#upstream = undefined;
    this.#client.off("close", this.#left);
    // It answered early, or is gone: what the client still sends must not stand in the way of its next request.
    this.#body?.drop();
    if (this.#isOver) return undefined;
    // What came before it is still to be heard.
    if (this.#isAnswered) return void setImmediate(() => this.#client.destroy());
    if (this.#client.destroyed) return this.#settle({ kind: "clientGone" });
    return this.#settle(outcomeOf(error, upstream));
  }

  readonly #left = (): void => this.#upstream?.fail(new Error("the client did not wait"));

  readonly #written = (): void => {
    this.#unwritten -= 1;
    if (this.#unwritten > 0 || !this.#isWaiting || this.#isOver) return;
    this.#isWaiting = false;
    this.#upstream?.resume();
  };

  /** More of the client's body has come: the time for an answer begins anew. */
  readonly #more = (isTooMuch: boolean): void => {
    if (isTooMuch) this.#upstream?.fail(new TooLarge());
    else if (!this.#isAnswered && this.#upstream?.isConnected === true) this.#timer?.refresh();
  };

  #limit(ms: number, error: Error): void {
    this.#timer = setTimeout(() => this.#upstream?.fail(error), ms);
  }

  #switch(head: AnswerHead, socket: net.Socket, rest: Buffer): Outcome {
    const { early, cookie } = this.#attempt;
    const client = this.#client;
    const clientSocket = client.socket;
    const isAsked = early !== undefined && head.upgrade?.toLowerCase() === "websocket";
    if (clientSocket === null || !isAsked) {
      socket.destroy();
      return isAsked ? { kind: "clientGone" } : { kind: "failed", error: new Error("a switch of protocols that nobody asked for") };
    }
    client.detachSocket(clientSocket);
    const lines = [`HTTP/1.1 101 ${head.message || "Switching Protocols"}`];
    const headers = upgradeHeaders(head.headers, cookie);
    for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
    clientSocket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
    early.giveBack();
    if (rest.length > 0) socket.unshift(rest);
    tieSockets(clientSocket, socket);
    return { kind: "answered" };
  }
}

function outcomeOf(error: Error, upstream: Upstream | undefined): Outcome {
  if (error instanceof TooLarge) return { kind: "tooLarge" };
  if (upstream?.isConnected !== true) return { kind: "unreachable", error };
  if (error instanceof MeshUnreachable) return { kind: "cut", error };
  if (error instanceof TimedOut) return { kind: "timedOut" };
  return { kind: upstream.isReused && !upstream.heard ? "stale" : "failed", error };
}

function locationOf({ headers }: AnswerHead): string | undefined {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === "location");
  return at < 0 ? undefined : headers[at + 1];
}
