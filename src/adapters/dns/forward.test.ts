import assert from "node:assert/strict";
import { test } from "node:test";
import { addressAnswer, question } from "../../../test/support/name-server.ts";
import { until } from "../../../test/support/until.ts";
import type { Backend, ResolverUpstream } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import { Forwarder } from "./forward.ts";

const AWAY_MS = 5000;

/** Upstreams by name, which answer at once as long as they are not silent, and a clock that is told. */
class Scene {
  readonly asked: string[] = [];
  readonly silent = new Set<string>();
  nowMs = 0;
  /** Questions that were not given up. */
  waiting = 0;
  readonly #forwarder = new Forwarder(this.#ways(), { tryMs: 20, awayMs: AWAY_MS, awayMaxMs: 60_000 }, () => this.nowMs);

  ask(...names: readonly string[]): Promise<boolean> {
    const upstreams: readonly ResolverUpstream[] = names.map((host) => ({ host, port: 53, node: "elsewhere" }));
    const packet = question("example.com");
    return this.#forwarder.ask({ packet, client: "192.168.1.50", upstreams, over: "udp" }).then((answer) => answer !== undefined);
  }

  /** How often it was asked meanwhile. */
  async timesAsked(name: string, meanwhile: () => Promise<unknown>): Promise<number> {
    this.asked.length = 0;
    await meanwhile();
    return this.asked.filter((each) => each === name).length;
  }

  /** So often in a row that it is asked last. */
  async loses(name: string): Promise<void> {
    this.silent.add(name);
    await Promise.all([1, 2, 3].map(() => this.ask(name, "good")));
  }

  #ways(): Ways {
    const ways: Pick<Ways, "isElsewhere" | "datagrams"> = {
      isElsewhere: () => true,
      datagrams: ({ host }: Backend, session) => ({
        send: (...parts: readonly Uint8Array[]) => {
          this.waiting += 1;
          this.asked.push(host);
          if (!this.silent.has(host)) session.message(addressAnswer(Buffer.concat(parts), "203.0.113.7"));
        },
        close: () => (this.waiting -= 1),
      }),
    };
    return ways as Ways; // over UDP nothing else is asked of them
  }
}

const ten = (scene: Scene) => () =>
  Promise.all(Array.from({ length: 10 }, () => scene.ask("silent", "good"))).then((answers) => assert.ok(answers.every(Boolean)));

test("a silent upstream is tried by one question at a time, and nobody waits for that", async () => {
  const scene = new Scene();
  await scene.loses("silent");
  assert.equal(await scene.timesAsked("silent", ten(scene)), 0);
  scene.nowMs += AWAY_MS;
  assert.equal(await scene.timesAsked("silent", ten(scene)), 1);
  assert.equal(scene.asked.filter((name) => name === "good").length, 10, "who tries it asks the next one beside it");
});

test("it is tried half as often each time that it was silent again, and asked first once it has answered", async () => {
  const scene = new Scene();
  await scene.loses("silent");
  const awayMs: number[] = [];
  let sinceMs = scene.nowMs;
  while (awayMs.length < 6) {
    scene.nowMs += 1000;
    if ((await scene.timesAsked("silent", ten(scene))) === 0) continue;
    awayMs.push(scene.nowMs - sinceMs);
    sinceMs = scene.nowMs;
    await until("the trial has ended, in vain", () => scene.waiting === 0);
  }
  assert.deepEqual(awayMs, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  scene.silent.clear();
  scene.nowMs += 60_000;
  await until("it is asked first", async () => (await scene.timesAsked("good", () => scene.ask("silent", "good"))) === 0);
});

test("it is tried also where more answer than one question may ask", async () => {
  const scene = new Scene();
  const all = ["silent", "good", "second", "third", "fourth"];
  scene.silent.add("silent");
  await Promise.all([1, 2, 3].map(() => scene.ask(...all)));
  scene.silent.clear();
  scene.nowMs = AWAY_MS;
  await scene.ask(...all);
  assert.equal(await scene.timesAsked("silent", () => scene.ask(...all)), 1);
});

test("where nobody else is left, a silent one is asked by everybody, and who comes back is asked at once", async () => {
  const scene = new Scene();
  await scene.loses("silent");
  assert.equal(await scene.ask("silent"), false);
  scene.silent.clear();
  assert.equal(await scene.ask("silent"), true);
});
