// What a person sees of evening the load out, word by word.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { InstanceMove, RebalanceAnswer } from "../../src/api/moves.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { FILES } from "../support/transcript-statuses.ts";

let house: TranscriptHouse;
before(async () => {
  house = await TranscriptHouse.start();
});
after(() => house.close());

const run = (...argv: readonly string[]): Promise<Outcome> => fossora({ socket: house.socket, files: FILES }, "rebalance", ...argv);
const why = "reserves 128Mi; then nas is at 3 % and pi4 at 3 %";
const web: InstanceMove = { service: "web", instance: "web-k3f9", from: "nas", to: "pi4", why, stopsFirst: false, others: 1, afterMs: 0 };
const SHOWN = `web-k3f9  nas to pi4  ${why}\n`;

test("a house that is even says so", async () => {
  house.moves = [];
  expectOutcome(await run(), { stdout: "nothing to move: no few moves would make the load more even\n" });
});

test("what would move is shown, and nothing moves before it is confirmed", async () => {
  house.moves = [web];
  expectOutcome(await run("--dry-run"), { stdout: SHOWN });
  const answer = JSON.parse((await run("--dry-run", "-o", "json")).stdout) as RebalanceAnswer;
  assert.deepEqual(answer, { kind: "Rebalance", moves: [web] });
  expectOutcome(await run(), {
    code: 2,
    stderr: `${SHOWN}error: Nothing was changed: the moves have to be confirmed.\nnext:  fossora rebalance --yes\n`,
  });
});

test("confirmed, it waits until each has moved; what was decided otherwise meanwhile is counted", async () => {
  house.moves = [web];
  expectOutcome(await run("--yes"), { stdout: "1 of 1 moved\n", stderr: `${SHOWN}✓ web-k3f9 moved  0.0s\n` });
  expectOutcome(await run("--yes", "--no-wait", "-q"), { stdout: "1 of 1 move\n", stderr: SHOWN });
  house.moves = [web, { ...web, service: "hub", instance: "hub-p2x1", others: 0 }];
  const { code, stdout } = await run("--yes");
  assert.deepEqual([code, stdout], [5, "1 of 2 moved\n"]);
});

test("with -o json stdout is JSON, and what became of it stands beside", async () => {
  house.moves = [web];
  const { stdout, stderr } = await run("--yes", "--no-wait", "-o", "json");
  assert.deepEqual(JSON.parse(stdout), { kind: "Rebalance", moves: [web] });
  assert.equal(stderr, "1 of 1 move\n");
  assert.equal((await run("--yes", "--no-wait", "-o", "json", "-q")).stderr, "");
});
