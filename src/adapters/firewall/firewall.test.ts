import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { closeFirewall, lookAtFirewall } from "./firewall.ts";
import type { Firewall } from "./rules.ts";

const ports = { http: 80, dns: 53, mdns: false, house: [], routes: [], bridge: "fossora" };
const ufw = (...close: Firewall["close"]): Firewall => ({ name: "ufw", open: [], close, lasting: true });

/** Programs of the test's own before the machine's; each writes its words into `said`. */
function tools(t: TestContext, scripts: Readonly<Record<string, string>>): { readonly said: () => string } {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-firewall-"));
  const { PATH, LANG, LANGUAGE } = process.env;
  t.after(() => {
    rmSync(folder, { recursive: true });
    for (const [name, value] of Object.entries({ PATH, LANG, LANGUAGE }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
  const none = { ufw: "exit 1", "firewall-cmd": "exit 1", nft: "exit 1" };
  const log = path.join(folder, "said");
  writeFileSync(log, "");
  for (const [name, script] of Object.entries({ ...none, ...scripts })) {
    writeFileSync(path.join(folder, name), `#!/bin/sh\necho ${name} "$@" >> ${log}\n${script}\n`);
    chmodSync(path.join(folder, name), 0o755);
  }
  process.env["PATH"] = `${folder}:/usr/bin:/bin`;
  return { said: () => readFileSync(log, "utf8") };
}

test("a firewall is recognised in every language, as its words are asked for in English", async (t) => {
  tools(t, { ufw: 'if [ "$LC_ALL$LANGUAGE" = CC ]; then echo "Status: active"; else echo "État : actif"; fi' });
  process.env["LANG"] = "fr_FR.UTF-8";
  process.env["LANGUAGE"] = "fr";
  assert.equal((await lookAtFirewall(ports))?.name, "ufw");
});

test("what cannot be taken back is told with its words; a rule that is gone is taken back", async (t) => {
  tools(t, {
    ufw: 'case "$3" in 80/tcp) ;; 53) echo "Could not delete non-existent rule" >&2; exit 1;; *) echo "ERROR: locked" >&2; exit 1;; esac',
  });
  const locked = ["ufw", "delete", "allow", "733/tcp"] as const;
  const failed = await closeFirewall(ufw(["ufw", "delete", "allow", "80/tcp"], ["ufw", "delete", "allow", "53"], locked));
  assert.deepEqual(failed, [{ command: locked, why: "ERROR: locked" }]);
});

const installed = ["/usr/sbin", "/sbin"].some((folder) => existsSync(path.join(folder, "firewall-cmd")));

test("a firewall that is not installed any more has nothing to take back", { skip: installed && "firewalld is here" }, async (t) => {
  tools(t, {});
  process.env["PATH"] = "/nowhere";
  const close: Firewall["close"] = [["firewall-cmd", "--permanent", "--remove-port=80/tcp"]];
  assert.deepEqual(await closeFirewall({ name: "firewalld", open: [], close, lasting: true }), []);
});

test("rules of nft that cannot be listed are not taken back, and that is told", async (t) => {
  const nft: Firewall = { name: "nftables", open: [], close: [], lasting: false };
  tools(t, { nft: 'echo "Operation not permitted" >&2; exit 1' });
  assert.deepEqual(await closeFirewall(nft), [{ command: ["nft", "-j", "list", "ruleset"], why: "Operation not permitted" }]);
});

test("of what was written down nothing is run but commands of a firewall", async (t) => {
  const { said } = tools(t, { touch: "" });
  const close: Firewall["close"] = [
    ["touch", "/etc/x"],
    ["/tmp/ufw", "delete"],
    ["ufw", "delete", "allow", "53"],
  ];
  await closeFirewall(ufw(...close));
  assert.equal(said(), "ufw delete allow 53\n");
});
