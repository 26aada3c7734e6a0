// A computer of the LAN reaches apps by IPv6: names lead there, by DNS and by mDNS, the app is told who asks, and a stranger of the internet
// is not let in. On lab hosts, one of which loses its IPv6 again.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Avahi, avahiReason } from "../support/avahi.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason, type LabHost } from "../support/lab.ts";
import { MdnsListener } from "../support/mdns-listener.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? avahiReason() ?? false;
const LIMIT_MS = 90_000;
const server = { local: "fd00:99::11", given: "2001:db8:99:1::11" };
const client = { local: "fd00:99::101", given: "2001:db8:99:1::101", stranger: "2001:db8:99:2::101" };
const name = "shop.home.internal";
const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "lab/whoami:1", port: 80, routes: [{ allow: [lan] }] }
`;

describe("apps by IPv6", { skip }, () => {
  const lab = new Lab();
  let node: HouseNode;
  let laptop: LabHost;
  let avahi: Avahi;
  before(async () => {
    node = await HouseNode.alone(lab);
    laptop = await lab.client("laptop", [node.address]);
    await node.apply(manifest, "--wait");
    for (const address of Object.values(server)) await ip(node.name, "addr", "add", `${address}/64`, "dev", "eth0", "nodad");
    for (const address of Object.values(client)) await ip("laptop", "addr", "add", `${address}/64`, "dev", "eth0", "nodad");
    // As a router's advertisement would say it.
    await ip("laptop", "route", "replace", "2001:db8:99:1::/64", "dev", "eth0", "src", client.given);
    await ip(node.name, "route", "replace", "2001:db8:99:2::/64", "dev", "eth0");
  });
  after(() => lab.down());

  const ip = (host: string, ...words: readonly string[]): Promise<string> => lab.exec(host, "ip", "-6", ...words);
  const dig = async (...words: readonly string[]): Promise<readonly string[]> =>
    (await lab.tryExec("laptop", "dig", "+short", "+tries=1", "+time=2", ...words)).stdout.split("\n").filter(Boolean);
  /** Status and page, as a device of the LAN gets them from that address. */
  const page = async (address: string, from: string): Promise<string> =>
    (
      await lab.tryExec(
        "laptop",
        "curl",
        "-sg",
        "--interface",
        from,
        "-H",
        `Host: ${name}`,
        "-w",
        "\n%{http_code}",
        `http://[${address}]/json`,
      )
    ).stdout;

  test("a name has an address of the LAN's own, by whichever family it is asked for, and that address has a name", async () => {
    await until("the name leads there", async () => (await dig(`@${node.address}`, name, "AAAA")).join() === server.local, LIMIT_MS);
    await until("it is asked there", async () => (await dig(`@${server.local}`, name, "A")).join() === node.address, LIMIT_MS);
    assert.deepEqual(await dig(`@${server.local}`, "-x", server.local), [`${node.name}.node.home.internal.`]);
  });

  test("a page comes from either address, and the app is told who asks", async () => {
    for (const kind of ["local", "given"] as const) {
      const text = await page(server[kind], client[kind]);
      assert.match(text, /\n200$/, text);
      assert.ok(text.includes(client[kind]), text);
    }
  });

  test("who is on none of its networks is no device of the LAN", async () => {
    const text = await page(server.given, client.stranger);
    assert.match(text, /\n403$/, text);
  });

  test("a device that speaks mDNS by IPv6 alone finds an app, by addresses of both families", async () => {
    avahi = await Avahi.start(lab, laptop, 6);
    const all = [node.address, ...Object.values(server)].toSorted();
    await until("the name leads there", async () => all.includes((await avahi.resolve("shop.local", 6)) ?? ""), LIMIT_MS);
    assert.equal(await avahi.resolve("shop.local", 4), node.address);
    // Debian's own setting asks for IPv4 alone.
    writeFileSync(path.join(laptop.root, "etc/nsswitch.conf"), "hosts: files mdns_minimal [NOTFOUND=return] dns\n");
    const printed = await lab.exec("laptop", "getent", "ahosts", "shop.local");
    const addresses = [...printed.matchAll(/^([^\s%]+)\S*\s+STREAM/gm)].map(([, address = ""]) => address);
    assert.ok(addresses.includes(node.address) && addresses.some((each) => each.includes(":")), addresses.join(" "));
    assert.deepEqual(
      addresses.filter((each) => !all.includes(each)),
      [],
    );
  });

  test("a name that a device speaks for by IPv6 alone stays with it, the Route says so, and gets it when it is free", async () => {
    const published = avahi.publish("radio.local", client.local);
    await until("the device has the name", async () => (await avahi.resolve("radio.local", 6)) === client.local);
    await node.apply(manifest.replace("shop", "radio"), "--wait");
    const isTold = async (): Promise<string | undefined> => /^.*radio\.local.*$/m.exec(await node.run("describe", "route", "radio"))?.[0];
    const line = await until("the Route says so", isTold, LIMIT_MS);
    assert.match(line, /radio\.local does not lead to \S+ on the LAN: \S*:\S* has that name already/);
    assert.equal(await avahi.resolve("radio.local", 6), client.local);
    published.kill();
    await until("the name is ours", async () => (await avahi.resolve("radio.local", 4)) === node.address, LIMIT_MS);
    await node.deleteService("radio");
  });

  test("without IPv6 it goes on as before, and no name leads there", async () => {
    const listener = await MdnsListener.start(lab, "laptop");
    await lab.exec(node.name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
    await until("no name leads there", async () => (await dig(`@${node.address}`, name, "AAAA")).length === 0, LIMIT_MS);
    assert.deepEqual(await dig(`@${node.address}`, name, "A"), [node.address]);
    const told = (ttl: number): readonly string[] =>
      [...new Set(listener.told("shop.local").flatMap((each) => (each.ttl === ttl ? each.address : [])))].toSorted();
    await until("devices hear so by mDNS", () => told(0).length === 2 && told(120).length === 1, LIMIT_MS);
    listener.stop();
    assert.deepEqual([told(0), told(120)], [Object.values(server).toSorted(), [node.address]]);
    // The network that it counts as the LAN's is IPv4 again, too.
    assert.equal((await node.request(name)).status, 200);
    await node.signal("agent", "KILL");
    await node.signal("ingress", "KILL");
    await until("it answers again", async () => (await node.request(name)).status === 200, LIMIT_MS);
    assert.doesNotMatch(await node.run("status"), /fd00:99/);
  });
});
