// Port 53 where another program has it: what the node says, and that its words give the house the port. With Debian's own dnsmasq, unbound and
// systemd-resolved, unpacked and not installed, on a lab host.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { unpackedFile } from "../../tools/debian.ts";
import type { Condition } from "../../src/api/resource.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

interface Holder {
  readonly name: string;
  /** As the kernel calls it. */
  readonly comm: string;
  readonly program: () => string | undefined;
  /** What it needs that this machine may lack: by package. */
  readonly libraries?: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  readonly config: Readonly<Record<string, string>>;
}

const holders: readonly Holder[] = [
  {
    name: "dnsmasq",
    comm: "dnsmasq",
    program: () => unpackedFile("dnsmasq-base", ["usr/sbin/dnsmasq"]),
    args: ["--keep-in-foreground", "--user=root", "--conf-file=/etc/dnsmasq.conf", "--pid-file="],
    config: { "/etc/dnsmasq.conf": "conf-dir=/etc/dnsmasq.d\nno-resolv\n", "/etc/dnsmasq.d/mine.conf": "domain=lan\n" },
  },
  {
    name: "unbound",
    comm: "unbound",
    program: () => unpackedFile("unbound", ["usr/sbin/unbound"]),
    libraries: {
      "libevent-2.1-7": "libevent-2.1.so.7",
      "libprotobuf-c1": "libprotobuf-c.so.1",
      "libpython3.11": "libpython3.11.so.1.0",
      "libnghttp2-14": "libnghttp2.so.14",
    },
    args: ["-d", "-p", "-c", "/etc/unbound/unbound.conf"],
    config: {
      "/etc/unbound/unbound.conf": "include-toplevel: /etc/unbound/unbound.conf.d/*.conf\n",
      "/etc/unbound/unbound.conf.d/mine.conf":
        'server:\n  interface: 0.0.0.0\n  interface: ::0\n  username: ""\n  chroot: ""\n  directory: "/etc/unbound"\n  do-daemonize: no\n  use-syslog: no\n',
    },
  },
  {
    name: "systemd-resolved",
    comm: "systemd-resolve",
    program: () => unpackedFile("systemd-resolved", ["lib/systemd/systemd-resolved", "usr/lib/systemd/systemd-resolved"]),
    args: [],
    config: { "/etc/systemd/resolved.conf.d/mine.conf": "[Resolve]\nDNSStubListenerExtra=0.0.0.0\n" },
  },
];

const triplet = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("port 53 that another program has", { skip }, () => {
  let node: HouseNode;
  before(async () => {
    node = await HouseNode.alone(lab);
  });
  after(() => lab.down());

  async function conditions(): Promise<readonly Condition[]> {
    const object = JSON.parse(await node.run("get", "node", node.name, "-o", "json")) as {
      readonly status: { readonly conditions: readonly Condition[] };
    };
    return object.status.conditions; // the API's own form
  }

  /** The port on which the LAN is answered. */
  async function lanPort(): Promise<number | undefined> {
    const { listeners = [] } = await node.summary();
    return listeners.find(({ protocol, address }) => protocol === "dns" && address === node.address)?.port;
  }

  /** A new process tries all ports anew. */
  async function restartIngress(): Promise<void> {
    const before = await node.pid("ingress");
    await node.signal("ingress", "KILL");
    await until("another ingress runs", async () => (await node.pid("ingress")) !== before && (await lanPort()) !== undefined);
  }

  function answersHouse(): boolean {
    const asked = ["+short", "+time=2", "+tries=1", `@${node.address}`, `${node.name}.node.home.internal`, "A"];
    return execFileSync("dig", asked, { encoding: "utf8" }).trim() === node.address;
  }

  for (const { name, comm, program, libraries = {}, args, config } of holders) {
    test(`${name} is named with the commands that give the house its port, and these do`, async (t) => {
      const file = program();
      if (file === undefined) return t.skip(`Debian's package of ${name} cannot be fetched`);
      const { root } = await node.host();
      const folder = path.join(root, "usr/local/lib/unpacked");
      mkdirSync(folder, { recursive: true });
      for (const [owner, library] of Object.entries(libraries)) {
        const found = unpackedFile(owner, [`usr/lib/${triplet}/${library}`]);
        if (found !== undefined) execFileSync("cp", ["--dereference", found, folder]);
      }
      const { stdout: needs } = spawnSync("ldd", [file], { env: { ...process.env, LD_LIBRARY_PATH: folder }, encoding: "utf8" });
      if (needs.includes("not found")) return t.skip(`libraries of ${name} are missing here`);
      for (const [place, text] of Object.entries(config)) {
        mkdirSync(path.dirname(path.join(root, place)), { recursive: true });
        writeFileSync(path.join(root, place), text);
      }
      execFileSync("cp", [file, path.join(root, "usr/local/bin", path.basename(file))]);
      await lab.exec(
        node.name,
        "sh",
        "-c",
        "id systemd-resolve >/dev/null 2>&1 || echo systemd-resolve:x:997:997::/:/usr/sbin/nologin >> /etc/passwd; mkdir -p /run/systemd",
      );
      const command = ["env", "LD_LIBRARY_PATH=/usr/local/lib/unpacked", `/usr/local/bin/${path.basename(file)}`, ...args];
      const start = (): Promise<void> => lab.start(node.name, name, command);
      // Whoever comes first has it.
      await lab.stop(node.name, "fossora", { all: true });
      await start();
      await until(`${name} has port 53`, async () => (await lab.exec(node.name, "ss", "-lunpH", "sport = 53")).includes(comm));
      await lab.restart(node.name, "fossora");
      await node.ready();
      if ((await lanPort()) === 53) await restartIngress();
      const held = await until("the node says so", async () => (await conditions()).find(({ type }) => type === "DnsPortHeld"));
      assert.match(held.message, new RegExp(`^port 53 is held by ${comm} \\(pid \\d+\\); \\d+ was taken instead\\. Nobody asks there: `));
      assert.notEqual(await lanPort(), 53);

      const fix = /; then: (.*) && sudo systemctl restart/.exec(held.message)?.[1] ?? "";
      await lab.exec(node.name, "sh", "-c", fix.replaceAll("sudo ", ""));
      await lab.stop(node.name, name, { all: true });
      await start();
      await restartIngress();
      await until("the house answers the LAN", answersHouse);
      await until("at port 53, says the node", async () => (await lanPort()) === 53);
      await until("nothing is left to say", async () => !(await conditions()).some(({ type }) => type === "DnsPortHeld"));
      await lab.stop(node.name, name, { all: true });
    });
  }
});
