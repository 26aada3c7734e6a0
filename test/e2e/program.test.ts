// The one file: what it needs of a machine, and what it is without its own etcd.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { debianEtcd } from "../../tools/debian.ts";
import { findCommand } from "../../tools/machine.ts";
import { nodeBinary, thisNodeArch, type NodeArch, type NodeBinary } from "../../tools/node-binary.ts";
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
    const { stdout, stderr } = spawnSync(program, ["explain", "service.spec.image"], {
      cwd: empty,
      env: { PATH: empty, HOME: empty },
      encoding: "utf8",
    });
    assert.match(stdout, /image/);
    // Node warns there when it takes no code cache.
    assert.equal(stderr, "");
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
      said = await buildWithoutGo(folder, file);
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
      assert.equal(code, 1, said);
      assert.match(
        said,
        /its data is that of etcd 3\.[45]\.\d+, and .* is etcd 3\.7\.\d+, which cannot go on with it.*fossora up --etcd PATH/,
      );
      const withPath = await setUp(node, "up", "--etcd", "/usr/bin/etcd");
      assert.equal(withPath.code, 0, withPath.said);
      assert.equal(await node.pid("etcd"), etcd);
      assert.match(await node.run("get", "services"), /whoami +1\/1 +Ready/);
    });
  },
);

const emulator = findCommand("qemu-aarch64-static");
/** Of Debian's packages for it (libc6-arm64-cross, libstdc++6-arm64-cross, libatomic1-arm64-cross). */
const armLibraries = "/usr/aarch64-linux-gnu";
const noEmulator =
  emulator === undefined || !existsSync(`${armLibraries}/lib/libatomic.so.1`) ? "no qemu-aarch64-static here, or no libraries" : false;

describe("the program of `npm run build -- --all` for arm64", { skip: thisNodeArch === "arm64" ? "this machine is one" : false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "for-arm64-"));
  const file = path.join(folder, "fossora");
  after(() => rmSync(folder, { recursive: true }));

  test("is made on this machine, of the Node for arm64 that is locked and of our code", async (t) => {
    let node: NodeBinary;
    try {
      node = nodeBinary("arm64"); // fetched once, 50 MB
    } catch (error) {
      return t.skip(`Node for arm64 cannot be had here: ${String(error)}`);
    }
    const cache = path.join(folder, "cache/fossora");
    mkdirSync(cache, { recursive: true });
    symlinkSync(node.file, path.join(cache, path.basename(node.file)));
    // Its etcd takes Go two minutes: left out here, where that of this machine is tested.
    await buildWithoutGo(folder, file, "arm64");
    const content = readFileSync(file);
    assert.deepEqual([content.toString("latin1", 1, 4), content.readUInt8(4), content.readUInt16LE(18)], ["ELF", 2, 183]); // 64 bits, AArch64
    assert.ok(content.includes("NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1"), "Node would start as Node");
    assert.ok(content.includes('"version":"0.1.0"') && content.includes("Cannot reach the node at"), "our code is not inside");
  });

  test("runs where there is an emulator", { skip: noEmulator }, async () => {
    const { stdout, stderr } = await promisify(execFile)(emulator ?? "", ["-L", armLibraries, file, "explain", "service.spec.image"]);
    assert.match(stdout, /image/);
    assert.equal(stderr, ""); // as of a code cache of another architecture
  });
});

/** With a PATH that has no go, and a cache in the folder that no earlier build filled. Answers what it said. */
async function buildWithoutGo(folder: string, file: string, arch: NodeArch = thisNodeArch): Promise<string> {
  const bin = path.join(folder, "bin");
  mkdirSync(bin);
  for (const name of ["git", "strip"]) {
    const found = findCommand(name);
    if (found !== undefined) symlinkSync(found, path.join(bin, name));
  }
  const options = JSON.stringify({ file, arch });
  const script = `import { build } from ${JSON.stringify(path.join(project, "tools/build.ts"))}; await build(console.log, ${options});`;
  const env = { PATH: bin, HOME: folder, XDG_CACHE_HOME: path.join(folder, "cache") };
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    cwd: project,
    env,
  });
  return stdout;
}
