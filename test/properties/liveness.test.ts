import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  advance,
  answered,
  heard,
  newLiveness,
  ownHearing,
  SEND_EVERY_MS,
  suspects,
  toAsk,
  toCondemn,
  withOthers,
  type Liveness,
} from "../../src/liveness/liveness.ts";
import { votersFor } from "../../src/joining/voters.ts";
import { drawEpisodes } from "../chaos/faults.ts";
import { SeededRandom } from "../fakes/clock.ts";

const STEP_MS = 50;
const CALM_HOURS = Number(process.env["FOSSORA_CALM_HOURS"] ?? 2);
const runs = { numRuns: 60, seed: 20261127 };

interface Event {
  readonly at: number;
  readonly run: () => void;
}

/** Nodes that hear each other over links that delay, lose and double; in steps of 50 ms. */
class Segment {
  readonly nodes: string[];
  /** The first ones, as many as a house of this size has. */
  readonly voters: readonly string[];
  readonly states = new Map<string, Liveness>();
  readonly condemned = new Map<string, Set<string>>();
  readonly #random: () => number;
  readonly #lossy: number;
  /** Machine, and agent alone, that stand still or have no power until then. */
  readonly stillUntil = new Map<string, number>();
  readonly agentStillUntil = new Map<string, number>();
  readonly cut = new Set<string>();
  /** What their links add in each direction, ms; these lose 2 % as well. */
  readonly slow = new Map<string, number>();
  #events: Event[] = [];
  now = 0;

  constructor(count: number, { seed, loss }: { readonly seed: number; readonly loss: number }) {
    this.nodes = Array.from({ length: count }, (_, index) => `n${index}`);
    let x = seed >>> 0;
    this.#random = () => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return x / 2 ** 32;
    };
    this.#lossy = loss;
    this.voters = this.nodes.slice(0, votersFor(count));
    for (const node of this.nodes) this.states.set(node, withOthers(newLiveness(node, 0), this.nodes));
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += STEP_MS) this.#step();
  }

  /** Whether the others have a majority. */
  canSpare(node: string): boolean {
    return this.voters.length > 1 || !this.voters.includes(node);
  }

  suspectsAt(node: string): readonly string[] {
    return suspects(this.#state(node));
  }

  #state(node: string): Liveness {
    const state = this.states.get(node);
    assert.ok(state);
    return state;
  }

  #runs(node: string): boolean {
    return this.now >= (this.stillUntil.get(node) ?? 0) && this.now >= (this.agentStillUntil.get(node) ?? 0);
  }

  #step(): void {
    const due = this.#events.filter(({ at }) => at <= this.now);
    this.#events = this.#events.filter(({ at }) => at > this.now);
    for (const event of due) event.run();
    for (const [index, node] of this.nodes.entries()) {
      if (!this.#runs(node)) continue;
      this.states.set(node, advance(this.#state(node), this.now));
      if ((this.now + index * 150) % SEND_EVERY_MS === 0) this.#speak(node);
      for (const dead of toCondemn(this.#state(node), { bootedMs: Number.MAX_SAFE_INTEGER, voters: this.voters }))
        this.condemned.set(dead, (this.condemned.get(dead) ?? new Set()).add(node));
    }
  }

  #speak(node: string): void {
    const state = this.#state(node);
    const sign = { nodeId: node, bootId: `${node}-boot`, counter: this.now + 1, heard: ownHearing(state) };
    for (const other of this.nodes) if (other !== node) this.#carry(node, other, () => this.#arrive(other, (at) => heard(at, sign)));
    for (const other of toAsk(state))
      this.#carry(node, other, () => {
        // A machine without power does not answer, a frozen one later; its ingress does so without its agent.
        const answer = (): void => this.#carry(other, node, () => this.#arrive(node, (at) => answered(at, other)));
        this.#later(Math.max(this.now, this.stillUntil.get(other) ?? 0), answer);
      });
  }

  #carry(from: string, to: string, run: () => void): void {
    if (this.cut.has(`${from}-${to}`) || this.#random() < this.#lossy) return;
    const slow = [from, to].flatMap((node) => this.slow.get(node) ?? []);
    if (slow.some(() => this.#random() < 0.02)) return;
    const delayMs = slow.reduce((a, b) => a + b, 0);
    for (let copies = this.#random() < 0.05 ? 2 : 1; copies > 0; copies--)
      this.#later(this.now + delayMs + Math.floor(this.#random() * 40), run);
  }

  #later(at: number, run: () => void): void {
    if (Number.isFinite(at)) this.#events.push({ at, run });
  }

  /** What reaches one that stands still waits in its kernel, and its timers come first when it wakes. */
  #arrive(node: string, change: (state: Liveness) => Liveness): void {
    const until = Math.max(this.stillUntil.get(node) ?? 0, this.agentStillUntil.get(node) ?? 0);
    if (this.now < until) return this.#later(until + STEP_MS, () => this.#arrive(node, change));
    this.states.set(node, change(advance(this.#state(node), this.now)));
  }
}

const segment = fc.record({ count: fc.integer({ min: 2, max: 7 }), seed: fc.nat(), loss: fc.constantFrom(0, 0.02) });

describe("the laws of liveness", () => {
  test("one without power is suspect everywhere within 2.6 s, and condemned within 3.2 s by the first of the living", () => {
    fc.assert(
      fc.property(segment, fc.nat(), (made, pick) => {
        const house = new Segment(made.count, made);
        house.run(10_000);
        assert.equal(house.condemned.size, 0);
        const dead = house.nodes[pick % made.count] ?? "";
        house.stillUntil.set(dead, Number.POSITIVE_INFINITY);
        house.run(2_600);
        for (const node of house.nodes) if (node !== dead) assert.deepEqual(house.suspectsAt(node), [dead]);
        house.run(600);
        assert.deepEqual([...house.condemned.keys()], house.canSpare(dead) ? [dead] : []);
      }),
      runs,
    );
  });

  test("a machine that stands still for less than 2 s is condemned by nobody, and condemns nobody", () => {
    fc.assert(
      fc.property(segment, fc.nat(), fc.integer({ min: 100, max: 1_950 }), fc.nat({ max: 500 }), (made, pick, stillMs, shift) => {
        const house = new Segment(made.count, { ...made, loss: 0 });
        house.run(5_000 + shift);
        for (let times = 0; times < 3; times++) {
          house.stillUntil.set(house.nodes[(pick + times) % made.count] ?? "", house.now + stillMs);
          house.run(4_000);
        }
        assert.equal(house.condemned.size, 0);
      }),
      runs,
    );
  });

  test("one that was frozen for long condemns nobody when it wakes, and is trusted again by all", () => {
    fc.assert(
      fc.property(segment, fc.nat(), (made, pick) => {
        const house = new Segment(made.count, { ...made, loss: 0 });
        house.run(5_000);
        const frozen = house.nodes[pick % made.count] ?? "";
        house.stillUntil.set(frozen, house.now + 30_000);
        house.run(33_000);
        assert.deepEqual([...house.condemned.keys()], house.canSpare(frozen) ? [frozen] : []);
        assert.notEqual(house.condemned.get(frozen)?.has(frozen), true);
        for (const node of house.nodes) assert.deepEqual(house.suspectsAt(node), []);
      }),
      runs,
    );
  });

  test("those who are cut off from the majority condemn nobody, neither meanwhile nor when they are back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 7 }),
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1_000, max: 20_000 }),
        (count, seed, pick, cutMs) => {
          const house = new Segment(count, { seed, loss: 0 });
          house.run(5_000);
          const away = house.nodes.filter((_, index) => (index + pick) % count < (count - 1) / 2);
          for (const from of away) {
            for (const to of house.nodes.filter((node) => !away.includes(node)))
              for (const cut of [`${from}-${to}`, `${to}-${from}`]) house.cut.add(cut);
          }
          house.run(cutMs);
          house.cut.clear();
          house.run(5_000);
          const hasMajority = house.voters.filter((node) => !away.includes(node)).length > house.voters.length / 2;
          const lost = hasMajority ? away : house.nodes.filter((node) => !away.includes(node));
          for (const by of house.condemned.values())
            assert.deepEqual(
              lost.filter((node) => by.has(node)),
              [],
            );
        },
      ),
      runs,
    );
  });

  test("one that sends and hears nothing is condemned within 10 s, and condemns nobody", () => {
    fc.assert(
      fc.property(segment, fc.nat(), (made, pick) => {
        const house = new Segment(made.count, made);
        house.run(5_000);
        const deaf = house.nodes[pick % made.count] ?? "";
        if (!house.canSpare(deaf)) return;
        for (const other of house.nodes) house.cut.add(`${other}-${deaf}`);
        house.run(10_000);
        assert.deepEqual([...house.condemned.keys()], [deaf]);
        assert.equal(house.condemned.get(deaf)?.has(deaf), false);
      }),
      runs,
    );
  });

  test("a silent agent with a living ingress moves nothing", () => {
    fc.assert(
      fc.property(segment, fc.nat(), (made, pick) => {
        const house = new Segment(made.count, { ...made, loss: 0 });
        house.run(5_000);
        house.agentStillUntil.set(house.nodes[pick % made.count] ?? "", house.now + 20_000);
        house.run(25_000);
        assert.equal(house.condemned.size, 0);
        for (const node of house.nodes) assert.deepEqual(house.suspectsAt(node), []);
      }),
      runs,
    );
  });

  test("links that are cut condemn nobody as long as a third node sees both", () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 7 }), fc.nat(), fc.boolean(), (count, seed, oneWay) => {
        const house = new Segment(count, { seed, loss: 0 });
        house.run(5_000);
        house.cut.add("n0-n1");
        if (!oneWay) house.cut.add("n1-n0");
        house.run(20_000);
        assert.equal(house.condemned.size, 0);
        for (const node of house.nodes) assert.deepEqual(house.suspectsAt(node), []);
      }),
      runs,
    );
  });

  test("an hour of what `npm run chaos -- --calm` does moves nothing, in houses of three and of five", () => {
    for (const hosts of [3, 5] as const) {
      for (let seed = 1; seed <= CALM_HOURS; seed++) {
        const house = new Segment(hosts, { seed, loss: 0 });
        house.run(5_000);
        const episodes = drawEpisodes(new SeededRandom(seed), { hosts, calm: true });
        while (house.now < 3_600_000) {
          const { faults, restMs } = episodes.next().value;
          for (const { kind, host, delayMs = 0, forMs } of faults) {
            const node = `n${host - 1}`;
            if (kind === "stall") house.stillUntil.set(node, house.now + forMs);
            if (kind === "slow") house.slow.set(node, delayMs);
            house.run(forMs);
            house.slow.clear();
          }
          house.run(restMs);
        }
        assert.deepEqual([...house.condemned.keys()], [], `seed ${seed}, ${hosts} computers`);
      }
    }
  });

  test("an hour of a network that loses 2 % and delays moves nothing", () => {
    const house = new Segment(5, { seed: 42, loss: 0.02 });
    house.run(3_600_000);
    assert.equal(house.condemned.size, 0);
  });
});
