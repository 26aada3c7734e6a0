// Two DnsRecords may want the same name: what a person wrote comes before what follows from a Route, then the older one has it.
import type { Name, Resource } from "../../src/api/resource.ts";
import type { DnsRecordSpec } from "../../src/api/types.ts";
import { fqdnOf } from "./rows.ts";

/** Only records that have it in common can want the same: whatever the zone is. */
export function bucketOf({ name }: Pick<DnsRecordSpec, "name">): string {
  return name.toLowerCase().split(".", 1)[0] ?? "";
}

/** A name that is an alias is nothing else besides: RFC 1034, 3.6.2. */
export function wantSame(a: DnsRecordSpec, b: DnsRecordSpec, zone: string): boolean {
  const typesMeet = a.type === b.type || a.type === "CNAME" || b.type === "CNAME";
  return typesMeet && fqdnOf(a, zone) === fqdnOf(b, zone);
}

/** The record that has what this one wants. What is itself not answered stands in nobody's way. */
export function winnerOver(record: Resource<"DnsRecord">, rivals: readonly Resource<"DnsRecord">[], zone: string): Name | undefined {
  const holders: Resource<"DnsRecord">[] = [];
  for (const each of [record, ...rivals].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))) {
    const holder = holders.find(({ spec }) => wantSame(spec, each.spec, zone));
    if (each === record) return holder?.metadata.name;
    if (holder === undefined) holders.push(each);
  }
  return undefined;
}

function rank({ metadata }: Resource<"DnsRecord">): string {
  return `${metadata.owner === undefined ? 0 : 1} ${metadata.creationTimestamp} ${metadata.name}`;
}
