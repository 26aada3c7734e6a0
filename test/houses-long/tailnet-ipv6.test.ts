// A device in the tailnet reaches an app by the tailnet's IPv6, with a real tailscaled on both sides. On lab hosts.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const LIMIT_MS = 90_000;
const LAPTOP = "laptop";
const name = "shop.home.internal";
const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "lab/whoami:1", port: 80, routes: [{ allow: [tailnet] }] }
`;

interface Addresses {
  readonly ip: string;
  readonly ipv6: string;
}

describe("apps by a tailnet's IPv6", { skip }, () => {
  const of = new Map<string, Addresses>();
  const { house, test } = labSuite(1, {
    prepare: async () => {
      await house.lab.client(LAPTOP);
      await house.start(1);
      await house.areOneHouse([1]);
      const { nodes } = JSON.parse(await house.lab.tailnet("join", LAPTOP)) as {
        readonly nodes: readonly (Addresses & { readonly host: string })[];
      }; // the lab's documented form
      for (const { host, ...addresses } of nodes) of.set(host, addresses);
      await house.node(1).apply(manifest, "--wait", "--timeout", "1m");
    },
  });
  const addressesOf = (host: string): Addresses => {
    const addresses = of.get(host);
    assert.ok(addresses, `${host} is not in the tailnet`);
    return addresses;
  };
  const dig = async (...words: readonly string[]): Promise<string> =>
    (await house.lab.tryExec(LAPTOP, "dig", "+short", "+tries=1", "+time=2", ...words)).stdout.trim();
  const curl = async (...words: readonly string[]): Promise<string> =>
    (await house.lab.tryExec(LAPTOP, "curl", "-sg", "--max-time", "10", "-w", "\n%{http_code} %{remote_ip}", ...words)).stdout;

  test("a name leads there, by whichever family it is asked for, and that address has a name", async () => {
    const node = addressesOf("h1");
    await until("the name leads there", async () => (await dig(`@${node.ip}`, name, "AAAA")) === node.ipv6, LIMIT_MS);
    await until("it is asked there", async () => (await dig(`@${node.ipv6}`, name, "A")) === node.ip, LIMIT_MS);
    assert.equal(await dig(`@${node.ipv6}`, "-x", node.ipv6), "h1.node.home.internal.");
  });

  test("a page for the tailnet alone comes from there, and the app is told who asks", async () => {
    const [node, laptop] = [addressesOf("h1"), addressesOf(LAPTOP)];
    const text = await curl("-H", `Host: ${name}`, `http://[${node.ipv6}]/json`);
    assert.ok(text.endsWith(`\n200 ${node.ipv6}`), text);
    assert.ok(text.includes(laptop.ipv6), text);
  });

  test("the name alone is enough where the tailnet's DNS sends the zone to the house", async () => {
    await house.lab.tailnet("dns", "home.internal", "h1");
    const { ipv6 } = addressesOf("h1");
    await until("a page by IPv6", async () => (await curl("-6", `http://${name}/json`)).endsWith(`\n200 ${ipv6}`), LIMIT_MS);
    assert.match(await curl("-4", `http://${name}/json`), /\n200 100\./);
  });
});
