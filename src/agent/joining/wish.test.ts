import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { UserError } from "../../api/errors.ts";
import { JoinWish, keepWish, wantedHouse } from "./wish.ts";

test("a wish and a rest outlive the agent, and each takes the place of the other", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-wish-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const token = { houseHash: "h", id: "i", secret: "s", addresses: ["192.168.1.10:733"] };
  new JoinWish(dataDir).set({ addresses: ["nas"], token });
  const again = new JoinWish(dataDir);
  assert.deepEqual(again.wish, { addresses: ["nas"], token });
  assert.deepEqual(wantedHouse({ addresses: ["nas"], token }), { addresses: ["nas", "192.168.1.10:733"], houseId: "h" });
  again.rest();
  assert.deepEqual([new JoinWish(dataDir).rests, new JoinWish(dataDir).wish], [true, undefined]);
  assert.equal(new JoinWish(dataDir).hasLeftovers, true);
  again.settle();
  assert.deepEqual([new JoinWish(dataDir).rests, new JoinWish(dataDir).hasLeftovers], [true, false]);
  again.set({ addresses: ["nas"] });
  assert.equal(new JoinWish(dataDir).rests, false);
  again.clear();
  assert.equal(new JoinWish(dataDir).wish, undefined);
  again.rest();
  new JoinWish(dataDir).clear();
  again.settle();
  assert.equal(new JoinWish(dataDir).rests, false, "another program cleared it");
});

test("a node that has a house is given no wish before it runs, and an earlier one is over", (t) => {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-wish-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const kept = (): unknown => new JoinWish(dataDir).wish;
  keepWish(dataDir, { addresses: ["nas"] }, false);
  assert.deepEqual(kept(), { addresses: ["nas"] });
  keepWish(dataDir, undefined, false);
  keepWish(dataDir, undefined, true);
  assert.deepEqual(kept(), { addresses: ["nas"] }, "it is on its way");
  keepWish(dataDir, { addresses: ["pi4"] }, true);
  assert.equal(kept(), undefined);
  assert.throws(() => keepWish(dataDir, { addresses: [], token: "fsr1.none" }, true), UserError);
  new JoinWish(dataDir).rest();
  keepWish(dataDir, undefined, false);
  assert.equal(new JoinWish(dataDir).rests, false);
});
