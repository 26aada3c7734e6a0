// The names under which kinds are served and typed: one table for the API's paths, the CLI's words and completion. Pure, and without
// the schemas, which nobody needs who only reads.
import type { Kind } from "./resource.ts";
import type { ServedKind } from "./wire.ts";

export interface ServedKindNames {
  readonly kind: ServedKind;
  /** As in the API's path. */
  readonly plural: string;
  /** As in `service/jellyfin`. */
  readonly singular: string;
  /** Besides plural and singular, the shortest first. */
  readonly short: readonly string[];
  readonly readOnly: boolean;
  readonly description: string;
}

export const SERVED_KINDS: readonly ServedKindNames[] = [
  {
    kind: "Membership",
    plural: "nodes",
    singular: "node",
    short: ["no", "membership", "memberships"],
    readOnly: false,
    description: "a computer of the house, and what people decided about it",
  },
  {
    kind: "Service",
    plural: "services",
    singular: "service",
    short: ["svc"],
    readOnly: false,
    description: "an app: one or more containers that live together",
  },
  {
    kind: "Route",
    plural: "routes",
    singular: "route",
    short: ["rt"],
    readOnly: false,
    description: "how a name or a port leads to a Service",
  },
  {
    kind: "DnsRecord",
    plural: "dnsrecords",
    singular: "dnsrecord",
    short: ["dns"],
    readOnly: false,
    description: "a name that the house answers",
  },
  {
    kind: "House",
    plural: "houses",
    singular: "house",
    short: [],
    readOnly: false,
    description: "the house's own settings: zone, joining, resolver",
  },
  {
    kind: "Instance",
    plural: "instances",
    singular: "instance",
    short: ["in"],
    readOnly: true,
    description: "one running copy of a Service on one node",
  },
  {
    kind: "Event",
    plural: "events",
    singular: "event",
    short: ["ev"],
    readOnly: true,
    description: "something that happened, kept for a day",
  },
];

const BY_WORD: ReadonlyMap<string, ServedKindNames> = new Map(
  SERVED_KINDS.flatMap((names) => [names.plural, names.singular, ...names.short].map((word) => [word, names] as const)),
);

/** By plural, singular or short name, whatever the case. */
export function kindByWord(word: string): ServedKindNames | undefined {
  return BY_WORD.get(word.toLowerCase());
}

export function kindWords(): Iterable<string> {
  return BY_WORD.keys();
}

export function namesOf(kind: ServedKind): ServedKindNames {
  const names = SERVED_KINDS.find((each) => each.kind === kind);
  if (!names) throw new Error(`Cannot name the kind '${kind}': SERVED_KINDS should list it`);
  return names;
}

/** As in `service/jellyfin`, the form that every command takes. */
export function reference(kind: ServedKind, name: string): string {
  return `${namesOf(kind).singular}/${name}`;
}

export function isStored(kind: ServedKind): kind is Kind {
  return !namesOf(kind).readOnly;
}
