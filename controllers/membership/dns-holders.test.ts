import assert from "node:assert/strict";
import { test } from "node:test";
import { withDnsFix } from "./dns-holders.ts";

const held = (program: string): string => `port 53 is held by ${program} (pid 812); 5354 was taken instead`;
const ADDRESS = "192.168.1.10";

test("who holds port 53 is told with what devices lose, what to write first, and the commands that give it to the house", () => {
  assert.equal(
    withDnsFix(held("dnsmasq"), ADDRESS),
    "port 53 is held by dnsmasq (pid 812); 5354 was taken instead. Nobody asks there: let dnsmasq ask the house for its names (fossora dns setup); " +
      "or give the house port 53, but devices that have this computer as their DNS server then find nothing any more unless the House is their resolver. " +
      "So first: 'resolver: { serve: [lan], upstream: [\"192.168.1.10:5335\"] }' in the House's spec; and where /etc/resolv.conf here names 127.0.0.1, " +
      "another server; then: printf 'port=5335\\n' | sudo tee /etc/dnsmasq.d/fossora.conf && sudo systemctl restart dnsmasq; " +
      "then: sudo fossora down && sudo fossora up",
  );
});

test("nobody is told to take the port from a program before the House is the resolver of who asks it", () => {
  const programs = ["systemd-resolve", "dnsmasq", "unbound", "named", "docker-proxy", "pihole-FTL", "AdGuardHome", "python3"];
  for (const program of programs) {
    const told = withDnsFix(held(program), ADDRESS);
    const [loss, first, then] = ["find nothing any more", "resolver: { serve: [lan], upstream: ", "; then: "].map((text) =>
      told.indexOf(text),
    );
    assert.ok(loss && first && then && loss > 0 && loss < first && first < then, told);
  }
});

test("whom the House is to ask then is no address at port 53, which is the house's", () => {
  for (const program of ["dnsmasq", "unbound", "named", "pihole-FTL", "AdGuardHome", "python3"]) {
    const told = withDnsFix(held(program), ADDRESS);
    assert.match(told, /upstream: \["192\.168\.1\.10:5335"\]/);
    assert.match(told, /; then: .*5335/);
  }
  assert.match(withDnsFix(held("systemd-resolve"), ADDRESS), /upstream: host /);
});

test("what is no matter of a holder stays as it is", () => {
  for (const problem of ["port 53 needs root", "port 53 is held by another program", "this computer has no address 10.0.0.1 yet"])
    assert.equal(withDnsFix(problem, ADDRESS), problem);
});
