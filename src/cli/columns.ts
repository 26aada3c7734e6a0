// What the tables of `get` show of each kind. One look at the status; nothing is computed here that the server did not say.
import type { Condition } from "../api/resource.ts";
import type { AnyStatus, DnsRecordStatus, HouseStatus, MembershipStatus, RouteStatus, ServiceStatus } from "../api/status.ts";
import type { EventObject, InstanceObject, ServedKind, ServedObject, ServedResource } from "../api/wire.ts";
import { age, binaryBytes } from "./age.ts";

export interface Column<T = ServedObject> {
  readonly header: string;
  /** Only with `-o wide`. */
  readonly wide?: true;
  readonly value: (object: T, nowMs: number) => string;
}

interface StatusByKind {
  readonly Service: ServiceStatus;
  readonly Route: RouteStatus;
  readonly DnsRecord: DnsRecordStatus;
  readonly Membership: MembershipStatus;
  readonly House: HouseStatus;
}

type Of<K extends ServedResource["kind"]> = Extract<ServedResource, { readonly kind: K }>;

const NAME = { header: "NAME", value: (object: ServedObject) => object.metadata.name };
const AGE = { header: "AGE", value: (object: ServedObject, nowMs: number) => age(object.metadata.creationTimestamp, nowMs) };
const READY = { header: "READY", value: (object: ServedObject) => ready(object)?.status ?? "Unknown" };
/** For kinds without a STATUS. */
const READY_OR_WHY = { header: "READY", value: readyOrWhy };
const STATUS = { header: "STATUS", value: statusWord };

const SERVICE: readonly Column<Of<"Service">>[] = [
  NAME,
  { header: "READY", value: (service) => statusOf(service)?.ready ?? "-" },
  STATUS,
  { header: "NODE", value: (service) => statusOf(service)?.nodes.join(",") || "-" },
  { header: "URL", value: (service) => statusOf(service)?.url ?? "-" },
  AGE,
  { header: "IMAGE", wide: true, value: (service) => service.spec.containers.map((container) => container.image).join(",") },
  { header: "UPDATED", wide: true, value: (service) => String(statusOf(service)?.rollout?.updated ?? "-") },
];

const ROUTE: readonly Column<Of<"Route">>[] = [
  NAME,
  READY_OR_WHY,
  { header: "URL", value: (route) => statusOf(route)?.url ?? "-" },
  { header: "BACKENDS", value: (route) => statusOf(route)?.backends || "-" },
  AGE,
  { header: "OWNER", wide: true, value: (route) => route.metadata.owner ?? "-" },
];

const DNS_RECORD: readonly Column<Of<"DnsRecord">>[] = [
  NAME,
  READY_OR_WHY,
  { header: "TYPE", value: (record) => record.spec.type },
  { header: "FQDN", value: (record) => statusOf(record)?.fqdn ?? record.spec.name },
  { header: "ANSWERS", value: (record) => statusOf(record)?.answers.join(",") || "-" },
  { header: "TTL", value: (record) => record.spec.ttl },
  AGE,
  { header: "OWNER", wide: true, value: (record) => record.metadata.owner ?? "-" },
];

const MEMBERSHIP: readonly Column<Of<"Membership">>[] = [
  NAME,
  READY,
  STATUS,
  { header: "ROLE", value: (node) => statusOf(node)?.role ?? node.spec.role },
  { header: "ADDRESS", value: (node) => statusOf(node)?.address ?? "-" },
  { header: "CPUS", value: (node) => String(statusOf(node)?.cpus ?? "-") },
  { header: "MEM", value: (node) => binaryBytes(statusOf(node)?.memoryBytes) },
  { header: "DISK", value: (node) => binaryBytes(statusOf(node)?.diskBytes) },
  { header: "DEVICES", value: (node) => devicesOf(statusOf(node)) },
  { header: "VERSION", value: (node) => statusOf(node)?.version ?? "-" },
  AGE,
  { header: "ID", wide: true, value: (node) => statusOf(node)?.nodeId ?? "-" },
];

const HOUSE: readonly Column<Of<"House">>[] = [
  NAME,
  READY,
  { header: "ZONE", value: (house) => house.spec.zone },
  { header: "NODES", value: (house) => nodesOf(statusOf(house)) },
  { header: "RESOLVER", value: resolverText },
  AGE,
];

const INSTANCE: readonly Column<InstanceObject>[] = [
  NAME,
  { header: "SERVICE", value: (instance) => instance.spec.service },
  { header: "NODE", value: (instance) => instance.spec.node },
  { header: "READY", value: (instance) => (instance.status.ready ? "True" : "False") },
  { header: "STATUS", value: (instance) => instance.status.reason },
  { header: "AGE", value: (instance, nowMs) => age(instance.status.containers[0]?.startedAt, nowMs) },
  {
    header: "RESTARTS",
    wide: true,
    value: (instance) => String(instance.status.containers.reduce((sum, container) => sum + container.restarts, 0)),
  },
  { header: "ADDRESS", wide: true, value: (instance) => instance.status.containers.map((container) => container.address ?? "-").join(",") },
  { header: "IMAGE", wide: true, value: (instance) => instance.status.containers.map((container) => container.image).join(",") },
];

const EVENT: readonly Column<EventObject>[] = [
  { header: "AGE", value: (event, nowMs) => age(event.metadata.creationTimestamp, nowMs) },
  { header: "TYPE", value: (event) => event.spec.type },
  { header: "REASON", value: (event) => event.spec.reason },
  { header: "OBJECT", value: (event) => event.spec.object.toLowerCase() },
  { header: "MESSAGE", value: (event) => event.spec.message },
  { header: "NODE", wide: true, value: (event) => event.spec.node },
];

const COLUMNS = {
  Service: SERVICE,
  Route: ROUTE,
  DnsRecord: DNS_RECORD,
  Membership: MEMBERSHIP,
  House: HOUSE,
  Instance: INSTANCE,
  Event: EVENT,
};

export interface TableOptions {
  readonly wide: boolean;
  readonly labels: boolean;
}

/** The columns of a kind; its objects alone may be given to them. */
export function columnsOf(kind: ServedKind, options: TableOptions): readonly Column[] {
  const columns = COLUMNS[kind] as readonly Column[]; // the caller gives objects of this kind
  const shown = columns.filter((column) => options.wide || !column.wide);
  return options.labels ? [...shown, { header: "LABELS", value: labelsText }] : shown;
}

export function ready(object: ServedObject): Condition | undefined {
  return conditionsOf(object).find((condition) => condition.type === "Ready");
}

export function conditionsOf(object: ServedObject): readonly Condition[] {
  return "status" in object && object.status ? object.status.conditions : [];
}

function readyOrWhy(object: ServedObject): string {
  const condition = ready(object);
  if (condition === undefined) return "Unknown";
  return condition.status === "True" ? "True" : `${condition.status} (${condition.reason})`;
}

/** The reason of the worst condition. */
export function statusWord(object: ServedObject): string {
  const conditions = conditionsOf(object);
  const stalled = conditions.find((condition) => condition.type === "Stalled" && condition.status === "True");
  return (stalled ?? ready(object))?.reason ?? "Unknown";
}

export function labelsText(object: ServedObject): string {
  const labels = ("labels" in object.metadata && object.metadata.labels) || {};
  return (
    Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(",") || "-"
  );
}

/** Its status as its kind has it. */
export function statusOf<K extends keyof StatusByKind>(object: {
  readonly kind: K;
  readonly status?: AnyStatus;
}): StatusByKind[K] | undefined {
  return object.status as StatusByKind[K] | undefined; // the kind says which
}

function devicesOf(status: MembershipStatus | undefined): string {
  return status?.devices.join(",") || "-";
}

/** Whom it serves, or why it cannot. */
function resolverText(house: Of<"House">): string {
  const { resolver } = house.spec;
  if (resolver === undefined) return "off";
  const trouble = conditionsOf(house).find(({ type, status }) => type === "ResolverReady" && status === "False");
  return trouble?.reason ?? resolver.serve.join(",");
}

function nodesOf(status: HouseStatus | undefined): string {
  return status ? `${status.readyNodes}/${status.nodes}` : "-";
}
