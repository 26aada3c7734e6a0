import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { JoinWish, wantedHouse } from "./wish.ts";

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
  again.set({ addresses: ["nas"] });
  assert.equal(new JoinWish(dataDir).rests, false);
  again.clear();
  assert.equal(new JoinWish(dataDir).wish, undefined);
});
