// Real ingresses of several nodes of one house on this machine: each with a data directory, certificates and an address of its own.
import { X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { issueLeaves } from "../../src/agent/authority.ts";
import { loadNodeId } from "../../src/agent/identity.ts";
import { acceptHouse, leavesWanted, loadTrust, removedNodes, trustFiles } from "../../src/agent/trust.ts";
import type { Backend, IngressSettings, MeshSettings, Table } from "../../src/api/table.ts";
import { freePort, soon, startIngress, tableOf, type TestIngress } from "./ingress.ts";

export interface AcrossNode extends TestIngress {
  readonly name: string;
  readonly nodeId: string;
  /** Where it takes what comes from other nodes. */
  readonly meshPort: number;
  readonly address: string;
  readonly mesh: MeshSettings;
  /** The house's table as this node has it. */
  serve(table: Partial<Table>): Promise<void>;
  use(more: Partial<IngressSettings>): Promise<void>;
}

export interface AcrossHouse {
  readonly nodes: readonly AcrossNode[];
  /** A data directory that belongs to another house. */
  readonly stranger: MeshSettings;
  stop(): Promise<void>;
}

/** The first node is at 127.0.0.1, where this machine's own connections come from, the next at 127.0.0.2. */
export async function startHouse(names: readonly string[], nodeOptions: readonly string[] = []): Promise<AcrossHouse> {
  const directory = mkdtempSync(path.join(os.tmpdir(), "fossora-across-"));
  const dataDirs = names.map((name) => path.join(directory, name));
  const [founder = "", ...others] = dataDirs;
  const stranger = path.join(directory, "stranger");
  for (const dataDir of [...dataDirs, stranger]) mkdirSync(dataDir);
  await loadTrust(founder);
  for (const dataDir of others) await admit(founder, dataDir);
  await loadTrust(stranger);
  const ports = await Promise.all(names.map(() => freePort()));
  const nodesOf = (): Table["nodes"] =>
    Object.fromEntries(
      names.map((name, index) => [
        name,
        { id: loadNodeId(dataDirs[index] ?? ""), lan: [addressOf(index)], tailnet: [], meshPort: ports[index] ?? 0 },
      ]),
    );
  const nodes = await Promise.all(
    names.map(async (name, index): Promise<AcrossNode> => {
      const ingress = await startIngress(nodeOptions);
      const dataDir = dataDirs[index] ?? "";
      const mesh = meshOf(dataDir, addressOf(index), ports[index] ?? 0);
      const use = (more: Partial<IngressSettings>): Promise<void> =>
        ingress.client.putSettings({ ...ingress.settings, mesh, ...more }, soon());
      await use({});
      return Object.assign(ingress, {
        name,
        nodeId: loadNodeId(dataDir),
        meshPort: ports[index] ?? 0,
        address: addressOf(index),
        mesh,
        use,
        serve: (table: Partial<Table>) => ingress.client.putTable({ ...tableOf([]), node: name, nodes: nodesOf(), ...table }, soon()),
      });
    }),
  );
  return {
    nodes,
    stranger: meshOf(stranger, "127.0.0.1", 0),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      rmSync(directory, { recursive: true });
    },
  };
}

/** An instance of that node, at a port of loopback. */
export function at(node: Pick<AcrossNode, "name">, port: number): Backend {
  return { node: node.name, instance: `app-${node.name}`, host: "127.0.0.1", port };
}

function addressOf(index: number): string {
  return `127.0.0.${index + 1}`;
}

function meshOf(dataDir: string, address: string, port: number): MeshSettings {
  const files = trustFiles(dataDir);
  const ca = readFileSync(files.ca, "utf8");
  const leaf = new X509Certificate(readFileSync(files.ingress.certificate)).toString();
  return { addresses: [address], ports: [port], certificate: `${leaf}${ca}`, keyFile: files.ingress.key, ca, removed: [] };
}

async function admit(founder: string, dataDir: string): Promise<void> {
  const files = trustFiles(founder);
  const leaves = await issueLeaves(founder, loadNodeId(dataDir), leavesWanted(dataDir, []));
  const [ca, crl] = [readFileSync(files.ca, "utf8"), readFileSync(files.crl)];
  acceptHouse(dataDir, { ca, crl, removed: removedNodes(founder), leaves });
}
