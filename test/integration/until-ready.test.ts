// When `up` and `join` say that a computer is ready: the real server and client, with a way into a house as the test plays it.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { JoiningReport, JoinWish } from "../../src/api/computers.ts";
import { untilReady, type ReadyOutcome } from "../../src/agent/until-ready.ts";
import { unixClient } from "../../src/cli/client.ts";
import { ApiFailure } from "../../src/cli/failure.ts";
import { ApiError } from "../../src/server/api-error.ts";
import { realClock } from "../support/real.ts";
import { computer, ScriptedHouse } from "../support/transcript-computers.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { READY_NODE } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const wish: JoinWish = { addresses: ["nas"] };
const pending = { wish: { addresses: ["nas"], hasToken: false } };
const NEVER_MERGED = "Cannot join: this computer belongs to a house with apps or other computers, and two houses are never merged.";

class Control extends ScriptedHouse {
  isEmpty = true;
  looks = 0;
  override seen = {
    survives: "",
    voters: 1,
    votersUp: 1,
    computers: [computer("nas", { self: true })],
    waiting: [],
    returned: [],
    misplaced: [],
  };

  be(over: Partial<JoiningReport>): void {
    const { wish: _, ...report } = this.report;
    this.report = { ...report, ...over };
  }

  override joining(): JoiningReport {
    this.looks++;
    return super.joining();
  }

  override async join(asked: JoinWish): Promise<void> {
    if (!this.isEmpty) throw new ApiError("Conflict", NEVER_MERGED, { next: "fossora leave" });
    await super.join(asked);
    this.be(pending);
  }
}

describe("a node that was started", () => {
  let control: Control;
  let house: TranscriptHouse;
  beforeEach(async () => {
    control = new Control();
    house = await TranscriptHouse.start(control);
    house.setStatus("Membership", "nas", READY_NODE);
    house.listeners = (["http", "dns"] as const).map((protocol) => ({ protocol, address: "0.0.0.0", port: 80 }));
  });
  afterEach(() => house.close());

  /** Its outcome, once there is one. */
  function start(options: {
    readonly wish?: JoinWish;
    readonly hasHouse: boolean;
    readonly limitMs?: number;
    readonly interrupted?: AbortSignal;
  }): {
    readonly done: Promise<ReadyOutcome>;
    readonly isOver: () => boolean;
  } {
    const { limitMs = 30_000, interrupted, ...given } = options;
    const signal = interrupted ?? AbortSignal.timeout(limitMs);
    const terminal = { note: () => undefined, mark: (_kind: string, text: string) => text };
    const client = unixClient(house.socket, signal);
    let over = false;
    const done = untilReady({ client, problem: () => undefined, terminal, clock: realClock, signal, ...given }).finally(
      () => (over = true),
    );
    done.catch(() => undefined); // it is looked at below
    return { done, isOver: () => over };
  }
  const nodeOf = (outcome: ReadyOutcome): string => (outcome.kind === "ready" ? outcome.summary.node : outcome.kind);

  test("is ready in a house of its own", async () => {
    assert.equal(nodeOf(await start({ hasHouse: true }).done), "nas");
    assert.deepEqual(control.asked, []);
  });

  test("and has a house with something in it says that two are never merged, as one that runs does", async () => {
    control.be({ house: { id: "own", nodes: 1 } });
    control.isEmpty = false;
    await assert.rejects(
      start({ wish, hasHouse: true }).done,
      (error) => error instanceof ApiFailure && error.status.message === NEVER_MERGED && error.status.next === "fossora leave",
    );
  });

  test("and gives its empty house up is ready once the wish has come true, not before", async () => {
    const { done, isOver } = start({ wish, hasHouse: true });
    let looks = control.looks;
    await until("it was looked at", () => control.looks > looks + 3);
    assert.deepEqual([control.asked, isOver()], [[], false], "whether anything is in its house is not known yet");
    control.be({ house: { id: "own", nodes: 1 } });
    await until("it was told", () => control.asked.length === 1);
    looks = control.looks;
    await until("it was looked at", () => control.looks > looks + 3);
    assert.equal(isOver(), false);
    control.be({ house: { id: "theirs", nodes: 2 } });
    assert.equal(nodeOf(await done), "nas");
    assert.deepEqual(control.asked, [wish]);
  });

  test("with the wish on its disk is not told, and not ready while the wish is to come true", async () => {
    control.be(pending);
    assert.equal(nodeOf(await start({ wish, hasHouse: false, limitMs: 1_000 }).done), "late");
    control.be({});
    assert.equal(nodeOf(await start({ wish, hasHouse: false }).done), "nas");
    assert.deepEqual(control.asked, []);
  });

  test("and is asked about no longer tells how far it was on its way", async () => {
    control.be({ ...pending, phase: "waiting" });
    const interrupt = new AbortController();
    const { done } = start({ wish, hasHouse: false, interrupted: interrupt.signal });
    await until("it was looked at", () => control.looks > 3);
    interrupt.abort(new Error("Interrupted"));
    const outcome = await done;
    assert.deepEqual([outcome.kind, outcome.kind === "late" && outcome.report?.phase], ["late", "waiting"]);
    assert.deepEqual(await start({ wish, hasHouse: false, interrupted: interrupt.signal }).done, { kind: "late" });
  });
});
