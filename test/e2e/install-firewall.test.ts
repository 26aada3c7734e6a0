// A computer with a firewall that drops what it does not know: what `up` says, opens when it may, and `down` closes again.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, setUp } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";
import { askOneShot } from "../support/mdns-listener.ts";

const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
`;
const host = "whoami.home.internal";
const table = "inet filter";
/** As Debian's example, with a rule of the person's own that looks like ours. */
const rules = `table ${table} {
  chain input {
    type filter hook input priority filter; policy drop;
    iif "lo" accept
    ct state established,related accept
    tcp dport 22 accept comment "fossora is not mine"
  }
}
`;

const lab = new Lab();

describe("a computer with a firewall", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;
  let rulesBefore = "";

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    node = new HouseNode(lab, first);
    await lab.client("laptop", [node.address]);
    await download(node);
    assert.equal((await setUp(node, "up")).code, 0);
    await node.apply(manifest, "--wait", "--timeout", "2m");
    assert.deepEqual([await laptopReaches(), await appReaches()], [true, true]);
    await lab.exec(node.name, "sh", "-c", `echo '${rules}' | nft -f -`);
    rulesBefore = await ruleset();
  });
  after(() => lab.down());

  const ruleset = (): Promise<string> => lab.exec(node.name, "nft", "list", "table", ...table.split(" "));

  /** As a browser on the same network: by name, through the house's DNS. */
  async function laptopReaches(): Promise<boolean> {
    return (await lab.tryExec("laptop", "curl", "-sf", "--max-time", "4", `http://${host}/`)).code === 0;
  }

  /** By mDNS. */
  async function laptopHears(): Promise<boolean> {
    return (await askOneShot(lab, "laptop", "whoami.local")).unanswered === 0;
  }

  /** As an app does, through the name server that Docker gives it. */
  async function appReaches(): Promise<boolean> {
    const [container = ""] = await node.containersOf("whoami");
    const connect = `ip=$(nslookup ${host} | sed -n 's/^Address: //p') && nc -w 4 "$ip" 80 < /dev/null`;
    return (await lab.tryExec(node.name, "timeout", "10", "docker", "exec", container, "sh", "-c", connect)).code === 0;
  }

  test("is told by `up` what to open, and nothing is opened", async () => {
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 0);
    assert.match(said, /nftables keeps other computers and the apps from the house\. `fossora up --open-firewall` runs:/);
    assert.match(said, /nft insert rule inet filter input tcp dport 80 accept comment fossora-80-53-5353-733-734-2379-2380\n/);
    assert.equal(await ruleset(), rulesBefore);
    assert.deepEqual([await laptopReaches(), await laptopHears(), await appReaches()], [false, false, false]);
  });

  test("lets other computers and the apps in after `up --open-firewall`, which a second time adds nothing", async () => {
    const { code, said } = await setUp(node, "up", "--open-firewall");
    assert.equal(code, 0);
    assert.match(said, /nftables is open for the house until the next boot/);
    assert.deepEqual([await laptopReaches(), await laptopHears(), await appReaches()], [true, true, true]);
    const opened = await ruleset();
    for (const flags of [[], ["--open-firewall"]]) assert.doesNotMatch((await setUp(node, "up", ...flags)).said, /nft/);
    assert.equal(await ruleset(), opened);
  });

  test("has its own rules and no others after `down`", async () => {
    assert.equal((await node.try("down")).code, 0);
    assert.equal(await ruleset(), rulesBefore);
  });

  test("is told when apps cannot ask for names, whatever it is that drops", async () => {
    await lab.exec(node.name, "nft", "flush", "ruleset");
    assert.doesNotMatch((await setUp(node, "up")).said, /apps cannot ask/);
    await lab.exec(node.name, "sh", "-c", "nft add table ip other; nft add chain ip other in '{ type filter hook input priority 10; }'");
    await lab.exec(node.name, "nft", "add", "rule", "ip", "other", "in", "iifname", "fossora", "drop");
    const { code, said } = await setUp(node, "up");
    assert.equal(code, 0);
    assert.match(said, /apps cannot ask the house for names: [\d.]+:53 does not answer them/);
    assert.match(said, /nft insert rule inet filter input iifname 'fossora\*' accept/);
  });
});
