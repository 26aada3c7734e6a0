// A node's end of port 733 as a program: on hosts of the lab, and as something to attack. Prints one JSON a line.
// mesh-node.ts serve DATA_DIR [--house] [--port N | --fd N] [--favour BEGINNING-OF-ADDRESS] [--tag TAG]    hello and join, by what the tailnet says
// mesh-node.ts join DATA_DIR ADDRESS [--tag TAG]                           asks, and judges whom it asked
// mesh-node.ts peers [--tag TAG]                                           whom it would ask, and the tailnet's split DNS
// mesh-node.ts lan NODE_ID [--port N]                                      agents on the LAN, whenever they are others; tells of itself
// mesh-node.ts looks                                                       each time that there is a reason to look: after how long
import { parseArgs } from "node:util";
import { dial } from "../../src/adapters/mesh/client.ts";
import { MeshServer } from "../../src/adapters/mesh/server.ts";
import { TailscaleLocalApi } from "../../src/adapters/tailscale/local-api.ts";
import { makePrivateFolder } from "../../src/agent/files.ts";
import { LanWatch } from "../../src/agent/joining/lan-watch.ts";
import { callBackWith } from "../../src/agent/joining/stranger-trust.ts";
import { loadMeshTrust } from "../../src/agent/mesh-trust.ts";
import { proveAnswerer, proveAsker } from "../../src/agent/tailnet-proof.ts";
import { loadTrust } from "../../src/agent/trust.ts";
import { worthAsking } from "../../src/trust/tailnet.ts";
import { realClock, silentLog } from "./real.ts";

const MESH_PORT = 733;
const limitMs = 5_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    house: { type: "boolean", default: false },
    port: { type: "string", default: String(MESH_PORT) },
    fd: { type: "string" },
    favour: { type: "string", multiple: true, default: [] },
    tag: { type: "string", multiple: true, default: [] },
  },
});
const [verb, dataDir = "", address = ""] = positionals;
const settings = { tags: values.tag };
const tailnet = new TailscaleLocalApi();
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

async function serve(): Promise<void> {
  if (values.house) await loadTrust(dataDir);
  const trust = await loadMeshTrust(dataDir);
  const callBack = callBackWith({ trust: () => trust });
  const server = new MeshServer({
    trust,
    handler: {
      request: (peer, method, _body, signal) =>
        method === "join" ? proveAsker(peer, { tailnet, callBack }, { settings, signal }) : Promise.resolve({ you: peer.nodeId }),
    },
    log: silentLog,
    isFavoured: (from) => values.favour.some((beginning) => from.startsWith(beginning)),
  });
  const port = await server.listen(values.fd === undefined ? { address: "::", port: Number(values.port) } : { fd: Number(values.fd) });
  print({ listening: port });
  process.on("message", () => process.send?.({ memory: process.memoryUsage().rss, peers: server.peers.length }));
}

async function join(): Promise<void> {
  const link = await dial({ address, port: MESH_PORT, trust: await loadMeshTrust(dataDir), limitMs });
  const signal = AbortSignal.timeout(limitMs);
  const they = await link.request("join", {}, { limitMs });
  print({ they, we: await proveAnswerer(link.peer.address, { tailnet }, { settings, signal }) });
  link.close();
}

async function peers(): Promise<void> {
  const state = await tailnet.status(AbortSignal.timeout(limitMs));
  print({
    state: state.kind === "unknown" ? state.state : state.kind,
    peers: worthAsking(state, settings).map(({ name }) => name),
    splitDns: await tailnet.splitDns(AbortSignal.timeout(limitMs)),
  });
}

async function looks(): Promise<void> {
  let lastMs = performance.now();
  for await (const _ of tailnet.looks(realClock, new AbortController().signal)) {
    print({ afterMs: Math.round(performance.now() - lastMs) });
    lastMs = performance.now();
  }
}

async function lan(): Promise<void> {
  const watch = new LanWatch({ nodeId: dataDir, port: Number(values.port), clock: realClock, log: silentLog });
  const ending = new AbortController();
  process.once("SIGTERM", () => ending.abort());
  let before = "";
  const telling = setInterval(() => {
    const found = [...watch.found()].sort((a, b) => a.localeCompare(b));
    if (found.join() !== before) print({ found });
    before = found.join();
  }, 50);
  await watch.run(ending.signal);
  clearInterval(telling);
}

if (["serve", "join"].includes(verb ?? "")) makePrivateFolder(dataDir);
const verbs: Readonly<Record<string, () => Promise<void>>> = { serve, join, peers, looks, lan };
await verbs[verb ?? ""]?.();
