// Apps on the LAN as NAME.local: Avahi from Debian is the other side, on a device and on the node itself. On lab hosts.
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { connectIngress, type IngressClient } from "../../src/adapters/ingress-client/client.ts";
import type { LocalName, Table } from "../../src/api/table.ts";
import { Avahi, avahiReason } from "../support/avahi.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason, type LabHost } from "../support/lab.ts";
import { askOneShot, MdnsListener, sendFuzz } from "../support/mdns-listener.ts";
import { until } from "../support/until.ts";

const lab = new Lab();
const skip = labReason() ?? programReason() ?? avahiReason() ?? false;
const program = "/usr/local/bin/fossora";
const fuzzPackets = 10_000;
const growthKiBMax = 48 * 1024;
/** What an agent needs to see a new address, and ten times what a name needs. */
const moveLimitMs = 60_000;
/** The lease of a node, and the probes. */
const limitMs = 60_000;

function service(name: string): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "lab/whoami:1", port: 80, env: { NAME: ${name} } }\n`;
}

describe("names on the LAN", { skip }, () => {
  let node: HouseNode;
  let phone: LabHost;
  let avahi: Avahi;

  before(async () => {
    node = await HouseNode.alone(lab);
    phone = await lab.client("phone");
    avahi = await Avahi.start(lab, phone);
    await node.apply(service("shop"), "--wait");
    await until("the name is announced", async () => (await avahi.resolve("shop.local")) === node.address);
  });
  after(() => lab.down());

  async function routeCondition(name: string): Promise<string | undefined> {
    const { status } = JSON.parse(await node.run("get", "route", name, "-o", "json")) as {
      readonly status: { readonly conditions: readonly { readonly type: string; readonly message: string }[] };
    }; // the API's own form
    return status.conditions.find(({ type }) => type === "LocalName")?.message;
  }

  const curl = async (url: string): Promise<string> =>
    (JSON.parse(await lab.exec("phone", "curl", "-sf", "--max-time", "20", url)) as { readonly name: string }).name; // the lab image's form

  test("a device finds an app by its name through Avahi and through the C library, and gets its page", async () => {
    assert.equal(await avahi.resolve("shop.local"), node.address);
    assert.match(await lab.exec("phone", "getent", "hosts", "shop.local"), new RegExp(`^${node.address}\\s+shop.local`));
    assert.equal(await curl("http://shop.local/json"), "shop");
  });

  test("a program that knows no mDNS is answered alone, with its question, and for ten seconds", async () => {
    const { answers } = await askOneShot(lab, "phone", "SHOP.local");
    assert.deepEqual(
      answers.map(({ from, port, message }) => [from, port, message.questions?.[0]?.name]),
      [[node.address, 5353, "SHOP.local"]],
    );
    assert.deepEqual(
      answers[0]?.message.answers?.map((answer) => answer.type === "A" && [answer.data, answer.ttl, answer.flush]),
      [[node.address, 10, false]],
    );
    const ipv6 = await askOneShot(lab, "phone", "shop.local", { count: 1, everySeconds: 0, type: 28 });
    assert.deepEqual(
      ipv6.answers[0]?.message.answers?.map(({ type }) => type),
      ["NSEC"],
    );
  });

  test("a name that Avahi published first stays with it, the Route says so, and gets it when it is free", async () => {
    const foreign = phone.ip;
    const published = avahi.publish("radio.local", foreign);
    await until("Avahi has the name", async () => (await avahi.resolve("radio.local")) === foreign);
    await node.apply(service("radio"), "--wait");
    const message = await until("the Route says so", () => routeCondition("radio"), limitMs);
    assert.match(message, new RegExp(`^radio.local does not lead to ${node.name} on the LAN: ${foreign} has that name already`));
    assert.equal(await avahi.resolve("radio.local"), foreign);
    assert.equal(await avahi.resolve("shop.local"), node.address);
    published.kill();
    await until("the name is ours", async () => (await avahi.resolve("radio.local")) === node.address, limitMs);
  });

  test("a name is gone from every device when its app is deleted", async () => {
    const listener = await MdnsListener.start(lab, "phone");
    await node.run("delete", "service", "radio");
    await until("it says goodbye", () => listener.told("radio.local").some(({ ttl, from }) => ttl === 0 && from === node.address));
    listener.stop();
    await until("nobody answers", async () => (await avahi.resolve("radio.local")) === undefined);
  });

  test("another ingress takes over without a goodbye, a conflict or a question without an answer", async () => {
    const before = await node.pid("ingress");
    const listener = await MdnsListener.start(lab, "phone");
    const asking = askOneShot(lab, "phone", "shop.local", { count: 150, everySeconds: 0.1 });
    await node.installAnotherBuild();
    await node.signal("agent", "TERM");
    await until("another ingress", async () => (await node.pid("ingress")) !== before, limitMs);
    const { unanswered } = await asking;
    listener.stop();
    assert.equal(unanswered, 0);
    const told = listener.told("shop.local");
    assert.ok(told.length >= 2, "the new one announces it");
    for (const { from, ttl, address } of told) assert.deepEqual([from, ttl, address], [node.address, 120, node.address]);
  });

  test("Avahi on the node itself goes on, before and after a restart of it", async () => {
    const own = await Avahi.start(lab, await node.host());
    const names = async (): Promise<unknown> => [
      await avahi.resolve("shop.local"),
      await avahi.resolve(`${node.name}.local`),
      await own.resolve("shop.local"),
      await own.resolve("phone.local"),
    ];
    const expected = [node.address, node.address, node.address, phone.ip];
    assert.deepEqual(await names(), expected);
    await node.signal("ingress", "KILL");
    await until("it is announced again", async () => (await askOneShot(lab, "phone", "shop.local")).unanswered === 0, limitMs);
    assert.deepEqual(await names(), expected);
    assert.doesNotMatch(await own.logs(), /conflict|Withdrawing/i);
  });

  test("ten thousand broken packets later it answers as before, is the same process and has not grown", async () => {
    const memoryKiB = async (): Promise<number> => {
      const status = await lab.exec(node.name, "cat", `/proc/${await node.pid("ingress")}/status`);
      return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
    };
    const [pid, before] = [await node.pid("ingress"), await memoryKiB()];
    await sendFuzz(lab, "phone", "shop.local", { count: fuzzPackets, seed: 1 });
    await until("it answers", async () => (await askOneShot(lab, "phone", "shop.local", { count: 5, everySeconds: 0 })).unanswered === 0);
    assert.equal(await node.pid("ingress"), pid);
    assert.ok((await memoryKiB()) - before < growthKiBMax, `${before} KiB before, ${await memoryKiB()} after`);
  });

  test("a node that moves to another address takes its names along", async () => {
    const moved = node.address.replace(/\d+$/, "77");
    await lab.exec(node.name, "sh", "-c", `ip address del ${node.address}/24 dev eth0 && ip address add ${moved}/24 dev eth0`);
    await until("the name leads there", async () => (await avahi.resolve("shop.local")) === moved, moveLimitMs);
    assert.equal(await curl("http://shop.local/json"), "shop");
  });

  test("a node that is stopped says goodbye", async () => {
    const listener = await MdnsListener.start(lab, "phone");
    await node.run("down");
    await until("it says goodbye", () => listener.told("shop.local").some(({ ttl }) => ttl === 0));
    listener.stop();
  });
});

describe("names of several nodes on one LAN", { skip }, () => {
  const ids = { attic: "a", cellar: "b" } as const;
  type Node = keyof typeof ids;
  const nodes = new Map<Node, { readonly ip: string; readonly client: IngressClient }>();
  let avahi: Avahi;

  before(async () => {
    await lab.down();
    for (const name of ["attic", "cellar"] as const) {
      const host = await lab.client(name);
      mkdirSync(path.join(host.root, path.dirname(program)), { recursive: true });
      copyFileSync(path.join(import.meta.dirname, "../../dist/fossora"), path.join(host.root, program));
      await lab.start(name, "ingress", [program, "ingress"]);
      nodes.set(name, { ip: host.ip, client: connectIngress(path.join(host.root, "run/fossora/ingress.sock")) });
    }
    avahi = await Avahi.start(lab, await lab.client("phone"));
  });
  after(() => lab.down());

  const soon = (): AbortSignal => AbortSignal.timeout(10_000);
  const ipOf = (name: Node): string => nodes.get(name)?.ip ?? "";

  /** What the agent of that node would hand over, if it sees these as alive. */
  async function tell(name: Node, alive: readonly Node[], hosts: readonly string[] = ["shop"]): Promise<void> {
    const { ip = "", client } = nodes.get(name) ?? {};
    const table: Table = {
      revision: 1,
      node: name,
      zone: "home.internal",
      http: hosts.map((host) => ({ name: host, host, path: "/", backends: [], holdMs: 0, forwardedHeaders: "standard" })),
      streams: [],
      records: [],
      houseNames: [],
      nodes: Object.fromEntries(alive.map((each) => [each, { id: ids[each], lan: [ipOf(each)], tailnet: [] }])),
    };
    await until(`${name} listens`, async () => {
      await client?.putTable(table, soon());
      return true;
    });
    await client?.putSettings({ http: { addresses: [], ports: [] }, dns: { addresses: [], ports: [] }, mdns: { addresses: [ip] } }, soon());
  }

  async function states(name: Node): Promise<readonly LocalName["state"][]> {
    return ((await nodes.get(name)?.client.status(soon()))?.localNames ?? []).map(({ state }) => state);
  }

  test("the one with the lowest id speaks for all; when it loses its power the next one does", async () => {
    for (const name of ["cellar", "attic"] as const) await tell(name, ["attic", "cellar"]);
    await until("one announces", async () => (await states("attic"))[0] === "announced");
    assert.deepEqual(await states("cellar"), []);
    assert.equal(await avahi.resolve("shop.local"), ipOf("attic"));
    await lab.cut("attic");
    await tell("cellar", ["cellar"]);
    await until("the next one announces", async () => (await avahi.resolve("shop.local")) === ipOf("cellar"));
  });

  test("two that do not see each other alive agree on the lower one, without a conflict", async () => {
    await lab.heal("attic");
    // With other news they speak up; at rest they would hear each other at the next question.
    for (const name of ["attic", "cellar"] as const) await tell(name, [name], ["shop", "bank"]);
    await until("the lower one has the names", async () => (await states("attic")).join() === "announced,announced");
    await until("the higher one is silent", async () => (await states("cellar")).join() === "silent,silent");
    const problems = ((await nodes.get("cellar")?.client.status(soon()))?.localNames ?? []).flatMap(({ problem = [] }) => problem);
    assert.deepEqual(problems, []);
    // What it heard of the higher one it remembers for one more second.
    await until("a device knows the lower one alone", async () => (await avahi.resolve("shop.local")) === ipOf("attic"));
  });
});
