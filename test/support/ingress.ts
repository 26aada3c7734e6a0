// A real ingress process for tests, with a run and a data directory of its own, an app behind it, and sockets on loopback.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { connectIngress, type IngressClient } from "../../src/adapters/ingress-client/client.ts";
import type { HttpRoute, IngressProgram, IngressSettings, Table } from "../../src/api/table.ts";
import { until } from "./until.ts";

export interface TestIngress {
  readonly client: IngressClient;
  readonly program: IngressProgram;
  readonly dataDir: string;
  readonly httpPort: number;
  readonly dnsPort: number;
  readonly settings: IngressSettings;
  /** Of the process started last; a handover makes another. */
  readonly child: ChildProcess;
  /** Starts the program (again) in the same directories and waits until it answers. */
  start(): Promise<void>;
  metrics(): Promise<string>;
  log(): Promise<string>;
  /** Ends whoever holds the control socket and removes the directories. */
  stop(): Promise<void>;
}

const FREE_PORT_TRIES = 100;
const main = path.resolve(import.meta.dirname, "../../src/main.ts");

/** As the built program has it: a small new space, and what frees it, so that memory tells of leaks and not of garbage. */
export const AS_BUILT = ["--max-semi-space-size=2"];

export async function startIngress(nodeOptions: readonly string[] = []): Promise<TestIngress> {
  const directory = await mkdtemp(path.join(os.tmpdir(), "fossora-ingress-"));
  const socketPath = path.join(directory, "run", "ingress.sock");
  const args = [
    ...nodeOptions,
    main,
    "ingress",
    "--run-dir",
    path.join(directory, "run"),
    "--data-dir",
    path.join(directory, "data"),
    "--build",
    "test",
  ];
  const [httpPort, dnsPort] = await Promise.all([freePort(), freePort()]);
  const settings = { http: { addresses: ["127.0.0.1"], ports: [httpPort] }, dns: { addresses: ["127.0.0.1"], ports: [dnsPort] } };
  const client = connectIngress(socketPath);
  let child!: ChildProcess;
  const log = await open(path.join(directory, "log"), "w");
  const start = async (): Promise<void> => {
    child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", log.fd] });
    const { pid } = child;
    await until("the ingress answers", async () => (await client.status(soon())).pid === pid);
  };
  await start();
  await client.putSettings(settings, soon());
  return {
    client,
    dataDir: path.join(directory, "data"),
    program: { execPath: process.execPath, args },
    httpPort,
    dnsPort,
    settings,
    get child() {
      return child;
    },
    start,
    log: () => readFile(path.join(directory, "log"), "utf8"),
    metrics: async () => (await get(undefined, { socketPath, path: "/metrics" })).body,
    async stop() {
      const pid = await client.status(soon()).then(
        (status) => status.pid,
        () => undefined,
      );
      for (const id of new Set([pid, child.exitCode === null && child.signalCode === null ? child.pid : undefined]))
        if (id !== undefined) process.kill(id, "SIGKILL");
      await until("the ingress is gone", () =>
        client.status(soon()).then(
          () => false,
          () => true,
        ),
      );
      await log.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export const soon = (): AbortSignal => AbortSignal.timeout(30_000);

/** Below those that the kernel gives to clients' ends of connections: what is free now may be taken by one of them before it is listened on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < FREE_PORT_TRIES; tries += 1) {
    const port = randomInt(10_000, 32_768);
    const server = net.createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
  throw new Error("no port is free");
}

/** A datagram to loopback that no program's own socket would send; Node has no raw sockets, Perl has. Needs root. */
export function sendFromPort0(port: number, payload: Buffer): void {
  const datagram = Buffer.alloc(8 + payload.length);
  datagram.writeUInt16BE(port, 2);
  datagram.writeUInt16BE(datagram.length, 4);
  payload.copy(datagram, 8);
  const script =
    'use Socket; socket(S, AF_INET, SOCK_RAW, 17) or die $!; send(S, pack("H*", $ARGV[0]), 0, sockaddr_in(0, inet_aton("127.0.0.1"))) or die $!';
  execFileSync("perl", ["-e", script, datagram.toString("hex")]);
}

export interface TestApp {
  readonly port: number;
  readonly server: http.Server;
  stop(): void;
}

export async function startApp(answer: http.RequestListener = (_request, response) => void response.end("hello\n")): Promise<TestApp> {
  const server = http.createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port,
    server,
    stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A house of one node `attic` at 127.0.0.1, where `hello` leads to these ports. */
export function tableOf(ports: readonly number[], more: Partial<HttpRoute> = {}): Table {
  const backends = ports.map((port, index) => ({ node: "attic", instance: `hello-${index}`, host: "127.0.0.1", port }));
  return {
    revision: 1,
    node: "attic",
    zone: "home.internal",
    http: [{ name: "hello", host: "hello", path: "/", backends, holdMs: 10_000, forwardedHeaders: "standard", ...more }],
    streams: [],
    records: [],
    houseNames: [{ name: "hello.home.internal", nodes: ["attic"] }],
    nodes: { attic: { lan: ["192.168.1.10"], tailnet: [] } },
  };
}

export type RequestOptions = Omit<http.RequestOptions, "headers"> & {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export interface Got {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request by name to a port of loopback (or wherever the options say), on a connection of its own. */
export function get(port: number | undefined, options: RequestOptions = {}): Promise<Got> {
  return new Promise((done, fail) => {
    const { body, headers, ...rest } = options;
    const request = http.request(
      { host: "127.0.0.1", port, agent: false, headers: { Host: "hello.home.internal", ...headers }, ...rest },
      (response) => {
        let text = "";
        response.on("data", (chunk) => (text += String(chunk)));
        response.on("end", () => done({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
        response.on("error", fail);
      },
    );
    request.on("error", fail);
    request.end(body);
  });
}
