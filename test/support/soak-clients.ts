// What the clients of a soak do, each for some seconds: connections kept and dropped, downloads broken off, WebSockets, slow readers.
import http from "node:http";
import net from "node:net";
import type { SeededRandom } from "../fakes/clock.ts";
import { BIG_BYTES, bigBodyOf } from "./soak-apps.ts";

export interface Place {
  readonly app: string;
  readonly host: string;
  /** Below it the app is served. */
  readonly path: string;
}

export interface Setting {
  readonly httpPort: number;
  readonly places: readonly Place[];
  /** The ingress' raw port of an app. */
  readonly rawPorts: ReadonlyMap<string, number>;
  readonly random: SeededRandom;
}

/** What was seen; only the first is never right. */
export type Seen = "wrong" | "answered" | "unavailable" | "cut";

export type Tell = (seen: Seen, what: string) => void;

const LIMIT_MS = 30_000;
const PAUSE_MS_MAX = 400;
const UNAVAILABLE: readonly (number | undefined)[] = [502, 503, 504];

const pause = (random: SeededRandom, ms = PAUSE_MS_MAX): Promise<void> => new Promise((done) => setTimeout(done, random.int(0, ms)));

export const BEHAVIOURS: Readonly<Record<string, (setting: Setting, tell: Tell) => Promise<void>>> = {
  /** One connection for requests to many apps. */
  keepAlive: async ({ httpPort, places, random }, tell) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let left = random.int(1, 10); left > 0; left -= 1) {
      await ask({ httpPort, agent, place: random.pick(places), bytes: random.chance(0.2) ? random.int(1, 100_000) : 0 }, tell);
      await pause(random);
    }
    agent.destroy();
  },
  /** Nobody has this name: a page, never an app. */
  stranger: async ({ httpPort, random }, tell) => {
    const { status, headers } = await request({ httpPort, host: `x${random.int(0, 999)}.home.internal`, path: "/" }).then(drained);
    tell(status === 404 && headers["x-app"] === undefined ? "answered" : "wrong", `a stranger got ${status}`);
    await pause(random);
  },
  brokenOff: (setting, tell) => download(setting, tell, { breakOffAt: setting.random.int(0, BIG_BYTES), slow: false }),
  slowReader: (setting, tell) => download(setting, tell, { breakOffAt: BIG_BYTES, slow: true }),
  /** Goes away before anything is answered. */
  impatient: async ({ httpPort, places, random }) => {
    const { host, path } = random.pick(places);
    const abort = http.request({ host: "127.0.0.1", port: httpPort, path, headers: { Host: host }, agent: false });
    abort.on("error", () => undefined);
    abort.end();
    await pause(random, 20);
    abort.destroy();
    await pause(random);
  },
  webSocket: async ({ httpPort, places, random }, tell) => {
    const { app, host, path } = random.pick(places);
    const socket = net.connect(httpPort, "127.0.0.1");
    const key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    socket.write(`GET ${path}s HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n\r\n`);
    const heard = collect(socket);
    if (!(await heard.until((text) => text.includes("\r\n\r\n")))) return tell("cut", "a WebSocket was not answered");
    if (!heard.text.startsWith("HTTP/1.1 101")) {
      socket.destroy();
      return tell(UNAVAILABLE.includes(Number(heard.text.slice(9, 12))) ? "unavailable" : "wrong", heard.text.slice(0, 80));
    }
    for (let left = random.int(1, 8); left > 0; left -= 1) {
      const word = `word${random.int(0, 999_999)}`;
      socket.write(Buffer.concat([Buffer.from([129, 128 + word.length, 0, 0, 0, 0]), Buffer.from(word)]));
      if (!(await heard.until((text) => text.endsWith(word)))) return tell("cut", "a WebSocket was cut");
      tell(heard.text.endsWith(`${app}: ${word}`) ? "answered" : "wrong", `a WebSocket of ${app} heard ${heard.text.slice(-40)}`);
      await pause(random);
    }
    if (random.chance(0.5)) socket.resetAndDestroy();
    else socket.end();
    return undefined;
  },
  raw: async ({ rawPorts, random }, tell) => {
    const [app, port] = random.pick([...rawPorts]);
    const socket = net.connect(port, "127.0.0.1");
    const heard = collect(socket);
    if (!(await heard.until((text) => text.includes("\n")))) return tell("cut", "a raw connection was not answered");
    tell(heard.text === `${app}\n` ? "answered" : "wrong", `the port of ${app} said ${heard.text.slice(0, 40)}`);
    await pause(random);
    if (random.chance(0.5)) socket.resetAndDestroy();
    else socket.end();
    return undefined;
  },
};

interface Asking {
  readonly httpPort: number;
  readonly agent?: http.Agent;
  readonly host: string;
  readonly path: string;
  readonly body?: Buffer;
}

function request({ httpPort, agent, host, path, body }: Asking): Promise<http.IncomingMessage> {
  return new Promise((done, fail) => {
    const asked = http.request(
      { host: "127.0.0.1", port: httpPort, path, method: body ? "POST" : "GET", headers: { Host: host }, agent: agent ?? false },
      done,
    );
    asked.setTimeout(LIMIT_MS, () => asked.destroy(new Error("no answer")));
    asked.on("error", fail);
    asked.end(body);
  });
}

interface Drained {
  readonly status: number | undefined;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function drained(response: http.IncomingMessage): Promise<Drained> {
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, headers: response.headers, body };
}

async function ask(
  {
    httpPort,
    agent,
    place,
    bytes,
  }: { readonly httpPort: number; readonly agent: http.Agent; readonly place: Place; readonly bytes: number },
  tell: Tell,
): Promise<void> {
  const { app, host, path } = place;
  try {
    const asked = request({ httpPort, agent, host, path: `${path}page`, ...(bytes > 0 && { body: Buffer.alloc(bytes) }) });
    const { status, body } = await asked.then(drained);
    if (UNAVAILABLE.includes(status)) return tell("unavailable", `${app}: ${status}`);
    const isRight = status === 200 && body === `${app} ${bytes} ${path}page`;
    return tell(isRight ? "answered" : "wrong", `${app} was asked and ${status} said ${body.slice(0, 80)}`);
  } catch (error) {
    return tell("cut", `${app}: ${String(error)}`);
  }
}

async function download(
  { httpPort, places, random }: Setting,
  tell: Tell,
  { breakOffAt, slow }: { readonly breakOffAt: number; readonly slow: boolean },
): Promise<void> {
  const { app, host } = random.pick(places.filter(({ path }) => path === "/"));
  const body = bigBodyOf(app);
  let at = 0;
  try {
    const response = await request({ httpPort, host, path: "/big" });
    if (response.statusCode !== 200) {
      response.resume();
      return tell(UNAVAILABLE.includes(response.statusCode) ? "unavailable" : "wrong", `${app}: ${response.statusCode}`);
    }
    for await (const chunk of response as AsyncIterable<Buffer>) {
      if (!body.subarray(at, at + chunk.length).equals(chunk)) return tell("wrong", `a download of ${app} had other bytes`);
      at += chunk.length;
      if (at >= breakOffAt) break; // which destroys it
      if (slow) await pause(random, 100);
    }
    return tell("answered", app);
  } catch (error) {
    return tell("cut", `${app}: ${String(error)}`);
  }
}

interface Heard {
  readonly text: string;
  /** False: it ended before, or took too long; the socket is closed then. */
  until(condition: (text: string) => boolean): Promise<boolean>;
}

function collect(socket: net.Socket): Heard {
  let text = "";
  let ended = false;
  let wake: (() => void) | undefined;
  const end = (): void => {
    ended = true;
    wake?.();
  };
  socket.on("error", () => socket.destroy());
  socket.setTimeout(LIMIT_MS, () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    wake?.();
  });
  socket.on("end", end).on("close", end);
  return {
    get text() {
      return text;
    },
    async until(condition) {
      while (!condition(text)) {
        if (ended) return false;
        await new Promise<void>((done) => (wake = done));
      }
      return true;
    },
  };
}
