// Looks each minute whether this node's certificates are still good for all of its addresses, and has them made anew when they are not.
import type { MeshLink } from "../mesh-ports.ts";
import type { Clock, Log } from "../ports.ts";
import { renewLeaves } from "./renewal.ts";
import type { DueLeaf } from "./trust.ts";

const LOOK_EVERY_MS = 60_000;
/** While the addresses are the same: to read certificates costs a tenth of a second, and they expire in years. */
const READ_EVERY_MS = 600_000;
/** A voter that can sign may be away: asked again, less and less often. */
const RETRY_MAX_MS = 3_600_000;
const ANSWER_MS = 10_000;

export interface LeafKeeperOptions {
  readonly dataDir: string;
  readonly addresses: () => readonly string[];
  /** To a node that holds the CA's key; asked only when something is due and this node does not hold it itself. */
  readonly signer: () => Promise<MeshLink>;
  /** 733 and 734 take the new ones from here on; etcd reads its files at each handshake. */
  readonly onRenewed: (renewed: readonly DueLeaf[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Until the signal. */
export async function keepLeaves(options: LeafKeeperOptions, signal: AbortSignal): Promise<void> {
  const { dataDir, addresses, signer, onRenewed, clock, log } = options;
  let good = { addresses: "", atMs: Number.NEGATIVE_INFINITY };
  for (let waitMs = LOOK_EVERY_MS; !signal.aborted;) {
    try {
      const own = addresses();
      const isGood = own.join() === good.addresses && clock.now() - good.atMs < READ_EVERY_MS;
      const renewed = isGood ? [] : await renewLeaves(dataDir, { addresses: own, limitMs: ANSWER_MS }, signer);
      if (!isGood) good = { addresses: own.join(), atMs: clock.now() };
      waitMs = LOOK_EVERY_MS;
      if (renewed.length > 0) {
        log.info("Certificates renewed", { leaves: renewed.map(({ use, why }) => `${use}: ${why}`) });
        onRenewed(renewed);
      }
    } catch (error) {
      waitMs = Math.min(2 * waitMs, RETRY_MAX_MS);
      log.warn("Certificates could not be renewed", { error, retryMs: waitMs });
    }
    await clock.sleep(waitMs, signal).catch(() => undefined);
  }
}
