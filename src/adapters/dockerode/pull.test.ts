import assert from "node:assert/strict";
import { test } from "node:test";
import type { PullProgress } from "../../container-ports.ts";
import { Layers, type PullLine } from "./pull.ts";

/** As Docker 20.10 said it for two layers. */
const lines: readonly PullLine[] = [
  { status: "Pulling from library/app", id: "1" },
  { status: "Already exists", id: "aaa" },
  { status: "Pulling fs layer", id: "bbb" },
  { status: "Pulling fs layer", id: "ccc" },
  { status: "Waiting", id: "ccc" },
  { status: "Downloading", id: "bbb", progressDetail: { current: 30, total: 100 } },
  { status: "Downloading", id: "ccc", progressDetail: { current: 10, total: 1000 } },
  { status: "Verifying Checksum", id: "bbb" },
  { status: "Download complete", id: "bbb" },
  { status: "Extracting", id: "bbb", progressDetail: { current: 5, total: 100 } },
  { status: "Downloading", id: "ccc", progressDetail: { current: 1000, total: 1000 } },
  { status: "Pull complete", id: "bbb" },
  { status: "Digest: sha256:0123" },
  { status: "Status: Downloaded newer image for app:1" },
];

test("the layers' bytes add up, and never go back", () => {
  const layers = new Layers();
  const seen = lines.map((line) => layers.take(line)).filter((each): each is PullProgress => each !== undefined);
  assert.deepEqual(
    seen.map(({ doneBytes }) => doneBytes),
    [0, 0, 0, 30, 40, 110, 1100],
  );
  assert.deepEqual(seen.at(-1), { doneBytes: 1100, totalBytes: 1100, layers: 3 });
});

test("an error in the stream is thrown in Docker's words", () => {
  assert.throws(() => new Layers().take({ error: "toomanyrequests: slow down" }), /^Error: toomanyrequests: slow down$/);
});

test("a pull waits for its turn while Docker says so of all that is left of it", () => {
  const layers = new Layers();
  const said: readonly (readonly [string, string, boolean])[] = [
    ["Pulling fs layer", "bbb", false],
    ["Pulling fs layer", "ccc", false],
    ["Waiting", "bbb", false],
    ["Waiting", "ccc", true],
    ["Downloading", "bbb", false],
    ["Download complete", "bbb", true],
    ["Retrying in 5 seconds", "ccc", false],
    ["Downloading", "ccc", false],
    ["Download complete", "ccc", false],
    ["Extracting", "bbb", false],
    ["Pull complete", "bbb", false],
  ];
  for (const [status, id, waits] of said) {
    layers.take({ status, id });
    assert.equal(layers.isWaiting, waits, `${status} ${id}`);
  }
});
