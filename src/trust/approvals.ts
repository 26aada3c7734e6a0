// Newcomers that nobody vouches for wait until a person has compared six words: few at a time, and not for long. Pure.

export const WAITING_MAX = 5;
export const WAITING_MS = 10 * 60_000;
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
}

export type WaitingVerdict =
  | { readonly kind: "known"; readonly newcomer: Newcomer }
  | { readonly kind: "waits" }
  | { readonly kind: "refused"; readonly why: string };

/** `sinceLastMs`: since another newcomer from the same address was written down. */
export function mayWait(waiting: readonly Newcomer[], nodeId: string, sinceLastMs: number | undefined): WaitingVerdict {
  const known = waiting.find((each) => each.nodeId === nodeId);
  if (known) return { kind: "known", newcomer: known };
  if (waiting.length >= WAITING_MAX)
    return {
      kind: "refused",
      why: `${WAITING_MAX} computers wait to be approved already: \`fossora node approve\` on a node of the house, or wait ten minutes`,
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
