import assert from "node:assert/strict";
import { test } from "node:test";
import { QuietReads } from "./quiet-reads.ts";

const signal = new AbortController().signal;

/** A store whose answers count how often it was asked, and what the reader knows of the house meanwhile. */
function reading() {
  const now = { isQuiet: true, revision: 7 as number | undefined };
  let asked = 0;
  const entry = async (key: string) => ({ key, value: String((asked += 1)), version: 1, createRevision: 1, modRevision: 1 });
  const reads = new QuietReads({
    store: { get: entry, list: async (prefix) => ({ entries: [await entry(String(prefix))], revision: 7, clusterId: "c" }) },
    pulse: {
      get isQuiet() {
        return now.isQuiet;
      },
    },
    revision: () => now.revision,
  });
  return { now, reads, asked: () => asked };
}

test("in a quiet house the same is asked once for as long as nothing is written", async () => {
  const { now, reads, asked } = reading();
  for (let times = 0; times < 3; times += 1) {
    assert.equal((await reads.get("key", signal))?.value, "1");
    assert.equal((await reads.list("prefix", signal)).entries[0]?.value, "2");
  }
  now.revision = 8;
  assert.equal((await reads.get("key", signal))?.value, "3");
  assert.equal((await reads.get("key", signal))?.value, "3");
  assert.equal(asked(), 3);
});

test("while something goes on in the house, or the copy is not fresh, the store is asked each time", async () => {
  for (const change of [{ isQuiet: false }, { revision: undefined }]) {
    const { now, reads, asked } = reading();
    await reads.get("key", signal);
    Object.assign(now, change);
    for (let times = 0; times < 2; times += 1) await reads.get("key", signal);
    Object.assign(now, { isQuiet: true, revision: 7 });
    await reads.get("key", signal);
    assert.equal(asked(), 4);
  }
});

test("what failed is asked again", async () => {
  let tries = 0;
  const store = {
    get: async () => {
      tries += 1;
      if (tries === 1) throw new Error("nobody answers");
      return undefined;
    },
    list: () => Promise.reject(new Error("not asked")),
  };
  const reads = new QuietReads({ store, pulse: { isQuiet: true }, revision: () => 1 });
  await assert.rejects(reads.get("key", signal));
  assert.equal(await reads.get("key", signal), undefined);
});
