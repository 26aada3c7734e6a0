import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { here, houseState, sender } from "../../test/fakes/joining.ts";
import type { Here, Joiner, JoinerEvent } from "./joiner-state.ts";
import { newJoiner, step } from "./joiner.ts";
import type { Address, Message } from "./messages.ts";

const TICK_MS = 250;
const FOUNDING_TAKES_MS = 400;

type Given = Partial<Pick<Here, "rests" | "home" | "wish" | "mayFound">>;

/** Fresh computers of one tailnet that say hello to each other; what each of them is given may be another at another time. */
class Neighbours {
  nowMs = 0;
  readonly founders: string[] = [];
  readonly #joiners = new Map<string, Joiner>();
  readonly #given: (letter: string, nowMs: number) => Given;
  readonly #delayMs: () => number;
  #due: { readonly atMs: number; readonly run: () => void }[] = [];

  constructor(letters: string, given: (letter: string, nowMs: number) => Given, delayMs: () => number = () => 5) {
    this.#given = given;
    this.#delayMs = delayMs;
    for (const [index, letter] of letters.split("").entries()) {
      this.#joiners.set(letter, newJoiner(0));
      const tick = (): void => {
        this.hear(letter, { kind: "tick" });
        this.#later(TICK_MS, tick);
      };
      this.#later(index * 30, tick);
    }
  }

  run(untilMs: number): void {
    for (;;) {
      const next = this.#due.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.#due = this.#due.filter((each) => each !== next);
      this.nowMs = next.atMs;
      next.run();
    }
    this.nowMs = untilMs;
  }

  phase(letter: string): string | undefined {
    return this.#joiners.get(letter)?.phase.kind;
  }

  hear(letter: string, event: JoinerEvent): void {
    const joiner = this.#joiners.get(letter);
    if (joiner === undefined) return;
    const stepped = step(joiner, event, this.#here(letter, joiner));
    this.#joiners.set(letter, stepped.joiner);
    for (const effect of stepped.effects) {
      if (effect.kind === "send") this.#send(letter, effect.to, effect.message);
      if (effect.kind === "found") this.#found(letter);
    }
  }

  #here(letter: string, { phase }: Joiner): Here {
    const candidates = [...this.#joiners.keys()].map(addressOf).filter((each) => each !== addressOf(letter));
    const house = houseState({ id: `house-${letter}`, nodes: 1, hasObjects: false });
    const self = sender(letter, phase.kind === "member" ? { house } : {});
    return here(letter, { nowMs: this.nowMs, self, candidates, houseIsFresh: true, ...this.#given(letter, this.nowMs) });
  }

  #found(letter: string): void {
    this.founders.push(letter);
    const house = houseState({ id: `house-${letter}`, nodes: 1, hasObjects: false });
    this.#later(FOUNDING_TAKES_MS, () => this.hear(letter, { kind: "founded", house, clusterId: "c1", memberId: letter }));
  }

  #send(from: string, to: readonly Address[], message: Message): void {
    const [address = ""] = to;
    this.#later(this.#delayMs(), () => this.hear(address.charAt(0), { kind: "heard", message, from: addressOf(from), trust: "trusted" }));
  }

  /** A person lets it begin anew. */
  wish(letter: string, atMs: number): void {
    this.#later(atMs, () => this.hear(letter, { kind: "wished" }));
  }

  #later(ms: number, run: () => void): void {
    this.#due.push({ atMs: this.nowMs + ms, run });
  }
}

function addressOf(letter: string): Address {
  return `${letter}:733`;
}

for (const [what, given] of [
  ["has left its house and rests", { rests: true }],
  ["waits for its own house", { home: "house1" }],
  ["is to join a house that does not answer", { wish: { addresses: ["nas:733"] } }],
  ["hears nothing of its engine", { mayFound: false }],
] as const satisfies readonly (readonly [string, Given])[])
  test(`nobody waits for a lower id that ${what}, and so founds none`, () => {
    const both = new Neighbours("ab", (letter) => (letter === "a" ? given : {}));
    both.run(60_000);
    assert.deepEqual(both.founders, ["b"]);
  });

test("of two the lower founds once its engine answers, unless the other was quicker", () => {
  const soon = new Neighbours("ab", (_, nowMs) => ({ mayFound: nowMs > 1_000 }));
  soon.run(60_000);
  assert.deepEqual(soon.founders, ["a"]);
  const late = new Neighbours("ab", (letter, nowMs) => ({ mayFound: letter === "b" || nowMs > 20_000 }));
  late.run(60_000);
  assert.deepEqual([late.founders, late.phase("a")], [["b"], "asking"]);
});

test("an engine that falls silent while a node is founding keeps it from going on", () => {
  const alone = new Neighbours("a", (_, nowMs) => ({ mayFound: nowMs < 2_000 }));
  alone.run(1_900);
  assert.equal(alone.phase("a"), "founding");
  alone.run(60_000);
  assert.deepEqual([alone.founders, alone.phase("a")], [[], "looking"]);
});

test("however their wills and engines change while messages are on their way, one house is founded, and in the end there is one", () => {
  const change = fc.record({ letter: fc.constantFrom("a", "b", "c"), atMs: fc.nat(8_000), forMs: fc.integer({ min: 100, max: 6_000 }) });
  const delays = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 7, maxLength: 31 });
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 6 }),
      fc.constantFrom<Given>({ rests: true }, { mayFound: false }),
      delays,
      (all, given, ms) => {
        let sent = 0;
        const three = new Neighbours(
          "abc",
          (letter, nowMs) =>
            all.some((each) => each.letter === letter && nowMs >= each.atMs && nowMs < each.atMs + each.forMs) ? given : {},
          () => ms[sent++ % ms.length] ?? 1,
        );
        if (given.rests === true) for (const { letter, atMs, forMs } of all) three.wish(letter, atMs + forMs);
        three.run(40_000);
        assert.equal(three.founders.length, 1, three.founders.join());
      },
    ),
    { numRuns: 300 },
  );
});
