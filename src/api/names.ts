// Names: what may be one, how one is made of any text, and the name that was probably meant. Pure.
import { hash } from "./hash.ts";

const LABEL_MAX = 63;
const NAME_MAX = 253;
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** They mean something else below the zone, or to every resolver. */
export const RESERVED_NAMES: readonly string[] = ["fossora", "node", "ns", "localhost"];

export function isDnsLabel(text: string): boolean {
  return DNS_LABEL.test(text);
}

/** Why DNS cannot carry a name of right letters, as the end of the sentence "it ..."; undefined: it can. Limits: RFC 1035, 2.3.4. */
export function lengthProblem(text: string): string | undefined {
  const name = text.replace(/\.$/, "");
  const long = name.split(".").find((label) => label.length > LABEL_MAX);
  if (long !== undefined) return `must have ${LABEL_MAX} characters at most between its dots: '${long.slice(0, 20)}...' has ${long.length}`;
  return name.length > NAME_MAX ? `must have ${NAME_MAX} characters at most, has ${name.length}` : undefined;
}

/** The nearest DNS label; `fallback` where nothing usable is left. */
export function dnsLabel(text: string, fallback = "x"): string {
  const label = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return label.slice(0, LABEL_MAX).replace(/-$/, "") || fallback;
}

/** Joins parts to one label; what was shortened or lost by it is made up for by a hash, so that different parts stay different. */
export function joinLabel(...parts: readonly string[]): string {
  const text = parts.join("-");
  if (isDnsLabel(text)) return text;
  const tail = hashTail(text);
  return `${dnsLabel(text)
    .slice(0, LABEL_MAX - tail.length - 1)
    .replace(/-$/, "")}-${tail}`;
}

/** What tells two names apart that would be the same without it. */
export function hashTail(text: string): string {
  return hash(text).slice(0, 6);
}

/** The candidate that was probably meant: another case, or few letters away. */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - wanted.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let cost = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + same);
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
