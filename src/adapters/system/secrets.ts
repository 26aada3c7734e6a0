// Where a node without a store of secrets looks them up: nothing is ever there yet, and what needs one waits.
import type { Secrets } from "../../ports.ts";

export const noSecrets: Secrets = { get: () => undefined };
