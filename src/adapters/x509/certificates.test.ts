import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";
import { createAuthority, createCrl, issueLeaf, readCrl, selfSign } from "./certificates.ts";
import { createKey, publicKeyOf, readLeaf } from "./read.ts";

const nowMs = Date.now();
const yearMs = 365.25 * 24 * 3600 * 1000;

async function leafOf(authority: Awaited<ReturnType<typeof createAuthority>>, names: readonly string[], issuedMs = nowMs) {
  const key = createKey();
  const request = { commonName: "agent.x", names, serialNumber: "4A0B", publicKey: publicKeyOf(key) };
  return { key, certificate: await issueLeaf(authority, request, issuedMs) };
}

test("a leaf is signed by its authority and valid for its names alone", async () => {
  const authority = await createAuthority("Fossora house", nowMs);
  const leaf = new X509Certificate((await leafOf(authority, ["127.0.0.1", "localhost", "::1"])).certificate);
  const ca = new X509Certificate(authority.certificate);
  assert.ok(leaf.verify(ca.publicKey));
  assert.ok(leaf.checkIssued(ca));
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(leaf.checkIP("10.0.0.1"), undefined);
  assert.equal(leaf.checkHost("localhost"), "localhost");
  assert.equal(leaf.serialNumber, "4A0B");
});

test("a leaf is valid for ten years, never beyond the CA, which is for sixty", async () => {
  const foundedMs = nowMs - 55 * yearMs;
  const authority = await createAuthority("Fossora house", foundedMs);
  const yearsOf = (certificate: string): number =>
    Math.round((new X509Certificate(certificate).validToDate.getTime() - foundedMs) / yearMs);
  const validity = async (issuedMs: number): Promise<number> => yearsOf((await leafOf(authority, ["localhost"], issuedMs)).certificate);
  assert.equal(yearsOf(authority.certificate), 60);
  assert.equal(await validity(foundedMs), 10);
  assert.equal(await validity(foundedMs + 25 * yearMs), 35);
  assert.equal(await validity(nowMs), 60);
});

test("no certificate lies in the future of any clock, however far ahead that of its maker was", async () => {
  const aheadMs = nowMs + 2 * yearMs;
  const authority = await createAuthority("Fossora house", aheadMs);
  const leaf = await leafOf(authority, ["localhost"], aheadMs);
  for (const each of [authority.certificate, leaf.certificate, await selfSign("node.x", createKey())])
    assert.equal(new X509Certificate(each).validFromDate.getTime(), 0);
});

test("a client of another authority is refused, one of the house is heard", async () => {
  const house = await createAuthority("Fossora house", nowMs);
  const stranger = await createAuthority("Fossora house", nowMs);
  const server = await leafOf(house, ["127.0.0.1"]);
  const listener = tls.createServer(
    { cert: server.certificate, key: server.key, ca: house.certificate, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.end("heard"),
  );
  listener.on("tlsClientError", () => {});
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number }; // a TCP listener's address is an object
  const ask = async (authority: typeof house): Promise<string> => {
    const leaf = await leafOf(authority, ["127.0.0.1"]);
    const socket = tls.connect({ port, host: "127.0.0.1", cert: leaf.certificate, key: leaf.key, ca: house.certificate });
    let text = "";
    socket.on("data", (data) => (text += String(data)));
    await Promise.race([once(socket, "close"), once(socket, "error")]).catch(() => {});
    return text;
  };
  assert.equal(await ask(house), "heard");
  assert.equal(await ask(stranger), "");
  listener.close();
});

test("what is in a leaf is read back, IPv6 addresses in their short form", async () => {
  const authority = await createAuthority("Fossora house", nowMs);
  const other = await createAuthority("Fossora house", nowMs);
  const { certificate } = await leafOf(authority, ["localhost", "192.168.1.2", "fd7a:115c:a1e0::1", "::1"]);
  const facts = readLeaf(certificate, authority.certificate);
  assert.deepEqual(facts?.names, ["localhost", "192.168.1.2", "fd7a:115c:a1e0::1", "::1"]);
  assert.equal(facts.commonName, "agent.x");
  assert.equal(facts.serialNumber, "4A0B");
  assert.equal(facts.issuedByHouse, true);
  assert.equal(readLeaf(certificate, other.certificate)?.issuedByHouse, false);
  assert.equal(readLeaf("half a certifica", authority.certificate), undefined);
});

test("a list of removed nodes is read back, and refused when another house signed it", async () => {
  const authority = await createAuthority("Fossora house", nowMs);
  const other = await createAuthority("Fossora house", nowMs);
  assert.deepEqual(await readCrl(authority.certificate, authority.crl), []);
  const crl = await createCrl(authority, ["4A0B", "5C00FF"]);
  assert.deepEqual(await readCrl(authority.certificate, crl), ["4A0B", "5C00FF"]);
  await assert.rejects(readCrl(other.certificate, crl), /not signed by the house/);
});

test("a node without a house shows a certificate of its own key", async () => {
  const key = createKey();
  const certificate = new X509Certificate(await selfSign("node.x", key));
  assert.equal(certificate.publicKey.export({ type: "spki", format: "pem" }), publicKeyOf(key));
  assert.ok(certificate.verify(certificate.publicKey));
});
