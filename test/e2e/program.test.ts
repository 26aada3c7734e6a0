// The one file: what it needs of a machine, and what it is without its own etcd.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { debianEtcd } from "../../tools/debian.ts";
import { findCommand } from "../../tools/machine.ts";
import { HouseNode, programReason } from "../support/house.ts";
import { download, setUp } from "../support/installed.ts";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const project = path.join(import.meta.dirname, "../..");
const program = path.join(project, "dist/fossora");
const whoami = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: whoami }\nspec: { image: "lab/whoami:1", port: 80 }\n`;

describe("the program", { skip: programReason() ?? false }, () => {
  test("runs from an empty directory, where neither Node nor npm can be found", () => {
    const empty = mkdtempSync(path.join(tmpdir(), "empty-"));
    const output = execFileSync(program, ["explain", "service.spec.image"], {
      cwd: empty,
      env: { PATH: empty, HOME: empty },
      encoding: "utf8",
    });
    assert.match(output, /image/);
    rmSync(empty, { recursive: true });
  });
});

describe(
  "a program that was built without Go",
  { skip: labReason() ?? (debianEtcd() === undefined ? "no etcd-server package to be had" : false) },
  () => {
    const lab = new Lab();
    const folder = mkdtempSync(path.join(tmpdir(), "without-go-"));
    let node: HouseNode;
    let said = "";

    before(async () => {
      const file = path.join(folder, "fossora");
      said = await buildWithoutGo(file);
      const [host] = await lab.up(1);
      assert.ok(host);
      mkdirSync(path.join(host.root, "usr/local/bin"), { recursive: true });
      copyFileSync(file, path.join(host.root, "usr/local/bin/fossora"));
      copyFileSync(debianEtcd() ?? "", path.join(host.root, "usr/bin/etcd"));
      node = new HouseNode(lab, host);
    });
    after(async () => {
      await lab.down();
      rmSync(folder, { recursive: true });
    });

    test("says so", () => assert.match(said, /carries no etcd, since Go .* is not here/));

    test("runs a house of one on Debian's etcd-server", async () => {
      await node.start();
      const { store } = await node.summary();
      assert.match(store.version, /^3\.[45]\./);
      await node.apply(whoami, "--wait", "--timeout", "2m");
      assert.match(await node.run("get", "services"), /whoami +1\/1 +Ready/);
    });

    test("has everything again after its etcd was killed", async () => {
      const etcd = await node.pid("etcd");
      await node.signal("etcd", "KILL");
      await until("another etcd", async () => (await node.pid("etcd")) !== etcd);
      await node.ready();
      assert.match(await node.run("get", "services"), /whoami +1\/1 +Ready/);
      await node.apply(whoami.replace(":1", ":2"), "--wait", "--timeout", "2m");
    });

    test("is told by another build what etcd its data needs, and goes on with that one", async () => {
      const etcd = await node.pid("etcd");
      await download(node);
      const { code, said } = await setUp(node, "up");
      assert.equal(code, 1);
      assert.match(
        said,
        /its data is that of etcd 3\.[45]\.\d+, and .* is etcd 3\.7\.\d+, which cannot go on with it.*fossora up --etcd PATH/,
      );
      assert.equal((await setUp(node, "up", "--etcd", "/usr/bin/etcd")).code, 0);
      assert.equal(await node.pid("etcd"), etcd);
      assert.match(await node.run("get", "services"), /whoami +1\/1 +Ready/);
    });

    /** With a PATH that has no go, and a cache that no earlier build filled. */
    async function buildWithoutGo(file: string): Promise<string> {
      const bin = path.join(folder, "bin");
      mkdirSync(bin);
      for (const name of ["git", "strip"]) {
        const found = findCommand(name);
        if (found !== undefined) symlinkSync(found, path.join(bin, name));
      }
      const script = `import { build } from ${JSON.stringify(path.join(project, "tools/build.ts"))}; await build(console.log, { file: ${JSON.stringify(file)} });`;
      const env = { PATH: bin, HOME: folder, XDG_CACHE_HOME: path.join(folder, "cache") };
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module-typescript", "--eval", script], {
        cwd: project,
        env,
      });
      return stdout;
    }
  },
);
