// What the plan of a DnsRecord looks at.
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { Table } from "../../src/api/table.ts";

export type RecordRows = Pick<Table, "records" | "houseNames">;

export interface DnsRecordFacts {
  readonly name: Name;
  readonly zone: string;
  /** What the ingress was last handed for this name. */
  readonly held: RecordRows | undefined;
  /** Other records that want the same name, or the same as one of these. */
  readonly rivals: readonly Resource<"DnsRecord">[];
  readonly nodes: readonly NodeFacts[];
  /** Where instances of the app that the name leads to are ready. */
  readonly hosts: readonly NodeName[];
}

/** A node that may be handed out as a way in. */
export interface NodeFacts {
  readonly name: NodeName;
  /** Its ingress has what people ask the name for: port 80, as a URL without a port does, or its raw ports where it has no pages. */
  readonly holdsPort: boolean;
}
