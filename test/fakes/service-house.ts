// The Service's controller under the real engine, on a fake store and a fake Docker: a house of one, for tests of what it does.
import { keys } from "../../src/api/keys.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { DecidedService, DecidedVolume, ObservedService } from "../../src/api/state.ts";
import { serviceController } from "../../controllers/service/controller.ts";
import type { Ports } from "../../src/engine/contract.ts";
import { Engine } from "../../src/engine/engine.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import { runnable } from "../../src/engine/runnable.ts";
import { SeededRandom, VirtualClock } from "./clock.ts";
import { FakeEngine } from "./containers-engine.ts";
import type { FakeImage } from "./containers-engine.ts";
import type { Behaviour } from "./containers-life.ts";
import { type FakeEvents, fakeLog } from "./machine.ts";
import { apply, foundHouse, nodeRecord, put } from "./objects.ts";
import { fakePorts } from "./ports.ts";
import { FakeEtcd } from "./store.ts";

/** Virtual time, within which what is waited for must be so. */
export const LIMIT_MS = 120_000;

interface Scene {
  readonly registry?: ReadonlyMap<string, FakeImage>;
  readonly behave?: (image: string) => Behaviour;
}

/** A house of one with the image `app:1` on it. */
export async function serviceHouse({ registry = new Map(), behave = () => ({}) }: Scene = {}) {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  apply(etcd, "Membership", "nas", { role: "auto", schedulable: true });
  put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
  const store = etcd.client("nas", { clock, random: new SeededRandom(2) });
  const docker = new FakeEngine({ clock, random: new SeededRandom(3), registry, behave: ({ image }) => behave(image) });
  docker.load("app:1");
  const mirror = new StoreMirror({ store, clock, log: fakeLog() });
  const ports = fakePorts({ node: "nas", clock, store, mirror, docker, wake: (kind, name) => engine.wake(kind, name) });
  const engine = new Engine({ controllers: [runnable(serviceController)], mirror, ports });
  const stop = new AbortController();
  const running = Promise.all([mirror.run(stop.signal), engine.run(stop.signal), followContainers(ports, engine, stop.signal)]);
  await clock.settle();
  const read = (key: string): unknown => JSON.parse(etcd.get(key)?.value ?? "null") ?? undefined;
  const observed = () => read(keys.observed("Service", "app", "nas")) as ObservedService | undefined;
  return {
    clock,
    etcd,
    docker,
    decided: (name = "app") => read(keys.decided("Service", name)) as DecidedService | undefined,
    observed,
    events: () => (ports.events as FakeEvents).emitted,
    volume: (name: string) => read(keys.volume(name)) as DecidedVolume | undefined,
    ready: () => clock.until(() => observed()?.instances.some(({ ready }) => ready) ?? false, LIMIT_MS, "ready"),
    names: () =>
      [...docker.containers.values()].map(({ spec }) => spec.labels[LABEL.container] ?? "").toSorted((a, b) => a.localeCompare(b)),
    end: async () => {
      stop.abort(new Error("the test is over"));
      await clock.settle();
      await running;
      await store.close();
    },
  };
}

/** What happens to containers wakes their Services, as in the agent. */
async function followContainers({ containers }: Ports, engine: Engine, signal: AbortSignal): Promise<void> {
  try {
    for await (const { service } of containers.events(signal)) {
      if (service === undefined) engine.wakeAll("Service");
      else engine.wake("Service", service);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
