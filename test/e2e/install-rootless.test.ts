// A person without root who may use Docker: high ports, folders of their own, and the same house.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { download, downloaded, filesOf, ourProcesses, setUp } from "../support/installed.ts";
import { Lab, labReason, type CommandOutcome } from "../support/lab.ts";

const manifest = `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: whoami }
spec: { image: "lab/whoami:1", port: 80 }
`;
const host = "whoami.home.internal";
const home = "/opt/alice";
const program = `${home}/.local/bin/fossora`;

const lab = new Lab();

describe("a person without root", { skip: labReason() ?? programReason() ?? false }, () => {
  let node: HouseNode;
  let filesBefore: ReadonlySet<string>;

  before(async () => {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    node = new HouseNode(lab, first);
    await download(node);
    const addUser = `getent group docker >/dev/null || groupadd docker; useradd --create-home --home-dir ${home} --groups docker alice`;
    await lab.exec(node.name, "sh", "-c", `${addUser}; chgrp docker /run/docker.sock && chmod 660 /run/docker.sock`);
    filesBefore = await filesOf(node);
  });
  after(() => lab.down());

  function asAlice(...command: readonly string[]): Promise<CommandOutcome> {
    return lab.tryExec(node.name, "su", "alice", "-c", command.map((word) => `'${word}'`).join(" "));
  }

  test("has a house on high ports after `up`, with everything in folders of their own", async () => {
    const { code, stderr } = await asAlice(downloaded, "up");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /proxy :8080, DNS :5354/);
    assert.match(stderr, /Next +\/opt\/alice\/\.local\/bin\/fossora apply -f/);
    assert.equal((await asAlice(program, "status")).code, 0);
    const elsewhere = [...(await filesOf(node))].filter((file) => !filesBefore.has(file) && !file.startsWith(home));
    assert.deepEqual(elsewhere, []);
    const users = await lab.exec(node.name, "ps", "axww", "-o", "user=,args=");
    assert.equal(users.split("\n").filter((line) => /^alice .*(fossora|etcd)/.test(line)).length, 4);
  });

  test("reaches an app by its name through these ports", async () => {
    const { code, stderr } = await asAlice("sh", "-c", `echo "${manifest}" | ${program} apply -f - --wait --timeout 2m`);
    assert.equal(code, 0, stderr);
    assert.equal((await node.request(host, "/", { port: 8080 })).status, 200);
    const { stdout } = await lab.tryExec(node.name, "dig", "+short", `@${node.address}`, "-p", "5354", host);
    assert.equal(stdout.trim(), node.address);
  });

  test("stays as it is when `up` runs again", async () => {
    const processes = await ourProcesses(node);
    assert.equal((await asAlice(downloaded, "up")).code, 0);
    assert.deepEqual(await ourProcesses(node), processes);
  });

  test("is found from a session with another run folder, as cron's is", async () => {
    const processes = await ourProcesses(node);
    const inAnother = (verb: string): Promise<CommandOutcome> => asAlice("env", `XDG_RUNTIME_DIR=${home}`, downloaded, verb);
    assert.equal((await inAnother("up")).code, 0);
    assert.deepEqual(await ourProcesses(node), processes);
    assert.match((await inAnother("down")).stderr, /stopped here/);
    assert.deepEqual(await ourProcesses(node), []);
    assert.equal((await asAlice(downloaded, "up")).code, 0);
  });

  test("has the only node on this computer's Docker, and so has root", async () => {
    const processes = await ourProcesses(node);
    const roots = await setUp(node, "up");
    assert.equal(roots.code, 2, roots.said);
    assert.match(roots.said, /Cannot start: a node of the user with the id \d+ runs here already/);
    await lab.exec(node.name, "sh", "-c", "mkdir -p /run/fossora && touch /run/fossora/fossora.sock");
    const hers = await asAlice(downloaded, "up");
    await lab.exec(node.name, "rm", "-r", "/run/fossora");
    assert.equal(hers.code, 2, hers.stderr);
    assert.match(hers.stderr, /Cannot start: Fossora is here for the whole computer already.*sudo fossora up/);
    assert.deepEqual(await ourProcesses(node), processes);
  });

  test("has nothing but data and apps after `uninstall`", async () => {
    const containers = await node.containers();
    const { code, stderr } = await asAlice(downloaded, "uninstall");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Stays +data in \/opt\/alice\/\.local\/share\/fossora; 1 container,/);
    assert.deepEqual(await ourProcesses(node), []);
    assert.deepEqual(await node.containers(), containers);
    const left = [...(await filesOf(node))].filter((file) => !filesBefore.has(file) && !file.startsWith(`${home}/.local/share/fossora/`));
    assert.deepEqual(
      left.sort(),
      ["", "/bin", "/share", "/share/fossora"].map((folder) => `${home}/.local${folder}`),
    );
    assert.match(await lab.exec(node.name, "ls", "/tmp"), /^(?!.*fossora)/s);
  });
});
