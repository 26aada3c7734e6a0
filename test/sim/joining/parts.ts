// The pure parts that a simulated node is made of: the tests plant bugs by replacing one.
import { planSteward, STEP_AGE_MAX_MS, type StewardStep } from "../../../src/joining/admission.ts";
import { admit, broadcast } from "../../../src/joining/broadcast.ts";
import { openDoor } from "../../../src/joining/door.ts";
import { heardVoters } from "../../../src/joining/heard-voters.ts";
import { newJoiner, step } from "../../../src/joining/joiner.ts";

export interface Parts {
  readonly newJoiner: typeof newJoiner;
  readonly step: typeof step;
  readonly planSteward: typeof planSteward;
  readonly openDoor: typeof openDoor;
  readonly broadcast: typeof broadcast;
  readonly admit: typeof admit;
  readonly heardVoters: typeof heardVoters;
  /** Adds a voter where a learner was asked for. */
  readonly addsVoters: boolean;
  readonly stepAgeMaxMs: number;
}

export const realParts: Parts = {
  newJoiner,
  step,
  planSteward,
  openDoor,
  broadcast,
  admit,
  heardVoters,
  addsVoters: false,
  stepAgeMaxMs: STEP_AGE_MAX_MS,
};

export type { StewardStep };
