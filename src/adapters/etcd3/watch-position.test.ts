import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import type { StoreEvent } from "../../ports.ts";
import { WatchPosition } from "./watch-position.ts";

function deleted(key: string, modRevision: number): StoreEvent {
  return { type: "delete", key, modRevision };
}

test("a revision whose events come in two fragments is delivered whole, once its last one is there", () => {
  const position = new WatchPosition(5);
  const first = position.take({ events: [deleted("/a", 5), deleted("/a", 6)], fragment: true });
  assert.deepEqual(first, { revision: 5, events: [deleted("/a", 5)] });
  const second = position.take({ events: [deleted("/b", 6)], fragment: false });
  assert.deepEqual(second, { revision: 6, events: [deleted("/a", 6), deleted("/b", 6)] });
});

test("half a revision is forgotten when the stream breaks: it comes again", () => {
  const position = new WatchPosition(5);
  position.take({ events: [deleted("/a", 5)], fragment: true });
  assert.equal(position.resume(), 5);
  assert.deepEqual(position.take({ events: [deleted("/a", 5), deleted("/b", 5)], fragment: false }).events.length, 2);
});

test("a response without events moves nothing", () => {
  const position = new WatchPosition(5);
  assert.deepEqual(position.take({ events: [], fragment: false }), { revision: 4, events: [] });
  assert.equal(position.resume(), 5);
});

// A history of revisions of 1 to 4 events; streams that begin one revision early, are cut into parts anywhere, and break anywhere.
const history = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 });
const breaks = fc.array(fc.record({ parts: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }) }), { maxLength: 10 });

test("however the streams are cut, every event is delivered once and in order, revision by revision", () => {
  fc.assert(
    fc.property(history, breaks, (sizes, streams) => {
      const all = sizes.flatMap((size, index) => Array.from({ length: size }, (_, event) => deleted(`/${event}`, 10 + index)));
      const position = new WatchPosition(10);
      const delivered: StoreEvent[] = [];
      const read = (parts: readonly number[], whole: boolean): void => {
        const from = position.resume() - 1;
        let rest = all.filter((event) => event.type === "delete" && event.modRevision >= from);
        for (const size of whole ? [Infinity] : parts) {
          const fragment = rest.length > size;
          const batch = position.take({ events: rest.slice(0, size), fragment });
          delivered.push(...batch.events);
          assert.ok(batch.events.every((event) => event.type === "delete" && event.modRevision <= batch.revision));
          rest = rest.slice(size);
          if (!fragment) return;
        }
      };
      for (const { parts } of streams) read(parts, false);
      read([], true);
      assert.deepEqual(delivered, all);
    }),
  );
});
