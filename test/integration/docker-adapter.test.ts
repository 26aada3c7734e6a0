// What only a real Docker shows of the dockerode adapter: networks that carry, files, terminals, registries.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import Docker from "dockerode";
import { DockerContainers } from "../../src/adapters/dockerode/containers.ts";
import { EngineError, type EngineFault } from "../../src/api/errors.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { ContainerSpec, ExecSession, LogChunk, NetworkSpec, PullProgress } from "../../src/container-ports.ts";
import { addressOf, rejectsWith, signal, text } from "../contracts/containers-bench.ts";
import { keepsInputWaiting } from "../contracts/exec-session.ts";
import { containerSpec } from "../fakes/containers-spec.ts";
import { freeNetwork, noDocker, startDocker, type TestDocker } from "../support/docker.ts";
import { makeTestImage, noBusybox } from "../support/docker-image.ts";
import { startRegistry, type TestRegistry } from "../support/docker-registry.ts";

const image = "fossora-test:1";
const limitMs = 60_000;
const run = Math.random().toString(36).slice(2, 7);
const waits = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"];
const shell = { tty: false, stdin: false } as const;

describe("Docker alone", { skip: noDocker() ?? noBusybox() ?? false }, () => {
  let docker: TestDocker;
  let containers: DockerContainers;
  let registry: TestRegistry;
  let dockerConfig: string;
  const network: NetworkSpec = freeNetwork(`fa${run}`);
  let hostsTaken = 9;

  before(async () => {
    docker = await startDocker();
    dockerConfig = path.join(docker.folder, "config.json");
    containers = new DockerContainers({ socketPath: docker.socketPath, dockerConfig });
    registry = await startRegistry();
    await makeTestImage(docker.socketPath, { reference: image, page: "Hello from a test\n", files: { "/data/from-image": "copied\n" } });
    await containers.ensureNetwork(network, signal);
  });

  after(async () => {
    registry.close();
    for (const { id } of await containers.list(undefined, signal)) await containers.remove(id, signal);
    for (const { name } of await containers.networks(signal)) await containers.removeNetwork(name, signal);
    containers.close();
    await docker.stop();
  });

  const spec = (name: string, over: Partial<ContainerSpec> = {}, on = network): ContainerSpec => {
    const address = on.subnet.replace(/\.0\/.*/, `.${++hostsTaken}`);
    return containerSpec(`${name}-${hostsTaken}`, {
      image,
      network: { kind: "bridge", network: on.name, address, aliases: [name] },
      ...over,
    });
  };
  const start = async (each: ContainerSpec): Promise<string> => {
    const id = await containers.create(each, signal);
    await containers.start(id, signal);
    return id;
  };
  const runIn = async (id: string, ...command: readonly string[]): Promise<{ readonly code: number; readonly out: string }> => {
    const session = await containers.exec(id, command, shell, signal);
    const out = await text(session.output);
    return { code: await session.exitCode(), out };
  };

  test("the host dials a container by the address it was given, and the image's own command serves", async () => {
    const served = spec("served");
    await start(served);
    assert.equal(await until(() => fetchText(addressOf(served))), "Hello from a test\n");
  });

  test("what an image keeps in a folder that nothing is mounted at is told; what a tmpfs or a volume has is not", async () => {
    const engine = { Volumes: { "/config": {}, "/cache": {}, "/kept": {} } };
    const mounts = [{ target: "/kept", readOnly: false, source: { volume: `fossora-kept-${run}` } }];
    const id = await start(spec("keeps", { engine, mounts, tmpfs: [{ path: "/cache" }] }));
    const found = (await containers.list(undefined, signal)).find((each) => each.id === id);
    assert.deepEqual(found?.unheld, ["/config"]);
    await containers.remove(id, signal);
    await containers.removeVolume(`fossora-kept-${run}`, signal);
  });

  test("containers of one private network know each other's aliases", async () => {
    const home = freeNetwork(`fb${run}`, true);
    await containers.ensureNetwork(home, signal);
    const db = spec("db", {}, home);
    await start(db);
    const id = await start(spec("web", {}, home));
    // Whether their packets pass is the machine's firewall's to say.
    assert.match((await runIn(id, "nslookup", "db", "127.0.0.11")).out, new RegExp(`Address.*: ${addressOf(db)}$`, "m"));
  });

  test("an image's files are copied into a fresh volume, and stay when the container goes", async () => {
    const directory = mkdtempSync(path.join(docker.folder, "volume-"));
    await containers.ensureVolume(`data-${run}`, directory, { [LABEL.kind]: "Service" }, signal);
    const mounts = [{ target: "/data", readOnly: false, source: { volume: `data-${run}` } }];
    const id = await start(spec("keeper", { mounts }));
    await runIn(id, "sh", "-c", "echo photo >/data/photo");
    await containers.remove(id, signal);
    assert.deepEqual(readdirSync(directory).toSorted(), ["from-image", "photo"]);
    const again = await start(spec("keeper-again", { mounts }));
    assert.equal((await runIn(again, "cat", "/data/photo", "/data/from-image")).out, "photo\ncopied\n");
    await containers.remove(again, signal);
    await containers.removeVolume(`data-${run}`, signal);
    assert.equal(readFileSync(path.join(directory, "photo"), "utf8"), "photo\n");
  });

  test("a foreign volume or network of the same name is neither used nor removed", async () => {
    const client = new Docker({ socketPath: docker.socketPath });
    await client.createVolume({ Name: `foreign-${run}` });
    const ours = freeNetwork(`fn-${run}`);
    await client
      .createNetwork({ Name: ours.name, Driver: "null" })
      .catch(() => client.createNetwork({ Name: ours.name, Options: { "com.docker.network.bridge.name": ours.name } }));
    await rejectsWith("nameInUse", containers.ensureVolume(`foreign-${run}`, docker.folder, {}, signal));
    await rejectsWith("nameInUse", containers.ensureNetwork(ours, signal));
    await containers.removeVolume(`foreign-${run}`, signal);
    await containers.removeNetwork(`fn-${run}`, signal);
    await client.getVolume(`foreign-${run}`).remove();
    await client.getNetwork(`fn-${run}`).remove();
  });

  test("a network that Docker has with other addresses is made anew", async () => {
    const [before, after] = [freeNetwork(`fc${run}`), freeNetwork(`fc${run}`)];
    await containers.ensureNetwork(before, signal);
    await containers.ensureNetwork(after, signal);
    assert.equal((await containers.networks(signal)).find(({ name }) => name === before.name)?.subnet, after.subnet);
  });

  test("files are there before the first start, with mode and owner", async () => {
    const id = await containers.create(spec("filed", { command: ["sh", "-c", "cat /etc/app/a.conf; exec sleep 1000"] }), signal);
    await containers.putFiles(
      id,
      [
        { path: "/etc/app/a.conf", content: "größe = 1\n", mode: "0640", owner: "1000:1000" },
        { path: "/etc/app/b.conf", content: "", mode: "0600", owner: "1000:0" },
        { path: "/etc/app/c.conf", content: "", mode: "0755" },
      ],
      signal,
    );
    await containers.start(id, signal);
    const { out } = await runIn(id, "stat", "-c", "%a %u:%g %n", "/etc/app/a.conf", "/etc/app/b.conf", "/etc/app/c.conf");
    assert.equal(out, "640 1000:1000 /etc/app/a.conf\n600 1000:0 /etc/app/b.conf\n755 0:0 /etc/app/c.conf\n");
    assert.match(await text(containers.logs(id, { follow: false, timestamps: false }, signal)), /größe = 1/);
  });

  test("a file never takes the place of a directory, nor what is mounted in it", async () => {
    const directory = mkdtempSync(path.join(docker.folder, "kept-"));
    writeFileSync(path.join(directory, "photo"), "kept");
    const mounts = [{ target: "/srv/photos", readOnly: false, source: { hostPath: directory } }];
    const id = await containers.create(spec("careless", { mounts }), signal);
    for (const target of ["/srv", "/srv/photos"]) {
      await rejectsWith("invalid", containers.putFiles(id, [{ path: target, content: "", mode: "0644" }], signal));
    }
    assert.deepEqual(readdirSync(directory), ["photo"]);
  });

  test("what a person runs from a commit of a container is neither listed nor told of, although it has all of its labels", async () => {
    const id = await start(spec("kept"));
    const client = new Docker({ socketPath: docker.socketPath });
    const repo = `fossora-test-commit-${run}`;
    await client.getContainer(id).commit({ repo, tag: "1" });
    const copy = await client.createContainer({ name: `try-${run}`, Image: `${repo}:1`, HostConfig: { NetworkMode: "none" } });
    assert.equal((await copy.inspect()).Config.Labels[LABEL.kind], "Service");
    const listed = [await containers.list(undefined, signal), await containers.processes(signal)];
    for (const found of listed)
      assert.deepEqual([found.some((each) => each.id === id), found.some((each) => each.id === copy.id)], [true, false]);
    await copy.remove({ force: true });
    await client.getImage(`${repo}:1`).remove();
  });

  test("what ran and has lost its network is discarded, and what its image keeps stays; what never ran leaves nothing", async () => {
    const client = new Docker({ socketPath: docker.socketPath });
    const home = freeNetwork(`fd${run}`);
    await containers.ensureNetwork(home, signal);
    const wanted = spec("cut", { engine: { Volumes: { "/kept": {} } }, command: waits }, home);
    const id = await start(wanted);
    await runIn(id, "sh", "-c", "echo photo >/kept/photo");
    await containers.stop(id, 5000, signal);
    await client.getNetwork(home.name).remove();
    await containers.ensureNetwork(home, signal);
    await rejectsWith("notFound", containers.start(id, signal), /network .* not found/);
    const [volume = "", ...others] = await containers.discard(id, signal);
    assert.deepEqual(others, []);
    const { Mountpoint } = await client.getVolume(volume).inspect();
    assert.equal(readFileSync(path.join(Mountpoint, "photo"), "utf8"), "photo\n");
    await client.getVolume(volume).remove();
    const again = await start(wanted);
    await containers.remove(again, signal);
    const idle = await containers.create(wanted, signal);
    const [mount] = (await client.getContainer(idle).inspect()).Mounts;
    assert.deepEqual(await containers.discard(idle, signal), []);
    await assert.rejects(client.getVolume(mount?.Name ?? "").inspect());
  });

  test("logs keep both streams apart, follow, and give only the last lines or times when asked", async () => {
    const id = await start(spec("talks", { command: ["sh", "-c", "echo one; echo two >&2; sleep 1; echo three; exec sleep 1000"] }));
    const own = new AbortController();
    const seen: string[] = [];
    await assert.rejects(async () => {
      for await (const { stream, data } of containers.logs(id, { follow: true, timestamps: false }, own.signal)) {
        seen.push(`${stream} ${Buffer.from(data).toString().trim()}`);
        if (seen.length === 3) own.abort(new Error("enough"));
      }
    }, /enough/);
    assert.deepEqual(seen.toSorted(), ["stderr two", "stdout one", "stdout three"]);
    assert.equal(await text(containers.logs(id, { follow: false, tail: 1, timestamps: false }, signal)), "three\n");
    assert.match(await text(containers.logs(id, { follow: false, tail: 1, timestamps: true }, signal)), /^\d{4}-\d\d-\d\dT.* three\n$/);
    assert.equal(await text(containers.logs(id, { follow: false, since: Date.now() / 1000 + 60, timestamps: false }, signal)), "");
  });

  test("a command's two streams and exit code come back, and its input goes in", async () => {
    const id = await start(spec("worker"));
    assert.deepEqual(await runIn(id, "sh", "-c", "echo out; exit 7"), { code: 7, out: "out\n" });
    const session = await containers.exec(
      id,
      ["sh", "-c", "cat; echo warned >&2"],
      { tty: false, stdin: true, user: "1000", workingDir: "/tmp" },
      signal,
    );
    session.write(Buffer.from("typed "));
    session.write(Buffer.from("twice"));
    session.end();
    const chunks = await Array.fromAsync(session.output);
    const of = (stream: LogChunk["stream"]): string =>
      Buffer.concat(chunks.filter((each) => each.stream === stream).map(({ data }) => data)).toString();
    assert.deepEqual([of("stdout"), of("stderr"), await session.exitCode()], ["typed twice", "warned\n", 0]);
    assert.match(String((await runIn(id, "no-such-program")).code), /^12[67]$/);
  });

  test("a command that does not read keeps its input waiting", async () => {
    const id = await start(spec("busy", { command: waits }));
    const script = "until [ -e /tmp/go ]; do sleep 0.1; done; wc -c";
    const session = await containers.exec(id, ["sh", "-c", script], { tty: false, stdin: true }, signal);
    await keepsInputWaiting({ session, readOn: async () => void (await runIn(id, "touch", "/tmp/go")) });
  });

  test("a terminal has the size that it was given", async () => {
    const id = await start(spec("terminal"));
    const session = await containers.exec(id, ["sh"], { tty: true, stdin: true }, signal);
    await session.resize(132, 43);
    session.write(Buffer.from("stty size; exit 3\n"));
    assert.match(await text(session.output), /43 132/);
    assert.equal(await session.exitCode(), 3);
  });

  test("an aborted command gives up its connection, and a stopped container has none", async () => {
    const id = await start(spec("aborted", { command: waits }));
    const own = new AbortController();
    const session: ExecSession = await containers.exec(id, ["sleep", "1000"], shell, own.signal);
    own.abort(new Error("gone"));
    await assert.rejects(text(session.output), /gone/);
    await containers.stop(id, 5000, signal);
    await assert.rejects(containers.exec(id, ["true"], shell, signal), EngineError);
  });

  test("memory and CPU time of a running container are measured", async () => {
    const id = await start(spec("measured"));
    const { memoryBytes, cpuNanos } = await containers.stats(id, signal);
    assert(memoryBytes > 0 && cpuNanos > 0);
  });

  test("a port published on this machine is told, with the address of the container", async () => {
    const id = await start(spec("published", { publish: [{ port: 80, protocol: "tcp" }] }));
    const found = (await containers.list(undefined, signal)).find((each) => each.id === id);
    const port = found?.published["80/tcp"] ?? assert.fail("no port");
    assert.equal(await until(() => fetchText("127.0.0.1", port)), "Hello from a test\n");
  });

  test("a command that the image has not is a refusal that names it", async () => {
    await rejectsWith("invalid", start(spec("wrong", { command: ["/no/such/program"] })), /no\/such\/program/);
  });

  test("a pull tells its bytes, records the digest, and asks for nothing that is here", async () => {
    const reference = `${registry.host}/app:1`;
    const seen: PullProgress[] = [];
    const pulled = await containers.pull(reference, undefined, (progress) => seen.push(progress), signal);
    assert.deepEqual(pulled.digests, [`${registry.host}/app@${registry.digest}`]);
    assert(pulled.tags.includes(reference));
    const last = seen.at(-1) ?? assert.fail("no progress");
    assert(last.totalBytes > 100_000 && last.doneBytes === last.totalBytes && last.layers === 1, JSON.stringify(last));
    assert(seen.some(({ doneBytes, totalBytes }) => doneBytes > 0 && doneBytes < totalBytes));
    assert.equal((await containers.image(reference, signal))?.id, pulled.id);
    assert.equal(await containers.removeImage(reference, signal), true);
    assert.equal(await containers.image(reference, signal), undefined);
  });

  const refusals: readonly (readonly [TestRegistry["mode"], string, EngineFault])[] = [
    ["asks for a login", "private:1", "registryRefused"],
    ["forbids", "private:1", "registryRefused"],
    ["limits the rate", "popular:1", "rateLimited"],
    ["serves", "app:nope", "imageNotFound"],
  ];
  for (const [mode, name, fault] of refusals) {
    test(`a registry that ${mode} makes the pull of ${name} end with ${fault}`, async () => {
      registry.mode = mode;
      await rejectsWith(
        fault,
        containers.pull(`${registry.host}/${name}`, undefined, () => {}, signal),
      );
      registry.mode = "serves";
    });
  }

  test("a registry that nobody answers for is unreachable", async () => {
    await rejectsWith(
      "registryUnreachable",
      containers.pull("127.0.0.1:9/app:1", undefined, () => {}, signal),
    );
  });

  test("a login counts as soon as it is written", async () => {
    registry.mode = "asks for a login";
    const { username, password } = registry.login;
    writeFileSync(
      dockerConfig,
      JSON.stringify({ auths: { [registry.host]: { auth: Buffer.from(`${username}:${password}`).toString("base64") } } }),
    );
    assert(await containers.pull(`${registry.host}/private:1`, undefined, () => {}, signal));
    rmSync(dockerConfig);
    registry.mode = "serves";
  });

  test("an aborted pull ends at once with the signal's reason", async () => {
    registry.mode = "is silent";
    const own = new AbortController();
    const pulling = containers.pull(`${registry.host}/slow:1`, undefined, () => {}, own.signal);
    own.abort(new Error("no longer wanted"));
    await assert.rejects(pulling, /no longer wanted/);
    registry.mode = "serves";
  });
});

describe("an engine that is away", () => {
  test("every call is unavailable, in words that name what was asked", async () => {
    const containers = new DockerContainers({ socketPath: "/nowhere/docker.sock" });
    await rejectsWith(
      "unavailable",
      containers.list(undefined, signal),
      /^Cannot list containers: Docker does not answer on \/nowhere\/docker.sock /,
    );
    await rejectsWith(
      "unavailable",
      containers.pull("app:1", undefined, () => {}, signal),
    );
    await rejectsWith("unavailable", containers.info(signal));
    containers.close();
  });
});

// ---------------------------------------------------------------- what the tests share

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert(performance.now() < deadline, look.toString());
    await sleep(20);
  }
}

async function fetchText(host: string, port = 80): Promise<string | undefined> {
  try {
    return await (await fetch(`http://${host}:${port}/`)).text();
  } catch {
    return undefined; // not yet
  }
}
