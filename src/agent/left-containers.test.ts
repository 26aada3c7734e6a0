import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { silentLog } from "../../test/support/real.ts";
import type { Container } from "../container-ports.ts";
import { JoinWish } from "./joining/wish.ts";
import { LeftContainers } from "./left-containers.ts";

interface Rest {
  readonly left: LeftContainers;
  readonly wish: JoinWish;
  readonly running: Set<string>;
  /** Of those that were stopped, in ms. */
  readonly graces: readonly number[];
  /** What the engine throws when it is told to stop one. */
  fails: Error | undefined;
}

/** A node that has left its house just now. */
function rest(t: TestContext): Rest {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-left-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const wish = new JoinWish(dataDir);
  wish.rest();
  const running = new Set(["a", "b"]);
  const graces: number[] = [];
  const containers = {
    list: async () => [...running].map((id) => ({ id, name: id, ...(id === "b" && { stopGraceMs: 90_000 }) }) as Container), // all that is asked of them
    stop: async (_id: string, graceMs: number) => {
      if (node.fails !== undefined) throw node.fails;
      graces.push(graceMs);
    },
    remove: async (id: string) => void running.delete(id),
  };
  const left = new LeftContainers({ containers, wish, signal: new AbortController().signal, log: silentLog });
  const node: Rest = { left, wish, running, graces, fails: undefined };
  return node;
}

test("what was removed while nobody waited is told to who asks next, once", async (t) => {
  const { left, running } = rest(t);
  left.begin();
  left.begin();
  assert.deepEqual([await left.remove(), running.size], [2, 0]);
  assert.equal(await left.remove(), 0);
});

test("each has the time to end that it was made with", async (t) => {
  const { left, graces } = rest(t);
  await left.remove();
  assert.deepEqual(graces, [10_000, 90_000]);
});

test("what could not be removed is tried again", async (t) => {
  const node = rest(t);
  node.fails = new Error("Docker hangs");
  node.left.begin();
  await assert.rejects(node.left.remove(), node.fails);
  assert.equal(node.wish.hasLeftovers, true);
  node.fails = undefined;
  assert.deepEqual([await node.left.remove(), node.running.size], [2, 0]);
});

test("what is there later is another house's and stays", async (t) => {
  const { left, running } = rest(t);
  await left.remove();
  running.add("c");
  left.begin();
  assert.deepEqual([await left.remove(), [...running]], [0, ["c"]]);
});

test("a node that does not rest keeps its containers", async (t) => {
  const { left, wish, running } = rest(t);
  wish.clear();
  left.begin();
  assert.deepEqual([await left.remove(), running.size], [0, 2]);
});
