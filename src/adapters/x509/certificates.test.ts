import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import tls from "node:tls";
import { createAuthority, issueLeaf } from "./certificates.ts";

test("a leaf is signed by its authority and valid for its names alone", async () => {
  const authority = await createAuthority("Fossora house");
  const leaf = new X509Certificate(
    (await issueLeaf(authority, { commonName: "etcd", names: ["127.0.0.1", "localhost", "::1"] })).certificate,
  );
  const ca = new X509Certificate(authority.certificate);
  assert.ok(leaf.verify(ca.publicKey));
  assert.ok(leaf.checkIssued(ca));
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(leaf.checkIP("10.0.0.1"), undefined);
  assert.equal(leaf.checkHost("localhost"), "localhost");
  assert.equal(leaf.validToDate.getTime(), ca.validToDate.getTime());
});

test("a client of another authority is refused, one of the house is heard", async () => {
  const house = await createAuthority("Fossora house");
  const stranger = await createAuthority("Fossora house");
  const server = await issueLeaf(house, { commonName: "etcd", names: ["127.0.0.1"] });
  const listener = tls.createServer(
    { cert: server.certificate, key: server.key, ca: house.certificate, requestCert: true, rejectUnauthorized: true },
    (socket) => socket.end("heard"),
  );
  listener.on("tlsClientError", () => {});
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as { port: number }; // a TCP listener's address is an object
  const ask = async (authority: typeof house): Promise<string> => {
    const leaf = await issueLeaf(authority, { commonName: "agent", names: ["127.0.0.1"] });
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
