import assert from "node:assert/strict";
import { test } from "node:test";
import { closeNftables, findFirewall } from "./rules.ts";

const ports = { http: 80, dns: 53, bridge: "fossora" };
const chain = (policy: string, hook = "input") => ({
  chain: { family: "inet", table: "filter", name: "input", handle: 1, type: "filter", hook, prio: 0, policy },
});

test("a machine without a firewall needs nothing", () => {
  assert.equal(findFirewall({}, ports), undefined);
  assert.equal(
    findFirewall(
      {
        ufw: "Status: inactive\n",
        firewalld: "not running\n",
        nft: JSON.stringify({ nftables: [chain("accept"), chain("drop", "forward")] }),
      },
      ports,
    ),
    undefined,
  );
  assert.equal(findFirewall({ nft: "Operation not permitted" }, ports), undefined);
});

test("an active ufw is opened for names, pages and the apps' bridge, and closed again", () => {
  const firewall = findFirewall({ ufw: "Status: active\n\nTo  Action  From\n" }, ports);
  assert.deepEqual(
    firewall?.open.map((words) => words.join(" ")),
    ["ufw allow 80/tcp comment fossora", "ufw allow 53 comment fossora", "ufw allow in on fossora comment fossora"],
  );
  assert.deepEqual(
    firewall?.close.map((words) => words.join(" ")),
    ["ufw delete allow 80/tcp", "ufw delete allow 53", "ufw delete allow in on fossora"],
  );
});

test("firewalld is asked to reload last", () => {
  const firewall = findFirewall({ firewalld: "running\n" }, { ...ports, http: 8080 });
  assert.equal(firewall?.open[0]?.join(" "), "firewall-cmd --permanent --add-port=8080/tcp");
  assert.equal(firewall?.open.at(-1)?.join(" "), "firewall-cmd --reload");
  assert.ok(firewall?.close.some((words) => words.includes("--remove-interface=fossora")));
});

test("a dropping nft chain gets rules that are found again by their comment", () => {
  const firewall = findFirewall({ nft: JSON.stringify({ nftables: [{ metainfo: {} }, chain("drop")] }) }, ports);
  assert.equal(firewall?.open[0]?.join(" "), "nft insert rule inet filter input tcp dport { 80, 53 } accept comment fossora");
  assert.equal(firewall?.lasting, false);
  const listed = {
    nftables: [
      { rule: { family: "inet", table: "filter", chain: "input", handle: 7, comment: "fossora", expr: [] } },
      { rule: { family: "inet", table: "filter", chain: "input", handle: 8, expr: [] } },
    ],
  };
  assert.deepEqual(closeNftables(JSON.stringify(listed)), [["nft", "delete", "rule", "inet", "filter", "input", "handle", "7"]]);
});
