// A newcomer's key as six words, shown on both screens: who compares them knows that nobody stands in between. Pure.
import { keyDigest } from "./node-id.ts";
import { WORDS } from "./word-list.ts";

const WORDS_SHOWN = 6;
const BITS_A_WORD = 11;

/** 66 bits of the key's SHA-256: another key with the same words would cost more than a house is worth. */
export function wordsOf(publicKey: Uint8Array): string {
  const bits = [...keyDigest(publicKey)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: WORDS_SHOWN }, (_, index) => {
    const word = WORDS[Number.parseInt(bits.slice(index * BITS_A_WORD, (index + 1) * BITS_A_WORD), 2)];
    return word ?? ""; // 11 bits never exceed the list
  }).join(" ");
}

/** Typed words are the shown ones, whatever the case and the blanks between them. */
export function sameWords(typed: string, shown: string): boolean {
  return (
    typed
      .trim()
      .toLowerCase()
      .split(/[\s,.-]+/)
      .join(" ") === shown
  );
}
