import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { here } from "../../../test/fakes/joining.ts";
import { silentLog } from "../../../test/support/real.ts";
import { UserError } from "../../api/errors.ts";
import type { Here } from "../../joining/joiner-state.ts";
import { Ground } from "./ground.ts";

const { signal } = new AbortController();
const looking = { kind: "looking", sinceMs: 0 } as const;

function bench(answer: () => Promise<void>) {
  const clock = new VirtualClock();
  const state = { asked: 0 };
  const ground = new Ground({
    mayFound: () => {
      state.asked += 1;
      return answer();
    },
    clock,
    log: silentLog,
  });
  const see = (more: Partial<Here> = {}): Promise<boolean | undefined> =>
    ground.seenFrom(here("b", more), looking, signal).then(({ mayFound }) => mayFound);
  return { clock, state, ground, see };
}

test("an engine that answers is asked once for a while, and not once more when the house is founded", async () => {
  const { clock, state, ground, see } = bench(async () => undefined);
  assert.deepEqual([await see(), await see()], [undefined, undefined]);
  await ground.mustBeClear(signal);
  assert.equal(state.asked, 1);
  await clock.advance(30_000);
  await ground.mustBeClear(signal);
  assert.equal(state.asked, 2);
});

test("one that hangs is waited for a second, once, and its answer counts when it comes", async () => {
  const hanging = Promise.withResolvers<void>();
  const { clock, state, see } = bench(() => hanging.promise);
  const first = see();
  await clock.advance(1_000);
  assert.deepEqual([await first, await see(), await see()], [false, false, false]);
  hanging.resolve();
  await clock.advance(1);
  assert.equal(await see(), undefined);
  assert.equal(state.asked, 1);
});

test("one that fails is asked again each second", async () => {
  const { clock, state, see } = bench(() => Promise.reject(new Error("it is away")));
  assert.deepEqual([await see(), await see()], [false, false]);
  assert.equal(state.asked, 1);
  await clock.advance(1_000);
  assert.equal(await see(), false);
  assert.equal(state.asked, 2);
});

test("what a person must mend is said by the founding", async () => {
  const { ground, see } = bench(() => Promise.reject(new UserError("Docker has 1 container of another one")));
  assert.equal(await see(), undefined);
  await assert.rejects(ground.mustBeClear(signal), UserError);
});

test("nobody asks who founds none anyway", async () => {
  const { state, ground, see } = bench(async () => undefined);
  await see({ rests: true });
  await see({ home: "house1" });
  await see({ wish: { addresses: [] } });
  await ground.seenFrom(here("b"), { kind: "laying the ground", sinceMs: 0 }, signal);
  assert.equal(state.asked, 0);
});
