// Newcomers that nobody vouches for wait until a person has compared six words: few at a time, and not for long. Pure.

export const WAITING_MAX = 5;
/** The rest of the five stays free for others: one computer has as many keys as it likes. */
export const WAITING_FROM_ONE_SOURCE_MAX = 2;
export const WAITING_MS = 10 * 60_000;
/** So long one that a person has said no to is not written down again. */
export const REJECTED_MS = 60 * 60_000;
const ASKING_EVERY_MS = 60_000;

/** What the house keeps of one. */
export interface Newcomer {
  readonly nodeId: string;
  /** As it calls itself: shown, never believed. */
  readonly name: string;
  readonly address: string;
  /** Its key, which its own screen shows too. */
  readonly words: string;
  readonly approved: boolean;
  /** A person has said no. */
  readonly rejected?: true;
}

interface Asker {
  readonly nodeId: string;
  /** Those that were not let in, also by a person's no: it may come back with another key. */
  readonly fromItsSource: number;
  /** Since another newcomer from the same source was written down. */
  readonly sinceLastMs?: number;
}

export type WaitingVerdict =
  | { readonly kind: "known"; readonly newcomer: Newcomer }
  | { readonly kind: "waits" }
  | { readonly kind: "refused"; readonly why: string };

export function mayWait(newcomers: readonly Newcomer[], { nodeId, fromItsSource, sinceLastMs }: Asker): WaitingVerdict {
  const known = newcomers.find((each) => each.nodeId === nodeId);
  if (known?.rejected === true) return { kind: "refused", why: "a person of the house said no to this computer" };
  if (known) return { kind: "known", newcomer: known };
  if (newcomers.filter(({ rejected }) => rejected !== true).length >= WAITING_MAX)
    return {
      kind: "refused",
      why: `${WAITING_MAX} computers wait to be approved already: \`fossora node approve\` or \`fossora node reject\` on a node of the house, or wait ten minutes`,
    };
  if (fromItsSource >= WAITING_FROM_ONE_SOURCE_MAX)
    return {
      kind: "refused",
      why: `${WAITING_FROM_ONE_SOURCE_MAX} computers of the same address wait already, or a person said no to them: \`fossora node approve\` on a node of the house, or \`fossora invite\` there`,
    };
  if (sinceLastMs !== undefined && sinceLastMs < ASKING_EVERY_MS)
    return { kind: "refused", why: "another computer asked from the same address within this minute: wait a minute" };
  return { kind: "waits" };
}

/** Which newcomer a person means: by name, node id, or the six words. Several of one name are told apart by their words. */
export function findNewcomers(waiting: readonly Newcomer[], typed: string): readonly Newcomer[] {
  const text = typed
    .trim()
    .toLowerCase()
    .split(/[\s,.]+/)
    .join(" ");
  const exact = waiting.filter(({ nodeId, words }) => nodeId === text || words === text);
  return exact.length > 0 ? exact : waiting.filter(({ name }) => name.toLowerCase() === text);
}
