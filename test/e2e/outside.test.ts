// A house seen from outside: what its ingress counts, writes down and tells Prometheus, and what `dns check` says. On a lab host.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { DnsFacts } from "../../src/api/dns-facts.ts";
import type { Description } from "../../src/api/wire.ts";
import { HouseNode, programReason, supervise } from "../support/house.ts";
import { Lab, labReason, type LabHost } from "../support/lab.ts";
import { parseMetrics, valueOf, type Scraped } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

const MANIFEST = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "lab/whoami:1", port: 80 }
`;
const REQUESTS = 20;
/** A busy machine answers slowly, which is a warning. */
const FOUND = "(?:✓|ok|!)";
const ACCESS_LOG = "/var/log/fossora-access.log";

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("seen from outside", { skip }, () => {
  let node: HouseNode;
  let host: LabHost;

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    host = first;
    node = new HouseNode(lab, first);
    await node.install();
    await lab.start(node.name, "fossora", [...supervise, "--access-log", ACCESS_LOG], { onBoot: true });
    await node.ready();
    await node.apply(MANIFEST, "--wait");
    for (let index = 0; index < REQUESTS; index += 1)
      assert.equal((await node.request("shop.home.internal", "/json?token=secret")).status, 200);
    assert.equal((await node.request("nobody.home.internal")).status, 404);
  });
  after(() => lab.down());

  async function scrape(): Promise<Scraped> {
    return parseMetrics(await lab.exec(node.name, "curl", "-sf", "--unix-socket", "/run/fossora/fossora.sock", "http://fossora/metrics"));
  }

  test("describe route has the requests, the backend and how long it takes", async () => {
    const described = await until("all is counted", async () => {
      const description = JSON.parse(await node.run("describe", "route", "shop", "-o", "json")) as Description; // the form that it documents
      const [first] = description.traffic ?? [];
      return first !== undefined && "traffic" in first && first.traffic?.requests === REQUESTS ? first.traffic : undefined;
    });
    const [backend] = described.backends;
    assert.deepEqual([backend?.node, backend?.port, backend?.requests, backend?.outForMs], [node.name, 80, REQUESTS, undefined]);
    assert.equal(described.firstByte?.requests, REQUESTS);
    assert.match(
      await node.run("describe", "route", "shop"),
      /\n {2}INSTANCE +NODE +ADDRESS +HEALTH .*\n {2}shop-\w+ +\S+ +\S+:80 +reachable +20 /,
    );
  });

  test("Prometheus reads what agent and ingress count", async () => {
    const scraped = await scrape();
    const requests = scraped.samples.filter(({ name, labels }) => name === "fossora_http_requests_total" && labels["route"] === "shop");
    assert.deepEqual(
      requests.map(({ labels, value }) => [labels["code"], value]),
      [["2xx", REQUESTS]],
    );
    assert.equal(valueOf(scraped, "fossora_ingress_up"), 1);
    assert.equal(valueOf(scraped, "fossora_store_quorum"), 1);
    assert.ok((valueOf(scraped, "fossora_reconcile_actions_total", { kind: "Service" }) ?? 0) > 0);
    assert.ok((valueOf(scraped, "fossora_table_revision") ?? 0) > 0);
  });

  test("the access log has each request and no query", async () => {
    const read = (): string => readFileSync(path.join(host.root, ACCESS_LOG), "utf8");
    const lines = await until("every line is there", () => {
      const all = read().split("\n").slice(0, -1);
      return all.length > REQUESTS ? all.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>) : undefined;
    });
    assert.equal(
      lines.filter(({ route, path: asked, status }) => route === "shop" && asked === "/json" && status === 200).length,
      REQUESTS,
    );
    assert.equal(lines.find(({ reason }) => reason === "unknownHost")?.["host"], "nobody.home.internal");
    assert.doesNotMatch(read(), /secret/);
  });

  test("dns check finds what is wrong with this computer, and nothing once it asks the house", async () => {
    const before = await node.try("dns", "check");
    assert.equal(before.code, 1, before.stdout);
    const escaped = node.address.replaceAll(".", "\\.");
    for (const protocol of ["udp", "tcp"])
      assert.match(before.stdout, new RegExp(`${FOUND} ${node.name} ${escaped}:53 ${protocol} {2}shop\\.home\\.internal is `));
    assert.match(before.stdout, /(?:✗|x) shop\.home\.internal: .*\n.*\n {6}→ fossora dns setup \w+\n/);
    writeFileSync(path.join(host.root, "etc/resolv.conf"), `nameserver ${node.address}\n`);
    const mended = await node.try("dns", "check");
    assert.equal(mended.code, 0, mended.stdout);
    assert.match(mended.stdout, new RegExp(`\\nthis computer\\n {2}${FOUND} shop\\.home\\.internal is `));
  });

  test("a name on the LAN is found by one question to everybody", async () => {
    await until("it is announced", async () => {
      const facts = JSON.parse(
        await lab.exec(node.name, "curl", "-sf", "--unix-socket", "/run/fossora/fossora.sock", "http://fossora/api/v1/dns-facts"),
      ) as DnsFacts; // the server's own form
      return facts.localNames.some(({ host: name, state }) => name === "shop" && state === "announced");
    });
    const { stdout } = await node.try("dns", "check");
    assert.match(stdout, new RegExp(`\\nlocal names\\n {2}${FOUND} shop\\.local is ${node.address.replaceAll(".", "\\.")} `));
  });

  test("dns setup names the address that answers", async () => {
    assert.match(await node.run("dns", "setup", "pihole"), new RegExp(`server=/home\\.internal/${node.address.replaceAll(".", "\\.")}\\n`));
  });
});
