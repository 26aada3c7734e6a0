import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { foundHouse, apply, put, remove, serviceSpec } from "../../test/fakes/objects.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { FakeContainers } from "../../test/fakes/containers.ts";
import { FakeEngine } from "../../test/fakes/containers-engine.ts";
import { silentLog } from "../../test/support/real.ts";
import { keys } from "../api/keys.ts";
import type { WatchLine } from "../api/wire.ts";
import { StoreMirror } from "../engine/mirror.ts";
import { ApiError } from "./api-error.ts";
import { BOOKMARK_EVERY_MS, COALESCE_MS, DELETIONS_MAX, STALLED_AFTER_MS, WatchHub, WATCHERS_MAX, type WatchOptions } from "./watch.ts";

/** A client that reads, or does not. */
class Sink {
  readonly lines: WatchLine[] = [];
  writable = true;
  ended = false;
  #drain: (() => void) | undefined;

  write(line: WatchLine): void {
    this.lines.push(line);
  }

  end(): void {
    this.ended = true;
  }

  onDrain(run: () => void): void {
    this.#drain = run;
  }

  readOn(): void {
    this.writable = true;
    this.#drain?.();
  }

  get told(): readonly string[] {
    return this.lines.map((line) => ("object" in line ? `${line.type} ${line.object.metadata.name}` : line.type));
  }
}

interface Setting {
  readonly clock: VirtualClock;
  readonly etcd: FakeEtcd;
  readonly hub: WatchHub;
  readonly mirror: StoreMirror;
  readonly watch: (over?: Partial<WatchOptions>) => Sink;
  readonly settle: () => Promise<void>;
  /** What a Service's status is made of may be unreadable. */
  readonly status: { service: () => undefined };
}

async function start(): Promise<Setting> {
  const clock = new VirtualClock();
  const etcd = new FakeEtcd(clock);
  const random = { next: (): number => 0.5 };
  foundHouse(etcd);
  const store = etcd.client("nas", { clock, random });
  const mirror = new StoreMirror({ store, clock, log: silentLog });
  const status = { service: (): undefined => undefined };
  const ports = {
    reader: mirror,
    foresight: { ifLeft: () => [], ifLost: () => [], evenly: () => [], stoppingOn: () => [] },
    mover: { move: () => Promise.resolve(true) },
    statusReader: { status: (kind: string) => (kind === "Service" ? status.service() : undefined), progress: () => [], planned: () => [] },
    store,
    containers: new FakeContainers(new FakeEngine({ clock, random })),
    identity: { node: "nas", nodeId: "id", bootId: "b", bootedAtMs: 0 },
    clock,
    log: silentLog,
    version: "0",
    listeners: () => undefined,
    accessLog: () => undefined,
    ingress: {
      status: () => Promise.reject(new Error("none")),
      traffic: () => Promise.reject(new Error("none")),
      metrics: () => Promise.reject(new Error("none")),
    },
    trafficElsewhere: async () => [],
    peers: { names: () => [], ask: () => Promise.reject(new Error("nobody")), stream: () => Promise.reject(new Error("nobody")) },
    load: () => Promise.reject(new Error("not measured")),
    copyAgeMs: () => undefined,
    whyNoQuorum: () => ({ reason: "", next: "" }),
    engine: () => ({ queued: 0, failing: 0, kinds: new Map() }),
    outside: () => "",
    unreachable: () => undefined,
    bootedMs: () => Infinity,
  };
  const hub = new WatchHub(ports);
  void mirror.run(new AbortController().signal);
  await clock.settle();
  const watch = (over: Partial<WatchOptions> = {}): Sink => {
    const sink = new Sink();
    hub.admit("Service", over.since);
    hub.watch({ kind: "Service", matches: () => true, pulls: false, ...over }, sink);
    return sink;
  };
  const settle = async (): Promise<void> => {
    await clock.settle();
    await clock.advance(COALESCE_MS + 1);
  };
  return { clock, etcd, hub, mirror, watch, settle, status };
}

const make = (etcd: FakeEtcd, name: string): void => apply(etcd, "Service", name, serviceSpec(name, "x:1"));

test("many changes at once are one change to a watcher", async () => {
  const { etcd, watch, settle } = await start();
  const sink = watch();
  for (let times = 0; times < 50; times++) make(etcd, "busy");
  make(etcd, "other");
  await settle();
  assert.deepEqual(sink.told, ["BOOKMARK", "ADDED busy", "ADDED other"]);
});

test("a slow watcher is told the newest state once it reads on, and what came and went is never told", async () => {
  const { etcd, watch, settle } = await start();
  const sink = watch();
  sink.writable = false;
  make(etcd, "a");
  make(etcd, "brief");
  await settle();
  for (let times = 0; times < 100; times++) make(etcd, "a");
  remove(etcd, keys.desired("Service", "brief"));
  await settle();
  assert.deepEqual(sink.told, ["BOOKMARK"], "nothing is queued");
  sink.readOn();
  assert.deepEqual(sink.told, ["BOOKMARK", "ADDED a"]);
});

test("a watcher that does not read at all is sent away to list again", async () => {
  const { clock, etcd, hub, watch } = await start();
  const sink = watch();
  sink.writable = false;
  make(etcd, "a");
  await clock.advance(STALLED_AFTER_MS - 2_000);
  assert.equal(sink.ended, false);
  await clock.advance(4_000);
  const last = sink.lines.at(-1);
  assert.equal(last?.type === "ERROR" && last.status.reason, "Expired");
  assert.equal(sink.ended, true);
  assert.equal(hub.watchers, 0);
});

test("what cannot be read sends its watchers away with the reason, and no others", async () => {
  const { clock, etcd, hub, watch, settle, status } = await start();
  make(etcd, "a");
  await settle();
  const [services, houses] = [watch(), watch({ kind: "House" })];
  status.service = () => {
    throw new Error("Cannot read the House: its value is no JSON");
  };
  await clock.advance(2_000);
  const last = services.lines.at(-1);
  assert.match(last?.type === "ERROR" ? last.status.message : "", /its value is no JSON/);
  assert.deepEqual([services.ended, houses.ended, hub.watchers], [true, false, 1]);
  const late = watch();
  assert.deepEqual([late.told, late.ended, hub.watchers], [["ERROR"], true, 1]);
});

test("a quiet watch shows that it lives", async () => {
  const { clock, watch } = await start();
  const sink = watch();
  await clock.advance(BOOKMARK_EVERY_MS * 3 + 1_000);
  assert.ok(sink.told.length >= 4, String(sink.told.length));
  assert.ok(sink.told.every((line) => line === "BOOKMARK"));
});

test("a bookmark says when the store is silent", async () => {
  const { clock, etcd, watch } = await start();
  const sink = watch();
  etcd.stop();
  await clock.advance(40_000);
  const last = sink.lines.at(-1);
  assert.equal(last?.type === "BOOKMARK" && last.stale, true);
});

test("deletions are remembered up to a limit, and what is older is Expired", async () => {
  const { etcd, mirror, watch, settle } = await start();
  make(etcd, "first");
  await settle();
  const { revision } = mirror;
  remove(etcd, keys.desired("Service", "first"));
  await settle();
  assert.deepEqual(watch({ since: revision }).told, ["DELETED first", "BOOKMARK"]);
  for (let count = 0; count <= DELETIONS_MAX; count++) {
    put(etcd, keys.desired("DnsRecord", "x"), {
      apiVersion: "fossora.dev/v1",
      kind: "DnsRecord",
      metadata: { name: "x", uid: "u", creationTimestamp: "" },
      spec: { name: "x", type: "A", ttl: "5s" },
      manager: "cli",
    });
    await settle();
    remove(etcd, keys.desired("DnsRecord", "x"));
    await settle();
  }
  assert.throws(
    () => watch({ since: revision }),
    (error) => error instanceof ApiError && error.status.reason === "Expired",
  );
});

test("watches are bounded, and the server's end ends them", async () => {
  const { hub, watch } = await start();
  const sinks = Array.from({ length: WATCHERS_MAX }, () => watch());
  assert.throws(
    () => watch(),
    (error) => error instanceof ApiError && error.status.code === 429,
  );
  hub.close();
  assert.ok(sinks.every(({ ended }) => ended));
});
