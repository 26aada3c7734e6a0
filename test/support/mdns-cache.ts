// What a device on the LAN remembers of a name's addresses, as RFC 6762, 10.1 and 10.2, tells it to.
import { recordKey } from "../../src/ingress/mdns-records.ts";
import type { Heard } from "./mdns-segment.ts";

interface Remembered {
  readonly type: number;
  readonly heardAtMs: number;
  readonly untilMs: number;
}

/** After a goodbye, and after an answer that stands for all: others may still be saying theirs. */
const LAST_MS = 1000;

/** The addresses that it would still use, each as its bytes. */
export function rememberedAt(nowMs: number, name: string, heard: readonly Heard[]): readonly string[] {
  const cache = new Map<string, Remembered>();
  for (const { atMs, to, message } of heard) {
    if (to !== undefined || !message.response) continue;
    for (const record of [...message.answers, ...message.additionals]) {
      const address = recordKey(record);
      if (record.name !== name || address === undefined) continue;
      const { type } = record;
      if (record.ttl === 0) expireSoon(cache, address, atMs);
      else cache.set(address, { type, heardAtMs: atMs, untilMs: atMs + record.ttl * 1000 });
      if (!record.flush || record.ttl === 0) continue;
      for (const [other, { type: is, heardAtMs }] of cache)
        if (other !== address && is === type && heardAtMs < atMs - LAST_MS) expireSoon(cache, other, atMs);
    }
  }
  return [...cache].filter(([, { untilMs }]) => untilMs > nowMs).map(([address]) => address);
}

function expireSoon(cache: Map<string, Remembered>, address: string, nowMs: number): void {
  const before = cache.get(address);
  if (before !== undefined) cache.set(address, { ...before, untilMs: Math.min(before.untilMs, nowMs + LAST_MS) });
}
