// Where a node keeps its things and what it listens on: flags resolved to paths and ports. No configuration file exists.
import { homedir, hostname, tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../api/errors.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import { MESH_PORT } from "./joining/addresses.ts";

export type LogLevel = NonNullable<NodeOptions["logLevel"]>;

export interface Settings {
  readonly dataDir: string;
  readonly runDir: string;
  readonly dockerSocket: string;
  /** Asked for; a node that has data has its name already. */
  readonly nodeName?: string;
  readonly hostName: string;
  readonly http: { readonly address?: string; readonly ports: readonly number[] };
  readonly dnsPorts: readonly number[];
  /** Where other computers meet the agent. */
  readonly meshPort: number;
  /** Whether names are announced on the LAN. */
  readonly mdns: boolean;
  /** Whose devices of the tailnet are trusted until there is a House that says which. */
  readonly tailnetTags: readonly string[];
  readonly etcd?: string;
  readonly logLevel: LogLevel;
  /** Of the ingress; absent: off. */
  readonly accessLog?: string;
  /** This node votes and runs no apps. */
  readonly witness?: boolean;
}

/** Taken in this order where 80 or 53 are busy or not allowed; 5353 is mDNS's. */
const httpFallbacks = [8080, 8081, 8082, 8088, 18080] as const;
const dnsFallbacks = [5354, 5355, 8053, 15353] as const;

export function resolveSettings(options: NodeOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  const listen = options.httpListen === undefined ? undefined : parseListen(options.httpListen);
  return {
    dataDir: path.resolve(options.dataDir ?? defaultDataDir(env)),
    runDir: path.resolve(options.runDir ?? defaultRunDir(env)),
    dockerSocket: path.resolve(options.dockerSocket ?? dockerSocketOf(env)),
    ...(options.nodeName === undefined ? {} : { nodeName: nodeNameOf(options.nodeName) }),
    hostName: hostname(),
    http: {
      ...(listen?.address === undefined ? {} : { address: listen.address }),
      ports: listen === undefined ? [80, ...httpFallbacks] : [listen.port],
    },
    dnsPorts: options.dnsPort === undefined ? [53, ...dnsFallbacks] : [options.dnsPort],
    meshPort: options.meshPort ?? MESH_PORT,
    mdns: options.mdns !== "off",
    tailnetTags: options.tailnetTag === undefined ? [] : [tailnetTagOf(options.tailnetTag)],
    ...(options.etcd === undefined ? {} : { etcd: path.resolve(options.etcd) }),
    logLevel: options.logLevel ?? "info",
    ...(options.witness === true && { witness: true }),
    ...(options.accessLog === undefined || options.accessLog === "off" ? {} : { accessLog: path.resolve(options.accessLog) }),
  };
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  return isRoot() ? "/var/lib/fossora" : path.resolve(env["XDG_DATA_HOME"] ?? path.join(homedir(), ".local/share"), "fossora");
}

function defaultRunDir(env: NodeJS.ProcessEnv): string {
  if (isRoot()) return "/run/fossora";
  const runtime = env["XDG_RUNTIME_DIR"];
  return runtime ? path.join(runtime, "fossora") : path.join(tmpdir(), `fossora-${process.getuid?.() ?? 0}`);
}

function dockerSocketOf(env: NodeJS.ProcessEnv): string {
  const host = env["DOCKER_HOST"];
  if (host?.startsWith("unix://")) return host.slice("unix://".length);
  if (host)
    throw new UserError(
      `Cannot use DOCKER_HOST "${host}": Fossora runs containers on this computer, through a unix:// socket. Unset it, or pass --docker-socket.`,
    );
  return "/var/run/docker.sock";
}

/** The host name's first label, made a DNS label. Throws UserError when nothing of it is left. */
export function nodeNameOf(text: string): string {
  const label = (text.split(".")[0] ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replace(/^-+|-+$/g, "");
  if (label === "")
    throw new UserError(
      `Cannot name this node after "${text}": no letter or digit is left. Pass --node-name, for example --node-name nas.`,
    );
  return label;
}

function tailnetTagOf(text: string): string {
  if (/^tag:[A-Za-z][A-Za-z0-9-]{0,59}$/.test(text)) return text;
  throw new UserError(`Cannot trust the tag "${text}": it should be one of your tailnet's policy, for example --tailnet-tag tag:nas.`);
}

function parseListen(text: string): { address?: string; port: number } {
  const match = /^(?:(\[[0-9a-fA-F:]+\]|[\d.]+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (!match || port < 1 || port > 65535)
    throw new UserError(`Cannot listen on "${text}": it should be PORT or ADDRESS:PORT, for example 8080 or 192.168.1.10:80.`);
  return match[1] === undefined ? { port } : { address: match[1].replace(/^\[|\]$/g, ""), port };
}
