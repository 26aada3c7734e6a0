import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { ApiError } from "./api-error.ts";
import { listed, seen, SEEN_WITHIN_MS } from "./own-writes.ts";
import type { ObjectReader } from "./ports.ts";

function reader(): { readonly reader: ObjectReader; readonly reach: (revision: number) => void } {
  const listeners = new Set<() => void>();
  let at = 1;
  const own: ObjectReader = {
    fresh: true,
    get revision(): number {
      return at;
    },
    desired: () => undefined,
    all: () => [],
    nodes: () => new Map(),
    subscribe(listener) {
      const run = (): void => listener([]);
      listeners.add(run);
      return () => listeners.delete(run);
    },
  };
  return {
    reader: own,
    reach(revision) {
      at = revision;
      for (const listener of listeners) listener();
    },
  };
}

test("a write is answered once this node's copy has it", async () => {
  const clock = new VirtualClock();
  const { reader: own, reach } = reader();
  let answered = false;
  const waiting = seen({ reader: own, clock }, 3).then(() => (answered = true));
  reach(2);
  await clock.settle();
  assert.equal(answered, false);
  reach(3);
  await waiting;
});

test("a copy that lags keeps nobody waiting for long", async () => {
  const clock = new VirtualClock();
  const { reader: own } = reader();
  const waiting = seen({ reader: own, clock }, 3);
  await clock.advance(SEEN_WITHIN_MS);
  await waiting;
});

test("an agent that has just started answers once it has read the store, and refuses rather than say that nothing is there", async () => {
  const clock = new VirtualClock();
  const { reader: own, reach } = reader();
  reach(0);
  let answered = false;
  const waiting = listed({ reader: own, clock }).then(() => (answered = true));
  await clock.advance(1_000);
  assert.equal(answered, false);
  reach(7);
  await waiting;
  reach(0);
  const refused = assert.rejects(listed({ reader: own, clock }), (error) => error instanceof ApiError && error.status.code === 503);
  await clock.advance(60_000);
  await refused;
});
