// A headless Chromium that takes every name of the house for loopback, driven over its DevTools protocol.
// https://chromedevtools.github.io/devtools-protocol/
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { until } from "./until.ts";

const program = "/usr/bin/chromium";
const answerLimitMs = 20_000;
/** Alone, without what it would look up at every start. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * 127.0.0.1",
  "--remote-debugging-port=0",
];

/** Why there is none here; undefined: there is. */
export function chromiumReason(): string | undefined {
  return existsSync(program) ? undefined : `no ${program}: apt-get install chromium`;
}

type Message = Readonly<Record<string, unknown>>;

export interface Chromium extends AsyncDisposable {
  page(): Promise<BrowserPage>;
}

/** One tab. */
export interface BrowserPage {
  /** Resolves once it is loaded. */
  open(url: string): Promise<void>;
  /** What an expression comes to in the page. */
  ask<T>(expression: string): Promise<T>;
  send(method: string, parameters?: Message): Promise<Message>;
  /** What the page complained of: errors of scripts, and what its policy forbade. */
  readonly complaints: readonly string[];
}

export async function startChromium(): Promise<Chromium> {
  const profile = mkdtempSync(path.join(os.tmpdir(), "chromium-"));
  const child = spawn(program, [...flags, `--user-data-dir=${profile}`, "about:blank"], { stdio: "ignore" });
  const ended = once(child, "exit");
  const [port, place] = await until("Chromium listens", () => {
    const lines = readFileSync(path.join(profile, "DevToolsActivePort"), "utf8").split("\n");
    return lines.length >= 2 && lines;
  });
  const socket = new WebSocket(`ws://127.0.0.1:${port}${place}`);
  await once(socket, "open");
  const connection = new Connection(socket);
  return {
    page: () => openPage(connection),
    async [Symbol.asyncDispose]() {
      socket.close();
      child.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

class Connection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #id = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const message = JSON.parse(String(data)) as Message; // DevTools speaks JSON only
      const answer = this.#waiting.get(Number(message["id"]));
      if (answer !== undefined) answer(message);
      else for (const listener of this.#listeners) listener(message);
    });
  }

  onEvent(listener: (message: Message) => void): void {
    this.#listeners.add(listener);
  }

  async send(method: string, params: Message, sessionId?: string): Promise<Message> {
    const id = (this.#id += 1);
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const timer = setTimeout(() => reject(new Error(`Chromium did not answer ${method}`)), answerLimitMs);
    this.#waiting.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    try {
      const { error, result } = await promise;
      if (error !== undefined) throw new Error(`Chromium refused ${method}: ${JSON.stringify(error)}`);
      return result as Message; // either is there
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }
}

async function openPage(connection: Connection): Promise<BrowserPage> {
  const { targetId } = await connection.send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await connection.send("Target.attachToTarget", { targetId, flatten: true });
  const session = String(sessionId);
  const complaints: string[] = [];
  let loads = 0;
  connection.onEvent(({ method, params, sessionId: from }) => {
    if (from !== session) return;
    if (method === "Page.loadEventFired") loads += 1;
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") complaints.push(JSON.stringify(params));
  });
  const send = (method: string, parameters: Message = {}): Promise<Message> => connection.send(method, parameters, session);
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  return {
    send,
    complaints,
    async open(url) {
      const before = loads;
      const { errorText } = await send("Page.navigate", { url });
      if (errorText !== undefined) throw new Error(`${url}: ${JSON.stringify(errorText)}`);
      await until(`${url} is loaded`, () => loads > before);
    },
    async ask<T>(expression: string) {
      const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { readonly value: T }).value; // the caller knows its expression
    },
  };
}
