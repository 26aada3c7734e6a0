// Where other programs have :80 and :53 already, a house takes other ports, says whose they are, and works on. On a lab host.
import assert from "node:assert/strict";
import { Resolver } from "node:dns/promises";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";

const nameServer =
  "import socket\nu = socket.socket(type=socket.SOCK_DGRAM); u.bind(('', 53))\nt = socket.create_server(('', 53))\nt.accept()";

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("on a machine whose ports are taken", { skip }, () => {
  let node: HouseNode;
  let ports: { readonly http: number; readonly dns: number };

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    node = new HouseNode(lab, first);
    await lab.start(node.name, "web", ["python3", "-m", "http.server", "80"]);
    await lab.start(node.name, "names", ["python3", "-c", nameServer]);
    await node.install();
    await node.start();
    const { listeners = [] } = await node.summary();
    const portOf = (protocol: string): number => listeners.find((each) => each.protocol === protocol)?.port ?? 0;
    ports = { http: portOf("http"), dns: portOf("dns") };
    await node.apply(
      'apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: shop }\nspec: { image: "lab/whoami:1", port: 80, env: { URL: "${url}" } }\n',
      "--wait",
    );
  });
  after(() => lab.down());

  test("others are taken, and `status` says who holds the usual ones", async () => {
    assert.ok(ports.http > 80 && ports.dns > 53, JSON.stringify(ports));
    const status = await node.run("status");
    assert.match(status, new RegExp(`port 80 is held by python3.*${ports.http}`));
    assert.match(status, new RegExp(`port 53 is held by python3.*${ports.dns}`));
  });

  test("the app answers there, and its URL has the port, in the list and in the app", async () => {
    const url = `http://shop.home.internal:${ports.http}`;
    assert.equal((await node.request(`shop.home.internal:${ports.http}`, "/", { port: ports.http })).status, 200);
    assert.ok((await node.run("get", "svc", "shop")).includes(`${url} `));
    assert.equal((await node.run("exec", "shop", "--", "sh", "-c", "echo $URL")).trim(), url);
    const resolver = new Resolver();
    resolver.setServers([`${node.address}:${ports.dns}`]);
    assert.deepEqual(await resolver.resolve4("shop.home.internal"), [node.address]);
  });

  test("the other programs go on undisturbed", async () => {
    assert.match((await node.request("anything", "/")).body, /Directory listing/);
  });
});
