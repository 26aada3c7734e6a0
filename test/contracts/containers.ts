// What every engine behind the `Containers` port must do: run on the fake and on a real dockerd, so that the simulator's fake
// stays honest.
import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { LABEL } from "../../src/api/labels.ts";
import { addressOf, type Bench, look, nextOf, rejectsWith, signal, spec, started, text, untilState } from "./containers-bench.ts";

export function containersContract(name: string, bench: () => Bench): void {
  describe(name, () => {
    afterEach(async () => {
      const { containers } = bench();
      const left = await containers.list(undefined, signal);
      await Promise.all(left.map(({ id }) => containers.remove(id, signal)));
    });
    lifeCases(bench);
    createCases(bench);
    networkCases(bench);
    volumeCases(bench);
    daemonCases(bench);
  });
}

function lifeCases(bench: () => Bench): void {
  test("a container is created, runs, stops and is gone", async () => {
    const { containers } = bench();
    const wanted = spec(bench(), "life", "runs");
    const id = await containers.create(wanted, signal);
    const created = await look(bench(), id);
    assert.equal(created.state, "created");
    assert.equal(created.startedAt, undefined);
    assert.equal(created.stopGraceMs, wanted.stopGraceMs);
    assert.equal(created.name, wanted.name);
    assert.equal(created.service, wanted.labels[LABEL.name]);
    assert.equal(created.specHash, wanted.labels[LABEL.specHash]);
    assert.equal(created.address, addressOf(wanted), "its address is known before it runs");
    await containers.start(id, signal);
    const running = await look(bench(), id);
    assert.equal(running.state, "running");
    assert(running.startedAt !== undefined);
    await containers.stop(id, 1000, signal);
    assert.equal((await look(bench(), id)).state, "exited");
    await containers.remove(id, signal);
    assert(!(await containers.list(undefined, signal)).some((each) => each.id === id));
  });

  test("starting what runs, stopping what is stopped and removing what is gone are no errors", async () => {
    const { containers } = bench();
    const id = await started(bench(), spec(bench(), "twice", "runs"));
    await containers.start(id, signal);
    await containers.stop(id, 1000, signal);
    await containers.stop(id, 1000, signal);
    await containers.kill(id, signal);
    await containers.remove(id, signal);
    await containers.remove(id, signal);
    await containers.stop(id, 1000, signal);
    await containers.kill(id, signal);
  });

  test("what ends with 0 stays down", async () => {
    const id = await started(bench(), spec(bench(), "zero", "exits 0"));
    const exited = await untilState(bench(), id, "exited");
    assert.equal(exited.exitCode, 0);
    assert.equal(exited.restarts, 0);
    assert(exited.finishedAt !== undefined);
  });

  test("a crash is mended by the engine alone, and counted", async () => {
    const id = await started(bench(), spec(bench(), "crash", "exits 3"));
    await bench().until(async () => (await look(bench(), id)).restarts >= 2, "it was restarted twice");
    await bench().containers.stop(id, 1000, signal);
    assert.equal((await look(bench(), id)).state, "exited");
  });

  test("without a restart policy a crash stays down and tells its exit code", async () => {
    const id = await started(bench(), spec(bench(), "crash-once", "exits 3", { restart: "no" }));
    const exited = await untilState(bench(), id, "exited");
    assert.equal(exited.exitCode, 3);
    assert.equal(exited.outOfMemory, false);
  });

  test("a container beyond its memory limit says so", async () => {
    const id = await started(bench(), spec(bench(), "oom", "runs out of memory", { restart: "no", memoryBytes: 8 * 2 ** 20 }));
    assert.equal((await untilState(bench(), id, "exited")).outOfMemory, true);
  });

  test("what ignores the stop signal is killed when its grace is over", async () => {
    const id = await started(bench(), spec(bench(), "stubborn", "ignores the stop signal"));
    await bench().containers.stop(id, 1000, signal);
    const exited = await look(bench(), id);
    assert.equal(exited.state, "exited");
    assert.equal(exited.exitCode, 137);
  });

  test("kill ends at once, without a restart", async () => {
    const id = await started(bench(), spec(bench(), "killed", "ignores the stop signal", { stopGraceMs: 60_000 }));
    await bench().containers.kill(id, signal);
    assert.equal((await untilState(bench(), id, "exited")).exitCode, 137);
  });

  test("a health check turns healthy, or unhealthy with its output", async () => {
    const timing = { intervalMs: 100, timeoutMs: 5000, retries: 2, startGraceMs: 0 };
    const well = await started(bench(), spec(bench(), "well", "runs", { healthcheck: { ...timing, command: ["true"] } }));
    const ill = await started(bench(), spec(bench(), "ill", "runs", { healthcheck: { ...timing, command: ["false"] } }));
    await bench().until(async () => (await look(bench(), well)).health === "healthy", "healthy");
    await bench().until(async () => (await look(bench(), ill)).health === "unhealthy", "unhealthy");
    await bench().containers.stop(well, 1000, signal);
    assert.notEqual((await look(bench(), well)).health, "healthy", "what does not run is not healthy");
  });

  test("the events name the Service that changed", async () => {
    const own = new AbortController();
    const events = bench().containers.events(own.signal)[Symbol.asyncIterator]();
    assert.equal((await nextOf(events)).service, undefined, "the first one says that anything may have happened");
    const wanted = spec(bench(), "heard", "exits 0");
    const actions: string[] = [];
    await started(bench(), wanted);
    while (!actions.includes("die")) {
      const { service, action } = await nextOf(events);
      if (service === wanted.labels[LABEL.name]) actions.push(action);
    }
    assert(actions.includes("start"));
    own.abort(new Error("enough"));
    await assert.rejects(Promise.resolve(events.next()), /enough/);
  });

  test("logs keep what the container printed", async () => {
    const id = await started(bench(), spec(bench(), "talks", "says hello"));
    await untilState(bench(), id, "exited");
    assert.match(await text(bench().containers.logs(id, { follow: false, timestamps: false }, signal)), /hello/);
  });

  test("a restart policy can be changed on a running container", async () => {
    const id = await started(bench(), spec(bench(), "stays", "runs"));
    await bench().containers.setRestartPolicy(id, "unless-stopped", signal);
    assert.equal((await look(bench(), id)).state, "running");
    await bench().containers.remove(id, signal);
  });

  test("an aborted call throws the signal's reason", async () => {
    await assert.rejects(bench().containers.list(undefined, AbortSignal.abort(new Error("too late"))), /too late/);
  });
}

function createCases(bench: () => Bench): void {
  test("creating the same spec twice answers the same container", async () => {
    const wanted = spec(bench(), "same", "runs");
    const id = await bench().containers.create(wanted, signal);
    assert.equal(await bench().containers.create(wanted, signal), id);
  });

  test("another spec under the same name is refused", async () => {
    const wanted = spec(bench(), "other", "runs");
    await bench().containers.create(wanted, signal);
    await rejectsWith(
      "nameInUse",
      bench().containers.create({ ...wanted, labels: { ...wanted.labels, [LABEL.specHash]: "another" } }, signal),
    );
  });

  test("a foreign container of that name is named, and neither listed nor touched", async () => {
    const wanted = spec(bench(), "foreign", "runs");
    await bench().addForeign(wanted.name);
    await rejectsWith("nameInUse", bench().containers.create(wanted, signal));
    assert(!(await bench().containers.list(undefined, signal)).some((each) => each.name === wanted.name));
    assert(await bench().foreignRuns(wanted.name));
  });

  test("one Service's containers are listed without the others'", async () => {
    const one = spec(bench(), "mine", "runs");
    await bench().containers.create(one, signal);
    await bench().containers.create(spec(bench(), "theirs", "runs"), signal);
    assert.deepEqual(
      (await bench().containers.list(one.labels[LABEL.name], signal)).map((each) => each.name),
      [one.name],
    );
  });

  test("an image that is not here is a fault, not a pull", async () => {
    await rejectsWith(
      "imageNotFound",
      bench().containers.create(spec(bench(), "imageless", "runs", { image: "fossora-test-nowhere:1" }), signal),
    );
    assert.equal(await bench().containers.image("fossora-test-nowhere:1", signal), undefined);
  });

  test("a host path that is missing is a fault, and nothing is made of it", async () => {
    const wanted = spec(bench(), "typo", "runs", { mounts: [{ target: "/in", readOnly: true, source: { hostPath: "/nowhere/at-all" } }] });
    await rejectsWith("hostPathMissing", started(bench(), wanted));
  });

  test("a device that is missing is a fault", async () => {
    await rejectsWith(
      "deviceMissing",
      started(bench(), spec(bench(), "deviceless", "runs", { devices: [{ host: "/dev/nowhere", container: "/dev/x" }] })),
    );
  });

  test("an image in use is not removed", async () => {
    await bench().containers.create(spec(bench(), "user", "runs"), signal);
    assert.equal(await bench().containers.removeImage(bench().image, signal), false);
    assert.equal(await bench().containers.removeImage("fossora-test-nowhere:1", signal), true);
    assert(await bench().containers.image(bench().image, signal));
  });
}

function networkCases(bench: () => Bench): void {
  test("an address that another running container has is a fault", async () => {
    const first = spec(bench(), "first", "runs");
    const id = await started(bench(), first);
    const second = spec(bench(), "second", "runs", { network: first.network });
    await rejectsWith("addressInUse", started(bench(), second));
    await bench().containers.remove(id, signal);
    await bench().containers.start(await bench().containers.create(second, signal), signal);
  });

  test("a network is made once, listed as it was asked for, and removed", async () => {
    const { containers, network, otherNetwork } = bench();
    await containers.ensureNetwork(network, signal);
    assert.deepEqual(
      (await containers.networks(signal)).find(({ name }) => name === network.name),
      network,
    );
    const other = { ...otherNetwork, icc: true };
    await containers.ensureNetwork(other, signal);
    await containers.removeNetwork(other.name, signal);
    await containers.removeNetwork(other.name, signal);
    assert(!(await containers.networks(signal)).some(({ name }) => name === other.name));
  });

  test("a subnet that another network has is a fault", async () => {
    await rejectsWith("addressInUse", bench().containers.ensureNetwork({ ...bench().network, name: `${bench().network.name}c` }, signal));
  });

  test("starting on a network that is gone is a fault", async () => {
    const wanted = spec(bench(), "netless", "runs", {
      network: { kind: "bridge", network: "fossora-test-gone", address: "10.199.1.9", aliases: [] },
    });
    await rejectsWith("notFound", started(bench(), wanted));
  });

  test("a network with a container on it is not removed", async () => {
    const id = await started(bench(), spec(bench(), "stayer", "runs"));
    await rejectsWith("addressInUse", bench().containers.removeNetwork(bench().network.name, signal));
    await bench().containers.remove(id, signal);
  });

  test("what cannot be started any more is discarded, and another one has its name and address", async () => {
    const wanted = spec(bench(), "discarded", "runs");
    const id = await started(bench(), wanted);
    await bench().containers.stop(id, 1000, signal);
    assert.deepEqual(await bench().containers.discard(id, signal), []);
    assert(!(await bench().containers.list(undefined, signal)).some((each) => each.id === id));
    assert.deepEqual(await bench().containers.discard(id, signal), [], "what is gone is discarded");
    assert.notEqual(await started(bench(), wanted), id);
  });

  test("a container joins the network of another", async () => {
    const id = await started(bench(), spec(bench(), "owner", "runs"));
    const guest = await started(bench(), spec(bench(), "guest", "runs", { network: { kind: "container", id } }));
    assert.equal((await look(bench(), guest)).state, "running");
  });
}

let volumesMade = 0;
const volumeName = (): string => `volume-${volumesMade++}`;

function volumeCases(bench: () => Bench): void {
  test("a volume is made once and never led elsewhere", async () => {
    const { containers } = bench();
    const [directory, other] = [bench().directory(), bench().directory()];
    const name = volumeName();
    const labels = { [LABEL.kind]: "Service" };
    await containers.ensureVolume(name, directory, labels, signal);
    await containers.ensureVolume(name, directory, labels, signal);
    await rejectsWith("nameInUse", containers.ensureVolume(name, other, labels, signal));
    await started(bench(), spec(bench(), "keeper", "runs", { mounts: [{ target: "/kept", readOnly: false, source: { volume: name } }] }));
  });

  test("a volume whose directory is missing fails the start", async () => {
    const name = volumeName();
    await bench().containers.ensureVolume(name, "/nowhere/at-all", { [LABEL.kind]: "Service" }, signal);
    await rejectsWith(
      "hostPathMissing",
      started(bench(), spec(bench(), "lost", "runs", { mounts: [{ target: "/kept", readOnly: false, source: { volume: name } }] })),
    );
  });
}

function daemonCases(bench: () => Bench): void {
  for (const how of ["stopped", "powerLoss"] as const) {
    test(`when the daemon was away (${how}) the events go on, and it starts what failed but with the policy "no"`, async (t) => {
      const { restart, containers } = bench();
      if (!restart) return t.skip("this Docker is not ours to restart");
      const own = new AbortController();
      const events = containers.events(own.signal)[Symbol.asyncIterator]();
      await nextOf(events);
      const calm = await started(bench(), spec(bench(), "calm", "runs"));
      const failing = await started(bench(), spec(bench(), "failing", "runs, and ends with 143"));
      const exclusive = spec(bench(), "exclusive", "runs, and ends with 143", { restart: "no" });
      const alone = await started(bench(), exclusive);
      await restart(how);
      while ((await nextOf(events)).service !== undefined) await Promise.resolve();
      assert.equal((await look(bench(), calm)).state, how === "stopped" ? "exited" : "running");
      assert.equal((await look(bench(), failing)).state, "running");
      assert.equal((await look(bench(), alone)).state, "exited");
      await containers.start(alone, signal);
      const again = await look(bench(), alone);
      assert.equal(again.state, "running");
      assert.equal(again.address, addressOf(exclusive));
      own.abort();
      await events.next().catch(() => {});
      return undefined;
    });
  }

  test("what was stopped on purpose, but did not end with 0, starts with the daemon", async (t) => {
    const { restart, containers } = bench();
    if (!restart) return t.skip("this Docker is not ours to restart");
    const id = await started(bench(), spec(bench(), "stopped", "runs, and ends with 143"));
    await containers.stop(id, 1000, signal);
    await restart("stopped");
    assert.equal((await look(bench(), id)).state, "running");
    return undefined;
  });
}
