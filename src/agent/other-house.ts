// Another house's containers on this computer: a new house would know nothing of them, and take them for leftovers of its own.
import { UserError } from "../api/errors.ts";
import { LABEL } from "../api/labels.ts";
import type { Containers } from "../container-ports.ts";

const ENGINE_LIMIT_MS = 30_000;

export interface OtherHouseOptions {
  readonly dataDir: string;
  readonly containers: Pick<Containers, "list">;
}

/** For one that is about to begin a house. Throws UserError where there are any, and EngineError where nobody can tell. */
export async function refuseOtherHouse({ dataDir, containers }: OtherHouseOptions, signal?: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(ENGINE_LIMIT_MS);
  const { length } = await containers.list(undefined, signal === undefined ? limit : AbortSignal.any([signal, limit]));
  if (length > 0)
    throw new UserError(
      `Cannot begin a new house in ${dataDir}: Docker has ${length} container${length === 1 ? "" : "s"} of another one. Start that one (its --data-dir, as its user, perhaps with sudo); if it is gone for good, remove them first: docker rm -f $(docker ps -aq --filter label=${LABEL.kind}).`,
    );
}
