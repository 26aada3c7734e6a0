// What `up` keeps on disk: how it was called, so that the next one needs no flags, and what it changed on this machine, so that
// `down` and `uninstall` take back that and nothing else.
import { existsSync } from "node:fs";
import path from "node:path";
import type { Firewall } from "../adapters/firewall/rules.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import { readIfThere, writeWhole } from "./files.ts";

/** All but where the node is found again, which each command is told. */
export type KeptOptions = Omit<NodeOptions, "dataDir">;

export interface Installation {
  readonly options: KeptOptions;
  /** Where its sockets and pid files were last: without root that follows from the session, and the next one may have another. */
  readonly runDir?: string;
  /** The group `fossora` was not there before. */
  readonly madeGroup?: boolean;
  /** Opened by us. */
  readonly firewall?: Firewall;
}

export function readInstallation(dataDir: string): Installation {
  const text = readIfThere(fileIn(dataDir));
  return text === undefined ? { options: {} } : (JSON.parse(text) as Installation); // written below alone
}

export function writeInstallation(dataDir: string, installation: Installation): void {
  writeWhole(fileIn(dataDir), JSON.stringify(installation));
}

/** `up` was here. */
export function isInstalled(dataDir: string): boolean {
  return existsSync(fileIn(dataDir));
}

/** Where nothing else was asked for, the run folder from before, as long as it is there: what still runs is found in it. */
export function withRunDir(options: NodeOptions, { runDir }: Installation): NodeOptions {
  return options.runDir !== undefined || runDir === undefined || !existsSync(runDir) ? options : { ...options, runDir };
}

/** What was given now, and for the rest what was given before. Paths hold from every folder. */
export function withKept(given: NodeOptions, kept: KeptOptions): NodeOptions {
  const { dataDir, runDir, dockerSocket, etcd, accessLog, ...others } = { ...kept, ...given };
  return {
    ...others,
    ...(dataDir !== undefined && { dataDir: path.resolve(dataDir) }),
    ...(runDir !== undefined && { runDir: path.resolve(runDir) }),
    ...(dockerSocket !== undefined && { dockerSocket: path.resolve(dockerSocket) }),
    ...(etcd !== undefined && { etcd: path.resolve(etcd) }),
    ...(accessLog !== undefined && { accessLog: accessLog === "off" ? accessLog : path.resolve(accessLog) }),
  };
}

function fileIn(dataDir: string): string {
  return path.join(dataDir, "installation.json");
}
