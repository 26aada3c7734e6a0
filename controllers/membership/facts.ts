// What a node's part of its own Membership looks at.
import type { Condition, NodeName } from "../../src/api/resource.ts";
import type { DecidedMembership, NodeRecord } from "../../src/api/state.ts";
import type { IngressStatus } from "../../src/api/table.ts";
import type { Seen } from "../../src/engine/contract.ts";

export interface MembershipFacts {
  readonly name: NodeName;
  /** What this machine is now. */
  readonly machine: NodeRecord;
  /** What the house has of it; `isHeld`: under the lease of this very process. */
  readonly announced: NodeRecord | undefined;
  readonly isHeld: boolean;
  readonly verdict: Seen<DecidedMembership> | undefined;
  /** While it is Down: containers that run here and are decided for nobody here: `jellyfin-k3f9`. Undefined: Docker does not answer. */
  readonly leftovers: readonly string[] | undefined;
  readonly listeners: IngressStatus["listeners"] | undefined;
  /** Whom its ingress asks for names outside, on behalf of apps. */
  readonly nameServers: readonly string[];
  /** What this node last reported. */
  readonly reported: readonly Condition[];
}
