// What a checked spec lacks of its stored form: one container written without `containers`, and fields that follow from others. Pure.
import { dnsLabel } from "./names.ts";
import type { Place } from "./problem.ts";
import { resolve, schemaOf, sub } from "../../schemas/schema.ts";
import type { Kind, Name, Specs } from "./resource.ts";
import type { Container, ContainerPort, DnsRecordSpec, Listen, RouteSpec, ServiceRoute, ServiceSpec } from "./types.ts";
import type { YamlEntry, YamlMapping } from "./yaml-node.ts";

/** Reports a problem of a field such as `spec.port`. */
export type Report = (field: string, message: string, suggestion?: string) => unknown;

export interface Hoisted {
  readonly spec: YamlMapping;
  /** It was written without `containers`. */
  readonly single: boolean;
  /** Fields of a container beside `containers`, where nobody could say whose they are. */
  readonly misplaced: readonly { readonly field: string; readonly place: Place }[];
}

/** A Service of one container, written without `containers`: its fields move into the one container, which has the Service's name. */
export function hoistContainer(spec: YamlMapping, name: Name): Hoisted {
  const fields = containerFields();
  const own = [...spec.entries].filter(([field]) => !fields.has(field));
  const moved = [...spec.entries].filter(([field]) => fields.has(field));
  const containers = spec.entries.get("containers")?.value;
  if (containers !== undefined && !(containers.kind === "scalar" && containers.value === null)) {
    return { spec: { ...spec, entries: new Map(own) }, single: false, misplaced: moved.map(([field, { key }]) => ({ field, place: key })) };
  }
  const { start, end } = spec;
  const label = dnsLabel(name, "app"); // a bad name is a problem of `metadata`, not of the container besides
  const [first] = spec.entries.values();
  const key = first?.key.start === start ? first.key : { start, end: start + 1 };
  const named: readonly [string, YamlEntry] = ["name", { key, value: { kind: "scalar", value: label, text: label, ...key } }];
  const container: YamlMapping = { kind: "mapping", entries: new Map([named, ...moved]), start, end };
  const list: YamlEntry = { key, value: { kind: "sequence", items: [container], start, end } };
  return { spec: { ...spec, entries: new Map([...own, ["containers", list]]) }, single: true, misplaced: [] };
}

function containerFields(): ReadonlySet<string> {
  const service = schemaOf("Service");
  const spec = resolve(sub(service, service.schema.properties?.["spec"] ?? {}));
  return new Set(
    Object.entries(spec.schema.properties ?? {})
      .filter(([, field]) => field["x-shorthand"] === true)
      .map(([field]) => field),
  );
}

/** Written specs lack what `x-stored` names. */
type Lacking<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>;
type WrittenPort = Lacking<ContainerPort, "container">;
type WrittenRoute = Omit<ServiceRoute, "host" | "port"> & { readonly host?: string; readonly port?: WrittenPort };
type WrittenListen = Lacking<Listen, "container" | "targetPort">;
export interface WrittenService extends Omit<ServiceSpec, "containers" | "port" | "routes" | "listen"> {
  /** Absent where a container could not be read, which was reported. */
  readonly containers?: readonly Container[];
  readonly port?: WrittenPort;
  readonly routes?: readonly WrittenRoute[];
  readonly listen?: readonly WrittenListen[];
}
export interface Written extends Omit<Specs, "Service" | "Route" | "DnsRecord"> {
  readonly Service: WrittenService;
  readonly Route: Lacking<RouteSpec, "to">;
  readonly DnsRecord: Lacking<DnsRecordSpec, "name">;
}

/** Undefined: something is missing that cannot be guessed (reported). */
export const complete: { readonly [K in Kind]: (spec: Written[K], name: Name, report: Report) => Specs[K] | undefined } = {
  Service: completeService,
  Route: completeRoute,
  DnsRecord: (spec, name) => ({ ...spec, name: spec.name ?? name }),
  Membership: (spec) => spec,
  House: (spec) => spec,
};

function completeService(spec: WrittenService, name: Name, report: Report): ServiceSpec | undefined {
  const { containers, port: written, routes, listen, ...rest } = spec;
  if (containers === undefined) return undefined;
  const owner = (field: string, example: string): string | undefined => {
    if (containers.length === 1) return containers[0]?.name;
    report(field, `must say which container it is of: try '${example}'`, example);
    return undefined;
  };
  const port = written && completePort(written, "spec.port", owner);
  const completeRoutes = routes?.map((route, index) => completeServiceRoute(route, { index, name, port, owner, report }));
  const completeListen = listen?.map((entry, index) => completeListenEntry(entry, `spec.listen[${index}]`, owner));
  if ((written && !port) || completeRoutes?.includes(undefined) || completeListen?.includes(undefined)) return undefined;
  return {
    containers,
    ...(port && { port }),
    ...(completeRoutes && { routes: completeRoutes.filter((route) => route !== undefined) }),
    ...(completeListen && { listen: completeListen.filter((entry) => entry !== undefined) }),
    ...rest,
  };
}

type Owner = (field: string, example: string) => string | undefined;

function completePort(written: WrittenPort, field: string, owner: Owner): ContainerPort | undefined {
  const container = written.container ?? owner(field, `web:${written.port}`);
  return container === undefined ? undefined : { container, port: written.port };
}

interface RouteSetting {
  readonly index: number;
  readonly name: Name;
  readonly port: ContainerPort | undefined;
  readonly owner: Owner;
  readonly report: Report;
}

function completeServiceRoute(route: WrittenRoute, { index, name, port, owner, report }: RouteSetting): ServiceRoute | undefined {
  const field = `spec.routes[${index}].port`;
  const own = route.port === undefined ? port : completePort(route.port, field, owner);
  if (own === undefined && route.port === undefined) report(field, "must say which port it leads to, here or in 'spec.port'");
  return own && { ...route, host: route.host ?? name, port: own };
}

function completeListenEntry(entry: WrittenListen, field: string, owner: Owner): Listen | undefined {
  const container = entry.container ?? owner(field, `${entry.port}:web:${entry.targetPort ?? entry.port}`);
  return container === undefined ? undefined : { ...entry, container, targetPort: entry.targetPort ?? entry.port };
}

function completeRoute(spec: Written["Route"], _name: Name, report: Report): RouteSpec | undefined {
  const to = spec.to ?? (spec.redirect && { url: spec.redirect.to });
  if (to === undefined) report("spec.to", "must have 'to', where it leads: try 'to: service/NAME'");
  return to && { ...spec, to };
}
