// Apps and other things are reached by name: by DNS, through the proxy, and from inside other apps. On a lab host.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import dnsPacket from "dns-packet";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

function service(name: string, image: string, ...lines: readonly string[]): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ${[`image: "${image}"`, "port: 80", ...lines].join(", ")} }\n`;
}

const records = `apiVersion: fossora.dev/v1
kind: DnsRecord
metadata: { name: printer }
spec: { name: printer, type: A, values: [192.168.1.40], ttl: 5m }
---
apiVersion: fossora.dev/v1
kind: DnsRecord
metadata: { name: note }
spec: { name: note, type: TXT, values: ["hello"] }
`;
const outsidePort = 8123;

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("names", { skip }, () => {
  let node: HouseNode;
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });

  before(async () => {
    node = await HouseNode.alone(lab);
    resolver.setServers([node.address]);
    // What a Route outside leads to: no app of the house.
    await node.docker("run", "-d", "--name", "outside", "-e", "NAME=outside", "-p", `${outsidePort}:80`, "lab/whoami:1");
    await node.apply(
      `${service("shop", "lab/whoami:1", "env: { NAME: shop }")}---\n${service("bank", "lab/whoami:2", "env: { NAME: bank }")}`,
      "--wait",
    );
  });
  after(() => lab.down());

  async function whoAnswers(host: string, path = "/json"): Promise<string> {
    const { status, body } = await node.request(host, path);
    return status === 200 ? (JSON.parse(body) as { readonly name: string }).name : `status ${status}`; // the lab image's form
  }

  /** In a container of the app. */
  async function fetchInside(app: string, host: string): Promise<string> {
    return (JSON.parse(await node.run("exec", app, "--", "wget", "-q", "-O", "-", `http://${host}/json`)) as { readonly name: string })
      .name; // as above
  }

  /** The addresses in an answer over TCP. */
  async function askTcp(name: string): Promise<readonly unknown[]> {
    const socket = net.connect(53, node.address);
    socket.end(dnsPacket.streamEncode({ type: "query", id: 7, questions: [{ name, type: "A" }] }));
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    await once(socket, "close", { signal: AbortSignal.timeout(10_000) });
    return (dnsPacket.streamDecode(Buffer.concat(chunks)).answers ?? []).map((answer) => "data" in answer && answer.data);
  }

  test("an app's name is answered with the node's address, by UDP and TCP, whatever its case", async () => {
    assert.deepEqual(await resolver.resolve4("shop.home.internal"), [node.address]);
    assert.deepEqual(await resolver.resolve4("SHOP.Home.Internal"), [node.address]);
    assert.deepEqual(await askTcp("shop.home.internal"), [node.address]);
    await assert.rejects(resolver.resolve4("nobody.home.internal"), { code: "ENOTFOUND" });
    await assert.rejects(resolver.resolve6("shop.home.internal"), { code: "ENODATA" });
    await assert.rejects(resolver.resolve4("example.com"), { code: "EREFUSED" });
  });

  test("a DnsRecord answers with what it says, and no longer once it is deleted", async () => {
    await node.apply(records, "--wait");
    assert.deepEqual(await resolver.resolve4("printer.home.internal", { ttl: true }), [{ address: "192.168.1.40", ttl: 300 }]);
    assert.deepEqual(await resolver.resolveTxt("note.home.internal"), [["hello"]]);
    await node.run("delete", "dns", "printer", "note");
    await until("the name is gone", () =>
      resolver.resolve4("printer.home.internal").then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === "ENOTFOUND",
      ),
    );
  });

  test("the proxy knows an app by its full name, its label, its .local name, and with a port or a dot behind it", async () => {
    for (const host of ["shop.home.internal", "SHOP.home.internal", "shop", "shop.local", "shop.home.internal:80", "shop.home.internal."])
      assert.equal(await whoAnswers(host), "shop", host);
    assert.equal(await whoAnswers("bank.home.internal"), "bank");
  });

  test("a name that nobody has is a 404 that lists nothing", async () => {
    for (const host of ["nobody.home.internal", "example.com", node.address]) {
      const { status, body } = await node.request(host);
      assert.equal(status, 404, host);
      assert.doesNotMatch(body, /shop|bank/);
    }
  });

  test("a Route leads a name to an address outside of the house", async () => {
    const route = `apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: router }\nspec: { host: router, to: "http://${node.address}:${outsidePort}" }\n`;
    await node.apply(route, "--wait");
    assert.equal(await whoAnswers("router.home.internal"), "outside");
    assert.deepEqual(await resolver.resolve4("router.home.internal"), [node.address]);
  });

  test("a Route of an app's own name takes its place, and the app's comes back when it is deleted", async () => {
    const before = await node.containers();
    const derived = "route/shop";
    assert.match(await node.run("get", derived, "-o", "jsonpath={.metadata.owner}"), /Service\/shop/);
    await assert.rejects(node.run("delete", derived), /exit 5\n.*svc\/shop|exit 5\n.*service\/shop/s);
    await node.apply(
      "apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: shop }\nspec: { host: shop, to: service/bank }\n",
      "--wait",
    );
    await until("the applied Route leads", async () => (await whoAnswers("shop.home.internal")) === "bank");
    await node.run("delete", derived);
    await until("the app's own leads again", async () => (await whoAnswers("shop.home.internal")) === "shop");
    assert.deepEqual(await node.containers(), before);
  });

  test("of two Routes of one name the older has it, the other says so, and takes its place when it goes", async () => {
    const route = (name: string, host: string, app: string): string =>
      `apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: ${name} }\nspec: { host: ${host}, to: service/${app} }\n`;
    await node.apply(route("first", "films", "shop"), "--wait");
    await node.apply(route("second", "films.home.internal", "bank"));
    assert.match(await node.run("get", "routes"), /^second .*Conflict/m);
    assert.match(
      await node.run("describe", "route/second"),
      /Ready +False +Conflict .*Route 'first' is older and has the same name and path/,
    );
    assert.equal(await whoAnswers("films.home.internal"), "shop");
    await node.apply(route("first", "movies", "shop"), "--wait");
    await until("the other has the name", async () => (await whoAnswers("films.home.internal")) === "bank");
    assert.doesNotMatch(await node.run("get", "routes"), /Conflict/);
    await node.run("delete", "route", "first", "second");
  });

  test("a container reaches other apps by the same names: each is the house's own proxy, on its node", async () => {
    const gateway = (await node.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "fossora")).trim();
    for (const host of ["bank.home.internal", "bank"]) assert.equal(await fetchInside("shop", host), "bank", host);
    assert.match(await node.run("exec", "shop", "--", "ping", "-c", "1", "bank"), new RegExp(`bank.*\\(${gateway}\\)`));
  });

  test("an app that is starting is waited for: nobody meets an error", async () => {
    await node.apply(service("slow", "lab/slow:1"));
    const first = await until("the proxy knows the name", async () => {
      const answer = await node.request("slow.home.internal", "/json");
      return answer.status !== 404 && answer;
    });
    assert.deepEqual([first.status, (JSON.parse(first.body) as { readonly name: string }).name], [200, "slow"]); // as above
  });

  test("an app without a Route has no name", async () => {
    await node.apply(service("bank", "lab/whoami:2", "env: { NAME: bank }", "routes: []"), "--wait");
    await until("the name is gone", async () => (await node.request("bank.home.internal")).status === 404);
    await assert.rejects(resolver.resolve4("bank.home.internal"), { code: "ENOTFOUND" });
  });
});
