// Computers that all ask to be let in at the same instant, and what the house's store was told of their admissions.
import { keys } from "../../src/api/keys.ts";
import type { ActiveAdmission } from "../../src/joining/house-view.ts";
import type { WatchBatch } from "../../src/ports.ts";
import type { LabHouse } from "./lab-house.ts";

const LIMIT_MS = 120_000;

export interface JoinedAtOnce {
  /** From the start of their agents until all belong to the house. */
  readonly tookMs: number;
  /** How many were being admitted at the same time, at most. */
  readonly atOnce: number;
  /** Who was admitted, by node id. */
  readonly admitted: ReadonlySet<string>;
}

/** `members`: who are the house. Throws when not all belong to it in the end. */
export async function joinAtOnce(house: LabHouse, members: readonly number[], newcomers: readonly number[]): Promise<JoinedAtOnce> {
  const store = await house.store(members);
  const ending = new AbortController();
  const { revision } = await store.list(keys.admission, AbortSignal.timeout(LIMIT_MS));
  const watching = admissions(store.watch(keys.admission, revision + 1, ending.signal), ending.signal);
  const began = performance.now();
  await house.startAgents(...newcomers);
  await house.areOneHouse([...members, ...newcomers]);
  const tookMs = performance.now() - began;
  ending.abort();
  const seen = await watching;
  await store.close();
  return { tookMs, ...seen };
}

/** Of all that the store was ever told: nodes of which an admission was begun and not ended. */
async function admissions(batches: AsyncIterable<WatchBatch>, signal: AbortSignal): Promise<Omit<JoinedAtOnce, "tookMs">> {
  const [underWay, admitted] = [new Set<string>(), new Set<string>()];
  let atOnce = 0;
  try {
    for await (const { events } of batches)
      for (const event of events) {
        if (event.type === "put") underWay.add((JSON.parse(event.entry.value) as ActiveAdmission).nodeId); // written by the agent
        else underWay.clear();
        for (const nodeId of underWay) admitted.add(nodeId);
        atOnce = Math.max(atOnce, underWay.size);
      }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { atOnce, admitted };
}
