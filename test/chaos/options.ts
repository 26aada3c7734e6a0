// The words of `npm run chaos`. Pure.
import { parseArgs } from "node:util";

export interface ChaosWords {
  readonly minutes: number;
  /** Undefined: any. */
  readonly seed: number | undefined;
  readonly hosts: 3 | 5;
  readonly calm: boolean;
}

export const USAGE = `Usage: npm run chaos -- [--minutes M] [--seed N] [--hosts 3|5] [--calm]
A house on lab hosts in trouble that a seed draws, while clients ask all of its apps; prints what they saw of each.
  --minutes M   how long trouble comes, a number above 0; the set-up and the last recovery come on top (default: 30)
  --seed N      a whole number of 0 or more: the trouble of that seed again (default: any; it is printed)
  --hosts N     3 or 5 computers (default: 3)
  --calm        nothing but what a house must not take for a death: a move is a failure
Exit codes: 0 nothing was wrong; 1 something was, and the hosts' logs are in out/chaos; 2 these words are not understood.
`;

/** Throws a sentence for whoever typed it. `undefined`: help is wanted. */
export function chaosWords(args: readonly string[]): ChaosWords | undefined {
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: { minutes: { type: "string" }, seed: { type: "string" }, hosts: { type: "string" } },
  });
  const given = new Map<string, string | undefined>();
  for (const token of tokens) {
    if (token.kind === "positional") throw new Error(`Cannot make trouble with "${token.value}": there are only flags, see --help`);
    if (token.kind !== "option") continue;
    if (!["minutes", "seed", "hosts", "calm", "help", "h"].includes(token.name))
      throw new Error(`Cannot make trouble with "${token.rawName}": there is no such flag, see --help`);
    given.set(token.name, token.value);
  }
  if (given.has("help") || given.has("h")) return undefined;
  const number = (flag: string, what: string, fallback: number, isRight: (value: number) => boolean): number => {
    if (!given.has(flag)) return fallback;
    const text = given.get(flag) ?? "";
    if (!/^\d+(\.\d+)?$/.test(text) || !isRight(Number(text)))
      throw new Error(`Cannot make trouble with --${flag} "${text}": it is ${what}, see --help`);
    return Number(text);
  };
  if (given.get("calm") !== undefined)
    throw new Error(`Cannot make trouble with --calm "${given.get("calm")}": it takes no value, see --help`);
  return {
    minutes: number("minutes", "a number above 0", 30, (value) => value > 0),
    seed: given.has("seed") ? number("seed", "a whole number of 0 or more", 0, Number.isSafeInteger) : undefined,
    hosts: number("hosts", "3 or 5", 3, (value) => value === 3 || value === 5) === 5 ? 5 : 3,
    calm: given.has("calm"),
  };
}
