// The store of this node as a process: founded once or admitted to a cluster, started detached, found again, replaced when its program
// changed.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { base32 } from "../api/base32.ts";
import { UserError } from "../api/errors.ts";
import { etcdEnvironment, etcdFlags } from "../adapters/etcd3/flags.ts";
import type { ClusterMember } from "../joining/messages.ts";
import { joinUrls } from "../joining/peer-urls.ts";
import { FOUNDING_TIMING, type Timing } from "../joining/timing.ts";
import type { Child, ChildCommand } from "./child.ts";
import type { EtcdProgram } from "./etcd-binary.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";
import { clientUrls, loopback, peerUrls, urlOf } from "./store-urls.ts";
import type { TrustFiles } from "./trust.ts";

/** What was chosen at founding or admission and holds ever after: etcd ignores its initial flags once it has data. */
interface Founding {
  /** Carries an install id: a reinstalled machine must not be taken for the old member. */
  readonly memberName: string;
  /** Random: two houses founded on one machine are two clusters. */
  readonly clusterToken: string;
  /** Exactly the members at its admission, itself among them; absent: it founded the cluster, alone. */
  readonly admittedTo?: readonly ClusterMember[];
}

interface MemberPorts {
  readonly client: number;
  readonly peer: number;
}

/** The usual ports first; others where another etcd, or another node of a test, holds them. */
const usualPorts: MemberPorts = { client: 2379, peer: 2380 };
const portPairs: readonly MemberPorts[] = [usualPorts, ...[12379, 22379, 32379].map((client) => ({ client, peer: client + 1 }))];

export interface EtcdOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly program: EtcdProgram;
  readonly trust: TrustFiles;
  readonly child: Child;
  /** This node's own, where other members reach it. None: it listens on loopback alone. */
  readonly addresses?: readonly string[];
  /** One that runs as it should starts anew as well. */
  readonly inAnyCase?: boolean;
}

/** Starts or adopts etcd; from then on it is restarted whenever it dies. Answers its client endpoint as `address:port`. */
export async function keepEtcd(options: EtcdOptions): Promise<string> {
  const { dataDir, nodeId, addresses = [], child, inAnyCase = false } = options;
  const folder = etcdFolder(dataDir);
  makePrivateFolder(folder);
  const founding = readFounding(dataDir) ?? found(dataDir, nodeId);
  requireReadable(path.join(folder, "version"), options.program);
  const ports = await memberPorts(folder, { addresses, child });
  await child.keep(commandOf(folder, founding, ports, options), { inAnyCase });
  return `${loopback}:${ports.client}`;
}

export function etcdFolder(dataDir: string): string {
  return path.join(dataDir, "etcd");
}

/** Of this installation of the store, and known before there is one: it is asked for in this name. */
export function memberName(dataDir: string, nodeId: string): string {
  const made = readFounding(dataDir)?.memberName;
  if (made !== undefined) return made;
  const file = path.join(etcdFolder(dataDir), "member-name");
  const kept = readIfThere(file);
  if (kept !== undefined) return kept;
  const name = `${nodeId}-${base32(randomBytes(5))}`;
  makePrivateFolder(etcdFolder(dataDir));
  writeWhole(file, name);
  return name;
}

/** Where other members will reach this one's store. */
export async function peerUrlOf(
  dataDir: string,
  options: { readonly addresses: readonly string[]; readonly child: Child },
): Promise<string> {
  makePrivateFolder(etcdFolder(dataDir));
  const { peer } = await memberPorts(etcdFolder(dataDir), options);
  return joinUrls(peerUrls(options.addresses, peer));
}

/** Of one that is admitted, before its store starts for the first time. */
export function writeAdmitted(dataDir: string, founding: Required<Founding>): void {
  makePrivateFolder(etcdFolder(dataDir));
  writeWhole(foundingFile(dataDir), JSON.stringify(founding));
}

/** Of a store that was restored in a folder of its own, as the only member. */
export function writeFounded(folder: string, founding: Pick<Founding, "memberName" | "clusterToken">): void {
  writeWhole(path.join(folder, "founding.json"), JSON.stringify(founding));
}

/** What its store was begun as; undefined: it was not. */
export function begunAs(dataDir: string): "founder" | "admitted" | undefined {
  const founding = readFounding(dataDir);
  if (founding === undefined) return undefined;
  return founding.admittedTo === undefined ? "founder" : "admitted";
}

/** At its admission, itself among them; none where it founded the cluster, or has no store. */
export function admittedTo(dataDir: string): readonly ClusterMember[] {
  return readFounding(dataDir)?.admittedTo ?? [];
}

export function clusterToken(dataDir: string): string | undefined {
  return readFounding(dataDir)?.clusterToken;
}

/** On which its store listens, or will. */
export function etcdPorts(dataDir: string): MemberPorts {
  const text = readIfThere(path.join(etcdFolder(dataDir), "ports.json"));
  return text === undefined ? usualPorts : (JSON.parse(text) as MemberPorts); // written below alone
}

/** How patient this node's store is from its next start on: the house's, which is the same on all members. */
export function storeTiming(dataDir: string): Timing {
  const text = readIfThere(timingFile(dataDir));
  return text === undefined ? FOUNDING_TIMING : (JSON.parse(text) as Timing); // written below alone
}

export function setStoreTiming(dataDir: string, { heartbeatMs, electionMs }: Timing): void {
  makePrivateFolder(etcdFolder(dataDir));
  writeWhole(timingFile(dataDir), JSON.stringify({ heartbeatMs, electionMs }));
}

function timingFile(dataDir: string): string {
  return path.join(etcdFolder(dataDir), "timing.json");
}

/** Has etcd written anything? */
export function hasData(dataDir: string): boolean {
  return existsSync(path.join(etcdFolder(dataDir), "member"));
}

function found(dataDir: string, nodeId: string): Founding {
  const founding = { memberName: memberName(dataDir, nodeId), clusterToken: base32(randomBytes(20)) };
  writeWhole(foundingFile(dataDir), JSON.stringify(founding));
  return founding;
}

function foundingFile(dataDir: string): string {
  return path.join(etcdFolder(dataDir), "founding.json");
}

function readFounding(dataDir: string): Founding | undefined {
  const text = readIfThere(foundingFile(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as Founding); // written here alone
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

function commandOf(folder: string, founding: Founding, ports: MemberPorts, options: EtcdOptions): ChildCommand {
  const { program, trust, addresses = [] } = options;
  const listen = listening(addresses);
  const urls = (port: number): readonly string[] => listen.map((address) => urlOf(address, port));
  const peer = peerUrls(addresses, ports.peer);
  const { memberName: name, clusterToken: token, admittedTo } = founding;
  const args = etcdFlags(program.version, {
    name,
    dataDir: path.join(folder, "member"),
    listen: { peer: urls(ports.peer), client: urls(ports.client), metrics: [] },
    advertise: { peer, client: clientUrls(addresses, ports.client) },
    cluster: { state: admittedTo === undefined ? "new" : "existing", token, members: admittedTo ?? [{ name, peerUrl: joinUrls(peer) }] },
    tls: { ca: trust.ca, crl: trust.crl, client: trust.etcdClient, peer: trust.etcdPeer },
    timing: storeTiming(options.dataDir),
  });
  // On arm64, etcd before 3.5 refuses to start without being told that it may.
  return {
    file: program.file,
    args,
    env: { ...etcdEnvironment, ETCD_UNSUPPORTED_ARCH: "arm64" },
    identity: `${program.sha256} ${args.join(" ")}`,
  };
}

/** Its own agent is always beside it. */
function listening(addresses: readonly string[]): readonly string[] {
  return [...new Set([loopback, ...addresses])];
}

/** Chosen at the first start and kept, unless somebody else took them while etcd was away. */
async function memberPorts(
  folder: string,
  { addresses, child }: { readonly addresses: readonly string[]; readonly child: Child },
): Promise<MemberPorts> {
  const file = path.join(folder, "ports.json");
  const text = readIfThere(file);
  const kept = text === undefined ? undefined : (JSON.parse(text) as MemberPorts); // written below alone
  const all = listening(addresses);
  if (kept && (child.running() || (await bothFree(kept, all)))) return kept;
  for (const ports of portPairs) {
    if (!(await bothFree(ports, all))) continue;
    writeWhole(file, JSON.stringify(ports));
    return ports;
  }
  throw new UserError(
    `Cannot start the store: the ports ${portPairs.map(({ client, peer }) => `${client}/${peer}`).join(", ")} on ${all.join(" and ")} are all taken. \`ss -ltnp\` says by whom; free two that belong together.`,
  );
}

async function bothFree({ client, peer }: MemberPorts, addresses: readonly string[]): Promise<boolean> {
  for (const address of addresses) for (const port of [client, peer]) if (!(await isFree(address, port))) return false;
  return true;
}

async function isFree(address: string, port: number): Promise<boolean> {
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
