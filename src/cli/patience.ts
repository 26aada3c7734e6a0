// How long a command that follows something goes on asking a node that stopped answering.
import type { StatusReason } from "../api/wire.ts";
import { ApiFailure, isPassing } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

/** A node that starts again is in its house by then, as `join` expects it, too. */
const RETURN_MAX_MS = 20_000;

export class Patience {
  readonly #ports: Pick<CliPorts, "now">;
  readonly #limited: readonly StatusReason[];
  #sinceMs: number | undefined;

  /** `limited`: what a node may say for a moment when it starts again, and means when it goes on saying it. */
  constructor(ports: Pick<CliPorts, "now">, limited: readonly StatusReason[]) {
    this.#ports = ports;
    this.#limited = limited;
  }

  /** It answers again. */
  renew(): void {
    this.#sinceMs = undefined;
  }

  /** Whether to ask again after that. */
  bears(error: unknown): boolean {
    const isLimited = error instanceof ApiFailure && this.#limited.includes(error.status.reason);
    this.#sinceMs = isLimited ? (this.#sinceMs ?? this.#ports.now()) : undefined;
    return isLimited ? this.#ports.now() - (this.#sinceMs ?? 0) <= RETURN_MAX_MS : isPassing(error);
  }
}
