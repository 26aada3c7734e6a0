// What the ingresses of the house's other nodes have counted, asked of their agents when a person asks: whoever is silent holds up nobody.
import type { NodeName } from "../api/resource.ts";
import type { TrafficReport } from "../api/traffic.ts";
import type { Address } from "../joining/messages.ts";
import type { NodeReport } from "../server/ports.ts";
import type { NodeAt } from "./joining/courier.ts";

const ANSWERS_WITHIN_MS = 2_000;

export interface HouseTrafficOptions {
  readonly others: readonly { readonly nodeId: string; readonly name: NodeName; readonly addresses: readonly Address[] }[];
  /** Of that member alone, on 733. Throws when it does not answer. */
  readonly ask: (to: NodeAt, method: string, body: unknown) => Promise<unknown>;
}

/** By name; at the address that answers first. */
export function trafficElsewhere({ others, ask }: HouseTrafficOptions, signal: AbortSignal): Promise<readonly NodeReport[]> {
  return Promise.all(
    others
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(async ({ nodeId, name, addresses }): Promise<NodeReport> => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
        const { promise: late, reject } = Promise.withResolvers<never>();
        const onAbort = (): void => reject(limit.reason as Error);
        limit.addEventListener("abort", onAbort, { once: true });
        try {
          const answer = await Promise.race([Promise.any(addresses.map((address) => ask({ nodeId, address }, "traffic", null))), late]);
          return { node: name, report: answer as TrafficReport }; // a member's own answer
        } catch {
          return { node: name, unknown: "it does not answer" };
        } finally {
          limit.removeEventListener("abort", onAbort);
        }
      }),
  );
}
