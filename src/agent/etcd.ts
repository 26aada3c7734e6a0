// The store of this node as a process: founded once, started detached, found again, replaced when its program changed.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { base32 } from "../api/base32.ts";
import { UserError } from "../api/errors.ts";
import { etcdEnvironment, etcdFlags } from "../adapters/etcd3/flags.ts";
import type { Child, ChildCommand } from "./child.ts";
import type { EtcdProgram } from "./etcd-binary.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";
import type { TrustFiles } from "./trust.ts";

/** What was chosen at founding and holds ever after: etcd ignores its initial flags once it has data. */
interface Founding {
  /** Carries an install id: a reinstalled machine must not be taken for the old member. */
  readonly memberName: string;
  /** Random: two houses founded on one machine are two clusters. */
  readonly clusterToken: string;
}

interface MemberPorts {
  readonly client: number;
  readonly peer: number;
}

const address = "127.0.0.1";
/** The usual ports first; others where another etcd, or another node of a test, holds them. */
const portPairs: readonly MemberPorts[] = [2379, 12379, 22379, 32379].map((client) => ({ client, peer: client + 1 }));
/** A wired LAN's, in milliseconds. */
const timing = { heartbeatMs: 100, electionMs: 1_000 } as const;

export interface EtcdOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly program: EtcdProgram;
  readonly trust: TrustFiles;
  readonly child: Child;
}

/** Starts or adopts etcd; from then on it is restarted whenever it dies. Answers its client endpoint as `address:port`. */
export async function keepEtcd(options: EtcdOptions): Promise<string> {
  const folder = path.join(options.dataDir, "etcd");
  makePrivateFolder(folder);
  const founding = stored(path.join(folder, "founding.json"), () => ({
    memberName: `${options.nodeId}-${base32(randomBytes(5))}`,
    clusterToken: base32(randomBytes(20)),
  }));
  requireReadable(path.join(folder, "version"), options.program);
  const ports = await memberPorts(path.join(folder, "ports.json"), options.child);
  await options.child.keep(commandOf(folder, founding, ports, options));
  return `${address}:${ports.client}`;
}

/** etcd goes on with the data of its own minor version and of the one before; another would stop, or harm it. */
function requireReadable(file: string, { version, file: program }: EtcdProgram): void {
  const stored = readIfThere(file);
  const step = stored === undefined ? 0 : minorOf(version) - minorOf(stored);
  if (step !== 0 && step !== 1)
    throw new UserError(
      `Cannot start the store: its data is that of etcd ${stored}, and ${program} is etcd ${version}, which cannot go on with it. Nothing is changed. Name one of that version: fossora up --etcd PATH, for example /usr/bin/etcd of Debian's etcd-server.`,
    );
  if (stored !== version) writeWhole(file, version);
}

/** Of `3.7.3`; there is no etcd 4. */
function minorOf(version: string): number {
  return Number(version.split(".")[1]);
}

function commandOf(folder: string, founding: Founding, ports: MemberPorts, { program, trust }: EtcdOptions): ChildCommand {
  const client = [`https://${address}:${ports.client}`];
  const peer = `https://${address}:${ports.peer}`;
  const args = etcdFlags(program.version, {
    name: founding.memberName,
    dataDir: path.join(folder, "member"),
    listen: { peer: [peer], client, metrics: [] },
    advertise: { peer: [peer], client },
    cluster: { state: "new", token: founding.clusterToken, members: [{ name: founding.memberName, peerUrl: peer }] },
    tls: { ca: trust.ca, crl: trust.crl, client: trust.etcdClient, peer: trust.etcdPeer },
    timing,
  });
  // On arm64, etcd before 3.5 refuses to start without being told that it may.
  return {
    file: program.file,
    args,
    env: { ...etcdEnvironment, ETCD_UNSUPPORTED_ARCH: "arm64" },
    identity: `${program.sha256} ${args.join(" ")}`,
  };
}

/** Chosen at the first start and kept, unless somebody else took them while etcd was away. */
async function memberPorts(file: string, child: Child): Promise<MemberPorts> {
  const text = readIfThere(file);
  const kept = text === undefined ? undefined : (JSON.parse(text) as MemberPorts); // written below alone
  if (kept && (child.running() || (await bothFree(kept)))) return kept;
  for (const ports of portPairs) {
    if (!(await bothFree(ports))) continue;
    writeWhole(file, JSON.stringify(ports));
    return ports;
  }
  throw new UserError(
    `Cannot start the store: the ports ${portPairs.map(({ client, peer }) => `${client}/${peer}`).join(", ")} on ${address} are all taken. \`ss -ltnp\` says by whom; free two that belong together.`,
  );
}

async function bothFree({ client, peer }: MemberPorts): Promise<boolean> {
  return (await isFree(client)) && (await isFree(peer));
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, address);
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** What the file says, or what `make` makes for it. */
function stored(file: string, make: () => Founding): Founding {
  const text = readIfThere(file);
  if (text !== undefined) return JSON.parse(text) as Founding; // written below alone
  const made = make();
  writeWhole(file, JSON.stringify(made));
  return made;
}
