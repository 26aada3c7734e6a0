// The loop with a toy kind: each DnsRecord is to have a light that shines as bright as its ttl says, in seconds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { fakeLog, type LogLine } from "../../test/fakes/machine.ts";
import { apply, foundHouse, put, remove } from "../../test/fakes/objects.ts";
import { fakePorts } from "../../test/fakes/ports.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { Refusal } from "../api/errors.ts";
import { keys } from "../api/keys.ts";
import type { Resource } from "../api/resource.ts";
import type { Controller } from "./contract.ts";
import { Engine, RESTLESS_MS, RESYNC_MS, ROUNDS_MAX } from "./engine.ts";
import { COPY_AFTER_MS, STALE_AFTER_MS, StoreMirror } from "./mirror.ts";
import { runnable } from "./runnable.ts";

type Action = { readonly kind: "Light"; readonly to: number } | { readonly kind: "Claim"; readonly modRevision: number };

interface Lights {
  readonly shining: Map<string, number>;
  /** What the next calls of a verb do instead of their work. */
  light: () => void;
  /** What is done before it is said whom a change concerns. */
  hear: () => void;
  claims: boolean;
  recheckAfterMs: number | undefined;
  observeMs: number;
  readonly acts: string[];
  observed: number;
  /** Claims that were lost to another node. */
  lost: number;
}

function controller(lights: Lights): Controller<Resource<"DnsRecord">, number, Action> {
  return {
    kind: "DnsRecord",
    wakes: (change) => {
      lights.hear();
      return change.kind === "DnsRecord" && change.room !== "observed" ? [change.name] : [];
    },
    names: async ({ mirror }) => [
      ...new Set([...[...mirror.all("DnsRecord")].map(({ metadata }) => metadata.name), ...lights.shining.keys()]),
    ],
    observe: async (name, { mirror, clock }, signal) => {
      lights.observed += 1;
      await clock.sleep(lights.observeMs, signal);
      return lights.claims
        ? (mirror.decided("DnsRecord", name)?.modRevision ?? 0) * 1_000 + (lights.shining.get(name) ?? 0)
        : (lights.shining.get(name) ?? 0);
    },
    plan: (desired, observed) => {
      const shining = observed % 1_000;
      const wanted = Number(desired?.spec.ttl.slice(0, -1) ?? 0);
      const actions: Action[] = [];
      if (lights.claims && observed < 1_000) actions.push({ kind: "Claim", modRevision: 0 });
      for (let to = shining; to !== wanted;) actions.push({ kind: "Light", to: (to += Math.sign(wanted - to)) });
      return {
        actions,
        conditions: [{ type: "Ready", status: actions.length === 0 ? "True" : "False", reason: "Lit", message: `shines at ${shining}` }],
        ...(lights.recheckAfterMs !== undefined && { recheckAfterMs: lights.recheckAfterMs }),
      };
    },
    act: {
      Light: async ({ to }) => {
        lights.acts.push(`light ${to}`);
        lights.light();
        lights.shining.set("lamp", to);
      },
      Claim: async ({ modRevision }, { store }, signal) => {
        lights.acts.push("claim");
        const key = keys.decided("DnsRecord", "lamp");
        const { committed } = await store.commit({ compare: [{ key, modRevision }], writes: [{ put: key, value: "{}" }] }, signal);
        if (!committed) lights.lost += 1;
      },
    },
  };
}

function setUp() {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  foundHouse(etcd);
  const store = etcd.client("nas", { clock, random: new SeededRandom(1) });
  const lines: LogLine[] = [];
  const log = fakeLog((line) => lines.push(line));
  const mirror = new StoreMirror({ store, clock, log });
  const lights: Lights = {
    shining: new Map(),
    light: () => {},
    hear: () => {},
    claims: false,
    recheckAfterMs: undefined,
    observeMs: 1,
    acts: [],
    observed: 0,
    lost: 0,
  };
  const ports = fakePorts({ node: "nas", clock, store, mirror, log });
  const engine = new Engine({ controllers: [runnable(controller(lights))], mirror, ports });
  const stop = new AbortController();
  const start = (): Promise<unknown> => Promise.all([mirror.run(stop.signal), engine.run(stop.signal)]);
  const setLamp = (brightness: number): void =>
    apply(etcd, "DnsRecord", "lamp", { name: "lamp", type: "A", values: ["192.168.1.2"], ttl: `${brightness}s` });
  return { clock, etcd, store, mirror, lights, engine, stop, start, setLamp, lines };
}

test("a change is carried out action by action until the name is at rest", async () => {
  const { clock, lights, engine, start, setLamp } = setUp();
  void start();
  await clock.settle();
  setLamp(3);
  await clock.advance(100);
  assert.deepEqual(lights.acts, ["light 1", "light 2", "light 3"]);
  assert.deepEqual(engine.lastPlan("DnsRecord", "lamp"), {
    actions: [],
    conditions: [{ type: "Ready", status: "True", reason: "Lit", message: "shines at 3" }],
  });
});

test("at rest nothing is done but to look again at each resync", async () => {
  const { clock, lights, start, setLamp } = setUp();
  void start();
  setLamp(2);
  await clock.advance(1_000);
  const { observed } = lights;
  await clock.advance(10 * RESYNC_MS);
  assert.equal(lights.acts.length, 2);
  assert(lights.observed - observed >= 8 && lights.observed - observed <= 13, `${lights.observed - observed} looks in ten resyncs`);
});

test("a change of which cannot be said whom it concerns wakes every name, and the mirror goes on", async () => {
  const { clock, lights, start, setLamp, lines } = setUp();
  void start();
  await clock.settle();
  lights.hear = () => {
    throw new Error("Cannot read the House: its value is no JSON");
  };
  setLamp(2);
  await clock.advance(1_000);
  assert.deepEqual(lights.acts, ["light 1", "light 2"]);
  assert.ok(!lines.some(({ message }) => message === "Mirror lost the store"));
});

test("what a deleted name left behind is found at the start", async () => {
  const { clock, lights, engine, start } = setUp();
  lights.shining.set("lamp", 2);
  void start();
  await clock.advance(100);
  assert.deepEqual(lights.acts, ["light 1", "light 0"]);
  assert.equal(engine.lastPlan("DnsRecord", "lamp"), undefined);
});

test("no plan is made before the first full list", async () => {
  const { clock, etcd, lights, start } = setUp();
  lights.shining.set("lamp", 2);
  etcd.stop();
  void start();
  await clock.advance(3_600_000);
  assert.deepEqual(lights.acts, []);
  etcd.start();
  await clock.advance(60_000);
  assert.deepEqual(lights.acts, ["light 1", "light 0"]);
});

test("no plan is made from a mirror that went stale, until its copy is gone on from", async () => {
  const { clock, etcd, mirror, lights, engine, start, setLamp } = setUp();
  void start();
  setLamp(2);
  await clock.advance(1_000);
  etcd.isolate("nas");
  await clock.advance(STALE_AFTER_MS + 500);
  lights.shining.set("lamp", 5);
  engine.wake("DnsRecord", "lamp");
  await clock.advance(500);
  assert.deepEqual([mirror.standing.kind, lights.acts.length], ["none", 2]);
  await clock.advance(2 * COPY_AFTER_MS);
  assert.deepEqual([mirror.standing.kind, lights.shining.get("lamp")], ["copy", 2]);
});

test("no plan is made when the mirror goes stale while the name is observed", async () => {
  const { clock, etcd, mirror, lights, engine, start, setLamp } = setUp();
  void start();
  setLamp(2);
  await clock.advance(1_000);
  lights.observeMs = STALE_AFTER_MS + 1_000;
  lights.shining.set("lamp", 5);
  etcd.isolate("nas");
  engine.wake("DnsRecord", "lamp");
  await clock.advance(STALE_AFTER_MS + 1_500);
  assert.equal(mirror.standing.kind, "none");
  assert.equal(lights.acts.length, 2);
});

test("a name that fails is tried again after 1 s, 2 s, 4 s and so on, and its failure is a condition", async () => {
  const { clock, lights, engine, start, setLamp } = setUp();
  const tries: number[] = [];
  lights.light = () => {
    tries.push(clock.now());
    throw new Error("the bulb is hot");
  };
  void start();
  setLamp(1);
  await clock.advance(60_000);
  const waits = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  for (const [index, wait] of waits.entries())
    assert(wait >= 800 * 2 ** index && wait <= 1_200 * 2 ** index + 5, `try ${index + 2} after ${wait} ms`);
  assert.equal(waits.length, 5);
  assert.deepEqual(engine.lastPlan("DnsRecord", "lamp")?.conditions.at(-1), {
    type: "Reconciling",
    status: "True",
    reason: "Retrying",
    message: "the bulb is hot",
  });
  lights.light = () => {};
  await clock.advance(60_000);
  assert.deepEqual(
    engine.lastPlan("DnsRecord", "lamp")?.conditions.map(({ type }) => type),
    ["Ready"],
  );
});

test("waking a failed name over and over runs it once a second at most", async () => {
  const { clock, lights, engine, start, setLamp } = setUp();
  lights.light = () => {
    throw new Error("the bulb is hot");
  };
  void start();
  setLamp(1);
  for (let ms = 0; ms < 10_000; ms += 10) {
    await clock.advance(10);
    engine.wake("DnsRecord", "lamp");
  }
  assert(lights.acts.length <= 11, `${lights.acts.length} tries in 10 s`);
});

test("a refusal is not tried again until what is wanted changes", async () => {
  const { clock, lights, engine, start, setLamp } = setUp();
  lights.light = () => {
    throw new Refusal("NoBulb", "Cannot light the lamp: it has no bulb");
  };
  void start();
  setLamp(1);
  await clock.advance(10 * RESYNC_MS);
  engine.wake("DnsRecord", "lamp");
  await clock.advance(1_000);
  assert.equal(lights.acts.length, 1);
  assert.deepEqual(engine.lastPlan("DnsRecord", "lamp")?.conditions.at(-1), {
    type: "Stalled",
    status: "True",
    reason: "NoBulb",
    message: "Cannot light the lamp: it has no bulb",
  });
  lights.light = () => {};
  setLamp(2);
  await clock.advance(5_000);
  assert.equal(lights.shining.get("lamp"), 2);
  assert.deepEqual(
    engine.lastPlan("DnsRecord", "lamp")?.conditions.map(({ type }) => type),
    ["Ready"],
  );
});

test("a long plan pauses after its share of rounds and goes on", async () => {
  const { clock, lights, start, setLamp } = setUp();
  void start();
  setLamp(40);
  await clock.advance(RESTLESS_MS - 100);
  assert.equal(lights.acts.length, ROUNDS_MAX);
  await clock.advance(3 * RESTLESS_MS);
  assert.equal(lights.shining.get("lamp"), 40);
});

test("an action without any effect is not repeated at once", async () => {
  const { clock, lights, start, setLamp } = setUp();
  lights.shining.set = () => lights.shining;
  void start();
  setLamp(1);
  await clock.advance(10 * RESTLESS_MS);
  assert(lights.acts.length >= 5 && lights.acts.length <= 11, `${lights.acts.length} tries in ten pauses`);
});

test("what a name wrote is seen before it is planned again", async () => {
  const { clock, etcd, store, lights, start, setLamp } = setUp();
  lights.claims = true;
  store.faults.eventDelayMs = 2_000;
  void start();
  setLamp(1);
  await clock.advance(10_000);
  assert.deepEqual(lights.acts, ["claim", "light 1"]);
  assert.equal(etcd.get(keys.decided("DnsRecord", "lamp"))?.version, 1);
});

test("a lost compare-and-swap is a reason to look again, not an error", async () => {
  const { clock, etcd, store, lights, start, setLamp, lines } = setUp();
  lights.claims = true;
  void start();
  setLamp(1);
  store.faults.eventDelayMs = 3_000;
  clock.timer(0, () => put(etcd, keys.decided("DnsRecord", "lamp"), { by: "attic" }));
  await clock.advance(10_000);
  assert.equal(lights.lost, 1);
  assert.equal(lights.shining.get("lamp"), 1);
  assert.deepEqual(
    lines.filter(({ level }) => level === "warn"),
    [],
  );
});

test("an older snapshot does not leave a name waiting for a revision that never comes", async () => {
  const { clock, etcd, store, lights, start, setLamp } = setUp();
  setLamp(1);
  const snapshot = etcd.snapshot();
  lights.claims = true;
  void start();
  await clock.advance(1_000);
  store.faults.eventDelayMs = 5_000;
  remove(etcd, keys.decided("DnsRecord", "lamp"));
  for (let i = 0; i < 100; i++) put(etcd, "/fossora/house/epoch", i);
  await clock.advance(5_100);
  etcd.restore(snapshot);
  lights.shining.set("lamp", 0);
  await clock.advance(60_000);
  assert.equal(lights.shining.get("lamp"), 1);
});

test("a revision that the mirror never comes to is awaited for a while only", async () => {
  const { clock, store, lights, start, setLamp } = setUp();
  lights.claims = true;
  const commit = store.commit.bind(store);
  store.commit = async (transaction, signal) => ({ ...(await commit(transaction, signal)), revision: 1_000_000 });
  void start();
  setLamp(1);
  await clock.advance(5_000);
  assert.deepEqual(lights.acts, ["claim"]);
  await clock.advance(15_000);
  assert.equal(lights.shining.get("lamp"), 1);
});

test("a plan that asks to be looked at again is", async () => {
  const { clock, lights, start, setLamp } = setUp();
  lights.recheckAfterMs = 10_000;
  void start();
  setLamp(1);
  await clock.advance(1_000);
  const { observed } = lights;
  await clock.advance(60_000);
  assert.equal(lights.observed - observed, 6);
});

test("wakeAll() looks at every name", async () => {
  const { clock, lights, engine, start, setLamp } = setUp();
  void start();
  setLamp(1);
  await clock.advance(1_000);
  lights.shining.set("lamp", 3);
  engine.wakeAll("DnsRecord");
  await clock.advance(100);
  assert.equal(lights.shining.get("lamp"), 1);
});

test("run() ends with its signal, whatever it was doing, and leaves no timer of its own", async () => {
  const { clock, lights, start, setLamp, stop } = setUp();
  lights.recheckAfterMs = 50;
  const running = start();
  setLamp(1);
  await clock.advance(1_049);
  stop.abort(new Error("stopped"));
  await running;
  const { observed } = lights;
  await clock.advance(RESYNC_MS * 2);
  assert.equal(lights.observed, observed);
});
