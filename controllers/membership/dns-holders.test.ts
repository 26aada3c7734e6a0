import assert from "node:assert/strict";
import { test } from "node:test";
import { withDnsFix } from "./dns-holders.ts";

test("who holds port 53 is told with the commands that give it back, known or not", () => {
  assert.equal(
    withDnsFix("port 53 is held by dnsmasq (pid 812); 5354 was taken instead"),
    "port 53 is held by dnsmasq (pid 812); 5354 was taken instead. Nobody asks there: printf 'bind-interfaces\\nlisten-address=127.0.0.1\\n' | " +
      "sudo tee /etc/dnsmasq.d/fossora.conf && sudo systemctl restart dnsmasq; then: sudo fossora down && sudo fossora up",
  );
  assert.match(withDnsFix("port 53 is held by python3 (pid 9)"), /on 127\.0\.0\.1 alone, or stop it; then: sudo fossora down/);
});

test("what is no matter of a holder stays as it is", () => {
  for (const problem of ["port 53 needs root", "port 53 is held by another program", "this computer has no address 10.0.0.1 yet"])
    assert.equal(withDnsFix(problem), problem);
});
