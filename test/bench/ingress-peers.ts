// The proxies and name servers that the ingress' bench compares, each a process of its own on one core, with the app behind them on the
// other. What this machine cannot have is absent, for a reason that the table tells.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { unpackedFile } from "../../tools/debian.ts";
import { findCommand, projectRoot } from "../../tools/machine.ts";
import { connectIngress } from "../../src/adapters/ingress-client/client.ts";
import { freePort, soon, tableOf } from "../support/ingress.ts";
import { until } from "../support/until.ts";
import { HOST, PAGE_BYTES, pageHeaders, SMALL_TEXT } from "./ingress-shapes.ts";

export interface Peer {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
}

export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** `BENCH_INSTALL=no`: what is not here is left out. */
export const mayInstall = process.env["BENCH_INSTALL"] !== "no";
/** The proxy's core, and that of load and apps. */
export const [proxyCore, loadCore] = twoCores();
export const dnsNames = Array.from({ length: 50 }, (_, index) => `app-${index}.home.internal`);
const FOSSORA = "Fossora";
const ADDRESS = "192.168.1.10";
const children: ChildProcess[] = [];

function twoCores(): readonly [string, string] {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  const cores = allowed.split(",").flatMap((range) => {
    const [from = 0, to = from] = range.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
  });
  return [cores[0] ?? "0", cores[1] ?? cores[0] ?? "0"];
}

/** taskset becomes the program, so the pid is the program's. */
export function spawnOn(
  core: string,
  file: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly quiet?: boolean } = {},
): ChildProcess {
  const env = { ...process.env, ...options.env };
  const child = spawn("taskset", ["-c", core, file, ...args], { stdio: ["pipe", "pipe", options.quiet ? "ignore" : "inherit"], env });
  children.push(child);
  return child;
}

export async function endAll(): Promise<void> {
  const alive = children.splice(0).filter((child) => child.exitCode === null && child.signalCode === null);
  for (const child of alive) child.kill("SIGKILL");
  await Promise.all(alive.map((child) => once(child, "exit")));
}

/** Answers the port that the child prints. */
async function printed(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error("a pipe was asked for");
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return Number(String(line));
}

async function running(name: string, child: ChildProcess, port: number): Promise<Peer> {
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${name}`);
  await until(`${name} answers`, () => fetch(`http://127.0.0.1:${port}/`).then(() => true));
  return { name, pid, port };
}

/** The Node app: streams and WebSockets. */
export function startNodeApp(): Promise<number> {
  return printed(spawnOn(loadCore, process.execPath, [path.join(import.meta.dirname, "ingress-upstream.ts")]));
}

/** For requests nginx, so that the app is not what is measured; without it the Node app. */
export async function startQuickApp(folder: string): Promise<number> {
  const file = nginxFile();
  if (file === undefined) return startNodeApp();
  const root = path.join(folder, "app");
  mkdirSync(root, { recursive: true });
  writeFileSync(path.join(root, "page"), "x".repeat(PAGE_BYTES));
  const { "Content-Type": type, ...others } = pageHeaders;
  const lines = Object.entries(others).map(([name, value]) => `add_header ${name} "${value}";`);
  const page = `location = /page { root ${root}; default_type "${type}"; ${lines.join(" ")} }`;
  const port = await freePort();
  const child = spawnNginx(file, {
    core: loadCore,
    folder: root,
    server: `listen 127.0.0.1:${port}; location / { return 200 "${SMALL_TEXT}"; } ${page}`,
  });
  return (await running("the app", child, port)).port;
}

export async function startProxies(folder: string, appPort: number): Promise<readonly (Peer | Absent)[]> {
  return [
    (await startFossora(path.join(folder, `fossora-${appPort}`), appPort)).http,
    await startCaddy(path.join(folder, `caddy-${appPort}`), appPort),
    await startNginx(path.join(folder, `nginx-${appPort}`), appPort),
    await startBare(appPort),
  ];
}

export async function startNameServers(folder: string): Promise<readonly (Peer | Absent)[]> {
  return [(await startFossora(path.join(folder, "fossora-dns"), await freePort())).dns, await startDnsmasq(folder)];
}

async function startFossora(folder: string, appPort: number): Promise<{ readonly http: Peer; readonly dns: Peer }> {
  const runDir = path.join(folder, "run");
  const args = ["ingress", "--run-dir", runDir, "--data-dir", path.join(folder, "data")];
  const child = spawnOn(proxyCore, path.join(projectRoot, "dist/fossora"), args, { quiet: true });
  const client = connectIngress(path.join(runDir, "ingress.sock"));
  await until("the ingress answers", async () => (await client.status(soon())).pid === child.pid);
  const [httpPort, dnsPort] = [await freePort(), await freePort()];
  const at = (port: number) => ({ addresses: ["127.0.0.1"], ports: [port] });
  await client.putSettings({ http: at(httpPort), dns: at(dnsPort) }, soon());
  const table = tableOf([appPort], { host: HOST });
  await client.putTable({ ...table, houseNames: dnsNames.map((name) => ({ name, nodes: ["attic"] })) }, soon());
  const http = await running(FOSSORA, child, httpPort);
  return { http, dns: { ...http, port: dnsPort } };
}

async function startCaddy(folder: string, appPort: number): Promise<Peer | Absent> {
  const file = debianFile("caddy", "usr/bin/caddy", "sid");
  if (file === undefined) return { name: "Caddy", reason: "Debian's package of it cannot be had" };
  mkdirSync(folder, { recursive: true });
  const version = execFileSync(file, ["version"], { encoding: "utf8" }).split(/[\s-]/)[0];
  const port = await freePort();
  const config = path.join(folder, "Caddyfile");
  writeFileSync(
    config,
    `{\n admin off\n auto_https off\n persist_config off\n log {\n  level ERROR\n }\n}\nhttp://:${port} {\n bind 127.0.0.1\n reverse_proxy 127.0.0.1:${appPort}\n}\n`,
  );
  const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder };
  return running(`Caddy ${version}`, spawnOn(proxyCore, file, ["run", "--config", config, "--adapter", "caddyfile"], { env }), port);
}

async function startNginx(folder: string, appPort: number): Promise<Peer | Absent> {
  const file = nginxFile();
  if (file === undefined) return { name: "nginx", reason: "Debian's package of it cannot be had" };
  mkdirSync(folder, { recursive: true });
  const version = / nginx\/(\S+)/.exec(
    ` ${execFileSync("sh", ["-c", `'${file}' -v 2>&1`], { encoding: "utf8" })}`.replace("version: ", ""),
  )?.[1];
  const port = await freePort();
  const headers = {
    Host: "$http_host",
    Connection: "$connection_upgrade",
    Upgrade: "$http_upgrade",
    "X-Forwarded-For": "$remote_addr",
    "X-Forwarded-Proto": "$scheme",
    "X-Forwarded-Host": "$http_host",
  };
  const lines = Object.entries(headers).map(([name, value]) => `proxy_set_header ${name} ${value};`);
  const location = `proxy_pass http://app; proxy_http_version 1.1; proxy_request_buffering off; ${lines.join(" ")}`;
  const child = spawnNginx(file, {
    core: proxyCore,
    folder,
    before: `upstream app { server 127.0.0.1:${appPort}; keepalive 64; keepalive_requests 1000000000; } map $http_upgrade $connection_upgrade { default upgrade; "" ""; }`,
    server: `listen 127.0.0.1:${port}; location / { ${location} }`,
  });
  return running(`nginx ${version}`, child, port);
}

async function startBare(appPort: number): Promise<Peer> {
  const child = spawnOn(proxyCore, process.execPath, [
    path.join(projectRoot, "test/contracts/ingress-bare-proxy.ts"),
    String(appPort),
    "kept",
  ]);
  return running("bare http-proxy", child, await printed(child));
}

async function startDnsmasq(folder: string): Promise<Peer | Absent> {
  const file = findCommand("dnsmasq");
  if (file === undefined) return { name: "dnsmasq", reason: "it is not installed" };
  const version = /version (\S+)/.exec(execFileSync(file, ["--version"], { encoding: "utf8" }))?.[1];
  const port = await freePort();
  const config = path.join(folder, "dnsmasq.conf");
  const lines = [
    "no-resolv",
    "no-hosts",
    "bind-interfaces",
    "listen-address=127.0.0.1",
    `port=${port}`,
    "local-ttl=5",
    "user=root",
    "pid-file=",
  ];
  writeFileSync(config, [...lines, ...dnsNames.map((name) => `host-record=${name},${ADDRESS}`), ""].join("\n"));
  const child = spawnOn(proxyCore, file, ["--keep-in-foreground", `--conf-file=${config}`]);
  if (child.pid === undefined) throw new Error("Cannot start dnsmasq");
  return { name: `dnsmasq ${version}`, pid: child.pid, port };
}

function nginxFile(): string | undefined {
  return findCommand("nginx") ?? debianFile("nginx", "usr/sbin/nginx");
}

function debianFile(packageName: string, file: string, suite?: "sid"): string | undefined {
  return mayInstall ? unpackedFile(packageName, [file], suite) : undefined;
}

interface NginxOptions {
  readonly core: string;
  readonly folder: string;
  readonly before?: string;
  readonly server: string;
}

function spawnNginx(file: string, { core, folder, before = "", server }: NginxOptions): ChildProcess {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${folder}/${kind};`);
  const limits = "client_max_body_size 0; keepalive_requests 1000000000; open_file_cache max=10; sendfile on; tcp_nopush on;";
  const config = path.join(folder, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors crit; events { worker_connections 8192; }\n` +
      `http { access_log off; ${temporary.join(" ")} ${limits} ${before} server { ${server} } }\n`,
  );
  return spawnOn(core, file, ["-p", folder, "-e", `${folder}/errors`, "-c", config]);
}
