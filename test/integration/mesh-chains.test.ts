// Certificates that nobody in his right mind makes, shown to port 733 behind a good key: the process lives on, and trusts none of them.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";
import { encodeFrame } from "../../src/adapters/mesh/frames.ts";
import { createAuthority, issueLeaf } from "../../src/adapters/x509/certificates.ts";
import { publicKeyOf } from "../../src/adapters/x509/read.ts";
import type { MeshPeer } from "../../src/mesh-ports.ts";
import { commonNameOf, serialNumberOf } from "../../src/trust/leaves.ts";
import { SeededRandom } from "../fakes/clock.ts";
import { limitMs, TestNode } from "../support/mesh.ts";

const pem = (der: Uint8Array): string => `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
const tries = 300;

test("a chain with anything in it makes no member, no house, and no end of the process", async (t) => {
  const seen: MeshPeer[] = [];
  const founder = await (
    await new TestNode(t).found()
  ).listen({ request: async (peer) => void seen.push(peer) }, { isFavoured: () => true });
  const stranger = new TestNode(t);
  const { key, certificate: own } = await stranger.trust();
  // The best forgery there is: a CA of the same name, the right names and number in the leaf, the node's own good key.
  const forger = await createAuthority("Fossora house", Date.now());
  const request = {
    commonName: commonNameOf("agent", stranger.nodeId),
    serialNumber: serialNumberOf("agent", stranger.nodeId),
    names: ["localhost"],
    publicKey: publicKeyOf(key),
  };
  const leaf = await issueLeaf(forger, request, Date.now());
  const { ca: houseCa = "" } = await founder.trust();
  const ca = new X509Certificate(forger.certificate).raw;
  const random = new SeededRandom(Number(process.env["FOSSORA_SEED"] ?? 1));
  let shown = 0;
  const show = async (certificate: string): Promise<void> => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: founder.port,
      rejectUnauthorized: false,
      ALPNProtocols: ["fossora/1"],
      ...made(certificate, key),
    });
    socket.on("error", () => {}).resume();
    socket.on("secureConnect", () => {
      shown++;
      socket.end(encodeFrame({ id: 1, method: "hello", body: 1, limitMs: 1_000 }, 1_000));
    });
    await once(socket, "close").catch(() => {});
  };
  for (const chain of [leaf + forger.certificate, leaf + houseCa, own + houseCa, own + forger.certificate, leaf]) await show(chain);
  for (let index = 0; index < tries; index++) {
    const changed = Buffer.from(ca);
    for (let count = random.int(1, 4); count > 0; count--) changed[random.int(0, changed.length - 1)] = random.int(0, 255);
    if (isCertificate(changed)) await show(leaf + pem(changed));
  }
  t.diagnostic(`${shown} chains were shown, ${seen.length} of them by somebody who was heard`);
  assert.ok(shown > tries / 10);
  assert.deepEqual([...new Set(seen.map(({ standing }) => standing))], ["stranger"]);
  assert.ok(seen.every(({ nodeId }) => nodeId === stranger.nodeId));
  const link = await new TestNode(t).dial(founder, { localAddress: "127.0.0.2" }); // the other has said too many hellos
  await link.request("hello", 1, { limitMs });
});

/** Node refuses some of them itself. */
function made(cert: string, key: string): tls.ConnectionOptions {
  try {
    return { secureContext: tls.createSecureContext({ cert, key }) };
  } catch {
    return {};
  }
}

function isCertificate(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).raw.length > 0;
  } catch {
    return false;
  }
}
