// A house without quorum as a person sees it: reads say how old they are, writes are refused with what to do, and the standby may take over.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import type { ErrorStatus, ObjectList } from "../../src/api/wire.ts";
import { call } from "../support/transcript-api.ts";
import { expectOutcome, fossora, type Outcome, type RunOptions } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, READY_NODE } from "../support/transcript-statuses.ts";

let house: TranscriptHouse;
const silentDen = { name: "den", agentAnswers: false, storeAnswers: false } as const;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
  await run("apply", "-f", "whoami.yaml");
});
after(() => house.close());
beforeEach(() => {
  house.copyAgeMs = 185_000;
  house.takeover = { kind: "TakeoverReport", node: "nas", voters: [silentDen], lastHeardMs: 185_000, warnings: ["Both run on."] };
});

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function answering(over: Partial<RunOptions>, ...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES, ...over }, ...argv);
}

test("reads are answered from the copy, and its age is told on stderr, once", async () => {
  const { code, stdout, stderr } = await run("get", "svc,nodes");
  assert.deepEqual([code, stderr], [0, "! as of 3m ago: no quorum\n"]);
  assert.match(stdout, /whoami/);
  const json = await run("get", "svc/whoami", "-o", "json");
  assert.equal((JSON.parse(json.stdout) as { readonly kind: string }).kind, "Service");
  assert.equal(json.stderr, "! as of 3m ago: no quorum\n");
  const { headers } = await call<ObjectList>(house, "GET", "/api/v1/services");
  assert.equal(headers["age"], "185");
  house.copyAgeMs = undefined;
  assert.equal((await run("get", "svc")).stderr, "");
});

test("writes are refused at once, with who is away and what to do, and exit 7", async () => {
  const startedMs = performance.now();
  const { code, body, headers } = await call<ErrorStatus>(house, "DELETE", "/api/v1/services/whoami");
  assert.deepEqual([code, body.reason, body.next, headers["retry-after"]], [503, "NoQuorum", "start den", "2"]);
  assert.ok(performance.now() - startedMs < 5_000);
  expectOutcome(await run("apply", "-f", "whoami.yaml"), {
    code: 7,
    stderr:
      "error: The house has no quorum, so nothing was changed: den alone keeps the house's state, and does not answer.\nnext:  start den\n",
  });
});

test("a take-over says what is lost, and is confirmed by this node's name or --yes", async () => {
  const told =
    "den: its agent is silent, its store is silent, nothing answers at its address.\n" +
    "The newest that this computer has of the house is from 3m ago. What was written on den since is lost, and nobody can say what that was.\n" +
    "Both run on.\n";
  expectOutcome(await run("takeover"), {
    code: 2,
    stderr: `${told}error: Nothing was changed: that the house is to be taken over has to be confirmed.\nnext:  fossora takeover --yes\n`,
  });
  const wrong = await answering({ tty: true, stdin: "den\n" }, "takeover");
  assert.deepEqual([wrong.code, house.epoch], [2, 1]);
  const right = await answering({ tty: true, stdin: "nas\n" }, "takeover");
  assert.deepEqual([right.code, right.stdout, house.epoch], [0, "node/nas has taken the house over (epoch 2)\n", 2]);
  expectOutcome(await run("takeover", "--yes"), {
    stdout: "node/nas has taken the house over (epoch 3)\n",
    stderr: `${told}next:  fossora status\n`,
  });
});

test("a take-over that may not be is refused with the reason, asked for or not", async () => {
  house.takeover = {
    ...house.takeover,
    refused: { reason: "den seems to be on: something answers at 10.0.0.2", next: "sudo fossora up, on den" },
  };
  expectOutcome(await run("takeover", "--yes"), {
    code: 5,
    stderr: "error: Cannot take the house over: den seems to be on: something answers at 10.0.0.2.\nnext:  sudo fossora up, on den\n",
  });
  const { code, body } = await call<ErrorStatus>(house, "POST", "/api/v1/takeover");
  assert.deepEqual([code, body.reason, body.next], [409, "Conflict", "sudo fossora up, on den"]);
  const { epoch } = house;
  assert.equal((await call(house, "PUT", "/api/v1/takeover")).code, 400);
  assert.equal(house.epoch, epoch);
});
