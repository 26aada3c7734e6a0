// The plan of the House on one node: whom its ingress asks for names outside, and what is wrong with that.
import { sameConditions } from "../../src/api/conditions.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { Condition, NodeName, Resource } from "../../src/api/resource.ts";
import type { HouseSpec } from "../../src/api/types.ts";
import type { Context, Plan } from "../../src/engine/contract.ts";
import type { HouseFacts, HouseRows, ResolverFacts } from "./facts.ts";
import { chooseUpstreams, type Choice, type ResolverSpec } from "./upstreams.ts";

/** A host's name servers change without telling. */
export const RECHECK_MS = 30_000;

export type HouseAction =
  | { readonly kind: "SetHouse"; readonly rows: HouseRows | undefined }
  | { readonly kind: "Report"; readonly conditions: readonly Condition[] };

export function plan(house: Resource<"House"> | undefined, facts: HouseFacts, { node }: Context): Plan<HouseAction> {
  const { rows, conditions } = house === undefined ? { rows: undefined, conditions: [] } : resolverOf(house.spec, facts.resolver, node);
  const actions: HouseAction[] = [];
  if (canonicalJson(rows) !== canonicalJson(facts.held)) actions.push({ kind: "SetHouse", rows });
  if (!sameConditions(conditions, facts.reported)) actions.push({ kind: "Report", conditions });
  return { actions, conditions, ...(house?.spec.resolver !== undefined && { recheckAfterMs: RECHECK_MS }) };
}

function resolverOf(
  { resolver, zone }: HouseSpec,
  facts: ResolverFacts,
  node: NodeName,
): { readonly rows: HouseRows; readonly conditions: readonly Condition[] } {
  if (resolver === undefined) return { rows: {}, conditions: [] };
  const choice = chooseUpstreams(resolver, facts);
  const trouble = troubleOf(resolver, choice, { zone, node });
  const conditions = trouble === undefined ? [] : [{ type: "ResolverReady", status: "False" as const, ...trouble }];
  return { rows: { resolver: { serve: resolver.serve, upstreams: choice.upstreams } }, conditions };
}

function troubleOf(
  resolver: ResolverSpec,
  { upstreams, own, missing, hostAsksHouse }: Choice,
  { zone, node }: { readonly zone: string; readonly node: NodeName },
): { readonly reason: string; readonly message: string } | undefined {
  const consequence = `${node} answers names outside of ${zone} with a failure`;
  if (missing.length > 0) {
    const others = upstreams.map(({ host }) => host).join(", ");
    const remedy = resolver.fallback === undefined ? `: add 'fallback: host' to spec.resolver, or another upstream` : "";
    const meanwhile = others === "" ? `${consequence}${remedy}` : `${node} asks ${others} meanwhile`;
    return { reason: "UpstreamNotReady", message: `${capital(missing.join(", and "))}: ${meanwhile}` };
  }
  if (upstreams.length > 0 && hostAsksHouse) {
    const why = `/etc/resolv.conf of ${node} names this house alone, which answers nodes for ${zone} only`;
    const message = `${why}: image pulls and apps there find no other name. Give ${node} another name server, such as the router`;
    return { reason: "HostAsksHouse", message };
  }
  if (upstreams.length > 0) return undefined;
  const why =
    own.length > 0
      ? `All upstreams are addresses of this house (${own.join(", ")}), and a question would go round for ever`
      : `No name server in /etc/resolv.conf of ${node} is outside of it`;
  return { reason: "NoUpstream", message: `${why}: ${consequence}. Name another in spec.resolver.upstream, such as 9.9.9.9` };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
