// Names beyond the house: for containers whatever their C library, and for the LAN where the house is its resolver. On a lab host, with a
// filter of the household's own (dnsmasq) as an app and another dnsmasq as the name server that the host has from its router.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Condition } from "../../src/api/resource.ts";
import { unpackedFile } from "../../tools/debian.ts";
import { findCommand } from "../../tools/machine.ts";
import { makeTestImage, noBusybox } from "../support/docker-image.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { muslLookup, noMusl } from "../support/musl.ts";
import { until } from "../support/until.ts";

const OUTSIDE = "203.0.113.7";
const BLOCKED = "192.0.2.1";
const IMAGE = "names:1";
const apps = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: shop }
spec: { image: "${IMAGE}", port: 80 }
`;
const filter = (generation: number, replicas = 1): string => `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: filter }
spec:
  image: "${IMAGE}"
  replicas: ${replicas}
  routes: []
  env: { GENERATION: "${generation}" }
  command: [/bin/dnsmasq, --keep-in-foreground, --user=root, --no-resolv, --conf-file=/dev/null, --pid-file=, "--address=/ads.example/${BLOCKED}", "--address=/outside.example/${OUTSIDE}"]
  stopGrace: 1s
`;
const resolver = (upstream: string, fallback = ""): string =>
  `apiVersion: fossora.dev/v1\nkind: House\nmetadata: { name: house }\nspec: { resolver: { serve: [lan], upstream: ${upstream}${fallback} } }\n`;

const dnsmasq = findCommand("dnsmasq") ?? unpackedFile("dnsmasq-base", ["usr/sbin/dnsmasq"]);
const needed = dnsmasq === undefined ? "no dnsmasq (Debian package dnsmasq-base)" : undefined;
const lab = new Lab();
const skip = labReason() ?? programReason() ?? noBusybox() ?? noMusl() ?? needed ?? false;

describe("names beyond the house", { skip }, () => {
  let node: HouseNode;
  let router: ChildProcess;

  before(async () => {
    node = await HouseNode.alone(lab);
    // The lab's hosts have this machine as their name server.
    const address = node.address.replace(/\d+$/, "1");
    const names = ["outside.example", "ads.example"].map((name) => `--address=/${name}/${OUTSIDE}`);
    router = spawn(
      dnsmasq ?? "",
      [
        "--keep-in-foreground",
        "--no-resolv",
        "--no-hosts",
        "--conf-file=/dev/null",
        "--pid-file=",
        `--listen-address=${address}`,
        "--bind-interfaces",
        ...names,
      ],
      { stdio: "ignore" },
    );
    await lab.client("laptop", [node.address]);
    const { docker } = await node.host();
    await makeTestImage(docker.replace("unix://", ""), {
      reference: IMAGE,
      page: "shop",
      programs: [muslLookup(), findCommand("getent") ?? "", dnsmasq ?? ""],
      files: { "/etc/nsswitch.conf": "hosts: files dns\n" },
    });
    await node.apply(apps, "--wait");
  });
  after(async () => {
    router.kill();
    await lab.down();
  });

  /** What a program in the app's container says that the name's address is. */
  async function inside(...command: readonly string[]): Promise<string> {
    const [container = ""] = await node.containersOf("shop");
    const { stdout } = await lab.tryExec(node.name, "docker", "exec", container, ...command);
    return stdout.trim().split(/\s+/)[0] ?? "";
  }
  const libraries: Readonly<Record<string, (name: string) => Promise<string>>> = {
    glibc: (name) => inside("getent", "ahostsv4", name),
    musl: (name) => inside("musl-lookup", name),
  };

  /** What a computer of the LAN is told. */
  async function onLan(name: string, ...options: readonly string[]): Promise<string> {
    const { stdout } = await lab.tryExec("laptop", "dig", "+short", "+time=3", "+tries=1", ...options, `@${node.address}`, name);
    return stdout.trim();
  }
  async function house(): Promise<{ readonly line: string; readonly trouble: Condition | undefined }> {
    const { status } = JSON.parse(await node.run("get", "house", "house", "-o", "json")) as {
      readonly status: { readonly conditions: readonly Condition[] };
    }; // the API's own form
    return { line: await node.run("get", "house"), trouble: status.conditions.find(({ type }) => type === "ResolverReady") };
  }

  for (const [library, lookUp] of Object.entries(libraries)) {
    test(`a container with ${library} finds apps by label and by full name, and names outside`, async () => {
      const gateway = (await node.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", "fossora")).trim();
      for (const name of ["shop", "shop.home.internal"]) assert.equal(await lookUp(name), gateway, name);
      assert.equal(await lookUp("outside.example"), OUTSIDE);
      assert.equal(await lookUp("nobody.home.internal"), "");
    });
  }

  test("the LAN is not served until the House says so", async () => {
    assert.equal(await onLan("outside.example"), "");
    assert.match((await house()).line, /RESOLVER.*\n.* off /);
  });

  test("the LAN is served by the household's own filter, over UDP and TCP; containers and the node are not", async () => {
    await node.apply(filter(1), "--wait");
    await node.apply(resolver("service/filter:53", ", fallback: host"));
    await until("the filter answers the LAN", async () => (await onLan("ads.example")) === BLOCKED);
    assert.equal(await onLan("outside.example", "+tcp"), OUTSIDE);
    assert.equal(await onLan("shop.home.internal"), node.address);
    assert.match((await house()).line, / lan /);
    for (const lookUp of Object.values(libraries)) assert.equal(await lookUp("ads.example"), OUTSIDE);
    assert.match(await lab.exec(node.name, "dig", "+time=3", "+tries=1", `@${node.address}`, "ads.example"), /status: REFUSED/);
  });

  test("a name is found where the filter went, and the host's name servers are asked while it is nowhere", async () => {
    await node.apply(filter(2), "--wait");
    await until("the filter answers at its new address", async () => (await onLan("ads.example")) === BLOCKED);
    await node.apply(filter(2, 0));
    await until("the host's servers answer", async () => (await onLan("ads.example")) === OUTSIDE);
    const told = await until("the House says so", async () => (await house()).trouble);
    assert.equal(told.reason, "UpstreamNotReady");
    assert.match(told.message, /^Service filter is not ready: h1 asks 10\.99\.\d+\.1 meanwhile$/);
    await node.apply(filter(2));
    await until("the filter answers again", async () => (await onLan("ads.example")) === BLOCKED);
    await until("nothing is left to say", async () => (await house()).trouble === undefined);
  });

  test("a house that would ask itself asks nobody, and says what to write instead", async () => {
    await node.apply(resolver(node.address));
    const { line, trouble } = await until("the House says so", async () => {
      const found = await house();
      return found.trouble?.reason === "NoUpstream" && found;
    });
    assert.match(line, / NoUpstream /);
    assert.match(trouble?.message ?? "", /Name another in spec\.resolver\.upstream, such as 9\.9\.9\.9$/);
    assert.match(await lab.exec("laptop", "dig", "+time=3", "+tries=1", `@${node.address}`, "outside.example"), /status: SERVFAIL/);
    assert.match(await node.run("describe", "house/house"), /NoUpstream/);
  });

  test("without an ingress containers still find names outside", async () => {
    await lab.stop(node.name, "fossora", { all: true });
    for (const [library, lookUp] of Object.entries(libraries)) assert.equal(await lookUp("outside.example"), OUTSIDE, library);
  });
});
