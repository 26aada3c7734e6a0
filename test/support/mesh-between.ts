// Whom a newcomer must not believe on port 733, as a program for hosts of the lab. Prints one JSON a line.
// mesh-between.ts serve DATA_DIR HOUSE_ADDRESS    a man in the middle with a key and a house of his own: passes on what is said to him
// mesh-between.ts ask DATA_DIR ADDRESS METHOD...  asks with what lies in a node's data directory, whatever the house thinks of it by now
import { dial } from "../../src/adapters/mesh/client.ts";
import { MeshServer } from "../../src/adapters/mesh/server.ts";
import { makePrivateFolder } from "../../src/agent/files.ts";
import { loadNodeId } from "../../src/agent/identity.ts";
import { readMembership } from "../../src/agent/joining/member-disk.ts";
import { loadMeshTrust } from "../../src/agent/mesh-trust.ts";
import { houseHash, loadTrust } from "../../src/agent/trust.ts";
import { PROTOCOL, type Join, type JoinAnswer, type Message, type Sender } from "../../src/joining/messages.ts";
import type { Proven } from "../../src/agent/invites.ts";
import { request } from "../fakes/joining.ts";
import { silentLog } from "./real.ts";

const MESH_PORT = 733;
const limitMs = 5_000;
const [verb, dataDir = "", address = "", ...methods] = process.argv.slice(2);
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const versions = { fossora: "0.1.0", etcd: "3.7.3" };

async function serve(): Promise<void> {
  makePrivateFolder(dataDir);
  await loadTrust(dataDir);
  const trust = await loadMeshTrust(dataDir);
  const nodeId = loadNodeId(dataDir);
  const fresh: Sender = { nodeId, name: "between", addresses: [], versions };
  const house = { id: houseHash(dataDir) ?? "", epoch: 1, nodes: 2, hasObjects: true, joining: "auto" } as const;
  const self: Sender = { ...fresh, name: "nas", house };
  /** As himself: he has no other key. */
  const passOn = async (message: Join, proof: string | undefined): Promise<JoinAnswer> => {
    const link = await dial({ address, port: MESH_PORT, trust, limitMs });
    const said = { ...message, from: { ...fresh, name: message.from.name } };
    const answer = (await link.request("join", { message: said, ...(proof !== undefined && { proof }) }, { limitMs })) as Proven;
    link.close();
    return { ...(answer.message as JoinAnswer), from: self }; // the house's own
  };
  const server = new MeshServer({
    trust,
    handler: {
      request: async (_peer, method, body) => {
        if (method === "hello") return [{ protocol: PROTOCOL, kind: "hello-answer", from: self, members: [] } satisfies Message];
        const { message, proof } = body as { readonly message?: Join; readonly proof?: string }; // the newcomer's program made it
        print({ told: method, hasProof: proof !== undefined });
        if (method !== "join" || message === undefined) return [];
        return { message: await passOn(message, proof) };
      },
    },
    log: silentLog,
  });
  print({ listening: await server.listen({ address: "::", port: MESH_PORT }) });
}

async function ask(): Promise<void> {
  const trust = await loadMeshTrust(dataDir);
  const nodeId = loadNodeId(dataDir);
  const membership = readMembership(dataDir);
  const house = membership && { ...membership, id: membership.houseId, nodes: 2, hasObjects: true, joining: "off" };
  for (const method of methods) {
    const from = { nodeId, name: "again", addresses: [], versions, ...(method === "hello" && house !== undefined && { house }) };
    const message = { protocol: PROTOCOL, kind: method, from };
    const body = method === "join" ? { message: { ...message, request: request("x") } } : message;
    try {
      const link = await dial({ address, port: MESH_PORT, trust, limitMs });
      print({ method, standing: link.peer.standing, answer: await link.request(method, body, { limitMs }) });
      link.close();
    } catch (error) {
      print({ method, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

if (verb === "serve") await serve();
if (verb === "ask") await ask();
