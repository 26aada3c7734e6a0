// What an apply would do, decided before anything is written: one transaction for all objects, or every reason against it. Pure: the
// server reads the keys, commits, and tries again where a compare failed.
import { circleFrom } from "./circle.ts";
import { readSpec, type AnyManifestObject } from "./document.ts";
import { canonicalJson } from "./hash.ts";
import { keys } from "./keys.ts";
import type { Manifest } from "./manifest.ts";
import { merge } from "./merge.ts";
import { closest, lengthProblem } from "./names.ts";
import type { Problem, ProblemPlace } from "./problem.ts";
import type { Kind, Metadata, Name, StoredResource } from "./resource.ts";
import { rootReasons, secretsOf, whySeveralMayHarm } from "./service-rules.ts";
import type { DnsRecordSpec, HouseSpec, ServiceSpec } from "./types.ts";
import { ownVolume, ownVolumes } from "./volume-names.ts";

/** A key of the store as it was read. */
export interface ReadEntry {
  readonly key: string;
  readonly value: string;
  readonly version: number;
  readonly modRevision: number;
}

/** What a manager applied last, under `applied/<Kind>/<name>/<manager>`. */
export interface AppliedRecord {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** Expanded, without defaults: what this manager really says. */
  readonly spec: unknown;
  readonly file: string;
  readonly line: number;
  /** As it was written. */
  readonly text: string;
}

/** What is stored under `history/<Kind>/<name>/<generation>`. */
export interface HistoryEntry<K extends Kind = Kind> extends StoredResource<K> {
  /** The spec of its manager's AppliedRecord then; earlier releases kept none. */
  readonly applied?: unknown;
}

export interface ApplyContext {
  readonly manager: string;
  /** Take objects over from other managers. */
  readonly force: boolean;
  /** RFC 3339, the server's. */
  readonly now: string;
  newUid(): string;
  /** The owner (`Service/jellyfin`) of the derived object of that name. */
  ownerOfDerived(kind: Kind, name: Name): string | undefined;
  /** All Services that there are, with those that each comes after. */
  readonly order: ReadonlyMap<Name, readonly Name[]>;
  /** The Volumes that each of them mounts as its own. */
  readonly volumes: ReadonlyMap<Name, readonly Name[]>;
  readonly zone: string;
}

export interface PlannedApply {
  readonly kind: Kind;
  readonly name: Name;
  readonly action: "created" | "configured" | "unchanged";
  readonly generation: number;
  readonly stored: StoredResource;
  readonly warnings: readonly string[];
}

export interface ApplyRefusal {
  readonly reason: "Conflict" | "ManagedElsewhere" | "Invalid";
  readonly problem: Problem;
}

export interface ApplyPlan {
  readonly results: readonly PlannedApply[];
  /** Any of these: nothing is written. */
  readonly refusals: readonly ApplyRefusal[];
  /** Empty writes: everything is as it should be. */
  readonly transaction: {
    readonly compare: readonly { readonly key: string; readonly modRevision: number }[];
    readonly writes: readonly { readonly put: string; readonly value: string }[];
  };
}

/** Made by the house itself when a computer joins; a person's apply takes it over. */
const HOUSE_MANAGER = "agent";

/** The keys that `planApply` must be given; both are compared, so they need not be read at one revision. */
export function keysToRead(manifests: readonly Manifest[], manager: string): readonly string[] {
  return manifests.flatMap(({ object: { kind, metadata } }) => [
    keys.desired(kind, metadata.name),
    keys.applied(kind, metadata.name, manager),
  ]);
}

export function planApply(manifests: readonly Manifest[], entries: ReadonlyMap<string, ReadEntry>, context: ApplyContext): ApplyPlan {
  const plans = manifests.map((manifest) => planObject(manifest, entries, context));
  const results = plans.flatMap(({ result }) => (result === undefined ? [] : [result]));
  const order = new Map([...context.order, ...results.flatMap(({ stored }) => placeInOrder(stored))]);
  const refusals = [
    ...plans.flatMap((plan) => plan.refusals),
    ...circles(manifests, results, order),
    ...sharedVolumes(manifests, results, context),
    ...longNames(manifests, results, context),
  ];
  if (refusals.length > 0) return { results: [], refusals, transaction: { compare: [], writes: [] } };
  return {
    results: results.map((result) => ({ ...result, warnings: [...result.warnings, ...unknownBefore(result.stored, order)] })),
    refusals,
    transaction: { compare: plans.flatMap(({ compare }) => compare), writes: plans.flatMap(({ writes }) => writes) },
  };
}

function placeInOrder({ kind, metadata, spec }: StoredResource): readonly (readonly [Name, readonly Name[]])[] {
  return kind === "Service" ? [[metadata.name, (spec as ServiceSpec).after ?? []]] : []; // the kind says so
}

/** One for each circle that a changed object is in: what two people wrote at the same moment stands in nobody's way here. */
function circles(
  manifests: readonly Manifest[],
  results: readonly PlannedApply[],
  order: ReadonlyMap<Name, readonly Name[]>,
): readonly ApplyRefusal[] {
  const told = new Set<Name>();
  return manifests.flatMap(({ at, object: { kind, metadata } }): readonly ApplyRefusal[] => {
    const { name } = metadata;
    const isChanged = results.some((each) => each.kind === kind && each.name === name && each.action !== "unchanged");
    const circle = kind === "Service" && isChanged && !told.has(name) ? circleFrom(name, (each) => order.get(each) ?? []) : undefined;
    if (circle === undefined) return [];
    for (const each of circle) told.add(each);
    const message = `must not go in a circle: ${circle.join(" waits for ")}`;
    return [{ reason: "Invalid", problem: { ...at, field: "spec.after", message, kind, name } }];
  });
}

/** Of a Volume that two Services would take for their own one is told that changes; what nobody changes goes on. */
function sharedVolumes(
  manifests: readonly Manifest[],
  results: readonly PlannedApply[],
  { volumes }: ApplyContext,
): readonly ApplyRefusal[] {
  const services = results.flatMap(
    ({ stored, action }) => (stored.kind === "Service" ? [{ name: stored.metadata.name, spec: stored.spec as ServiceSpec, action }] : []), // the kind says so
  );
  const all = new Map([...volumes, ...services.map(({ name, spec }) => [name, ownVolumes(name, spec)] as const)]);
  const told = new Set<Name>();
  return services.flatMap(({ name, spec, action }) => {
    const at = manifests.find(({ object }) => object.kind === "Service" && object.metadata.name === name)?.at;
    if (at === undefined || action === "unchanged") return [];
    return ownMounts(spec).flatMap(({ mount, field }): readonly ApplyRefusal[] => {
      const volume = ownVolume(name, mount);
      const [other] = [...all].find(([service, names]) => service !== name && names.includes(volume)) ?? [];
      if (other === undefined || told.has(volume)) return [];
      told.add(volume);
      const message = `its Volume would be '${volume}', which is that of the Service '${other}': two apps would write into one folder; take another name than '${mount}'`;
      return [{ reason: "Invalid", problem: { ...at, field, message, kind: "Service", name } }];
    });
  });
}

/** A record's name may have several labels, which only fit before a short zone. */
function longNames(manifests: readonly Manifest[], results: readonly PlannedApply[], context: ApplyContext): readonly ApplyRefusal[] {
  const house = results.find(({ kind }) => kind === "House")?.stored.spec as HouseSpec | undefined; // the kind says so
  const zone = house?.zone ?? context.zone;
  return manifests.flatMap(({ at, object: { kind, metadata } }): readonly ApplyRefusal[] => {
    const result = results.find((each) => each.kind === kind && each.name === metadata.name);
    if (kind !== "DnsRecord" || result === undefined || result.action === "unchanged") return [];
    const record = result.stored.spec as DnsRecordSpec; // as above
    const problem = record.name.endsWith(".") ? undefined : lengthProblem(`${record.name}.${zone}`);
    if (problem === undefined) return [];
    const message = `${problem} with the zone '${zone}' after it`;
    return [{ reason: "Invalid", problem: { ...at, field: "spec.name", message, kind, name: metadata.name } }];
  });
}

function ownMounts({ containers }: ServiceSpec): readonly { readonly mount: string; readonly field: string }[] {
  return containers.flatMap(({ volumes = [] }, index) =>
    volumes.flatMap((mount, at) =>
      mount.type === "volume" ? [{ mount: mount.name, field: `spec.containers[${index}].volumes[${at}]` }] : [],
    ),
  );
}

/** Manifests come in any order: what is not there yet may come. */
function unknownBefore(stored: StoredResource, order: ReadonlyMap<Name, readonly Name[]>): readonly string[] {
  return placeInOrder(stored).flatMap(([, after]) =>
    after
      .filter((name) => !order.has(name))
      .map((name) => {
        const meant = closest(name, order.keys());
        return `comes after '${name}', and there is no such Service yet${meant === undefined ? "" : `: did you mean '${meant}'?`}`;
      }),
  );
}

interface ObjectPlan {
  readonly result?: PlannedApply;
  readonly refusals: readonly ApplyRefusal[];
  readonly compare: ApplyPlan["transaction"]["compare"];
  readonly writes: ApplyPlan["transaction"]["writes"];
}

function planObject(manifest: Manifest, entries: ReadonlyMap<string, ReadEntry>, context: ApplyContext): ObjectPlan {
  const { object, at } = manifest;
  const {
    kind,
    metadata: { name },
  } = object;
  const desired = entries.get(keys.desired(kind, name));
  const applied = entries.get(keys.applied(kind, name, context.manager));
  const live = desired && (readStored(desired) as StoredResource | undefined); // admission wrote it
  const refusal = refuse(object, { live, desired }, context);
  if (refusal !== undefined) return refused(at, object, [refusal]);
  const merged = mergeObject(object, live, applied && (readStored(applied) as AppliedRecord | undefined), context); // admission wrote it
  if ("findings" in merged)
    return refused(
      at,
      object,
      merged.findings.map(({ field, message }) => ({
        reason: "Invalid",
        field,
        message: `${message}; what is there besides was set by others`,
      })),
    );
  const { stored, keeps = [] } = merged;
  const same = live !== undefined && canonicalJson(stored) === canonicalJson(live);
  const version = desired?.version ?? 0;
  const generation = same ? version : version + 1;
  const record = recordOf(manifest);
  const isRecorded = canonicalJson(record) === applied?.value;
  const history: HistoryEntry = { ...stored, applied: record.spec };
  const writes = [
    ...(same ? [] : [{ put: keys.desired(kind, name), value: canonicalJson(stored) }]),
    ...(same && isRecorded ? [] : [{ put: keys.history(kind, name, generation), value: canonicalJson(history) }]),
    ...(isRecorded ? [] : [{ put: keys.applied(kind, name, context.manager), value: canonicalJson(record) }]),
  ];
  const action = desired === undefined ? "created" : same ? "unchanged" : "configured";
  return {
    result: {
      kind,
      name,
      action,
      generation,
      stored,
      warnings: [...keptOf(keeps), ...warningsOf(stored, desired === undefined ? context.ownerOfDerived(kind, name) : undefined)],
    },
    refusals: [],
    compare: [
      { key: keys.desired(kind, name), modRevision: desired?.modRevision ?? 0 },
      // Two applies of one manager at once: the second must merge with what the first one says.
      { key: keys.applied(kind, name, context.manager), modRevision: applied?.modRevision ?? 0 },
    ],
    writes,
  };
}

/** What admission wrote; undefined where it is no JSON any more, and is to be mended by what is applied now. */
export function readStored({ value }: Pick<ReadEntry, "value">): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

interface Refused {
  readonly reason: ApplyRefusal["reason"];
  readonly field: string;
  readonly message: string;
}

function refuse(
  object: AnyManifestObject,
  { live, desired }: { readonly live: StoredResource | undefined; readonly desired: ReadEntry | undefined },
  context: ApplyContext,
): Refused | undefined {
  // What is gone is brought back by what was saved of it: nobody's change is lost.
  if (object.resourceVersion !== undefined && desired !== undefined && object.resourceVersion !== String(desired.modRevision)) {
    return {
      reason: "Conflict",
      field: "metadata.resourceVersion",
      message: `must be the version that is there: it is ${desired.modRevision} now, somebody changed it meanwhile`,
    };
  }
  if (live === undefined || live.manager === context.manager || live.manager === HOUSE_MANAGER || context.force) return undefined;
  return {
    reason: "ManagedElsewhere",
    field: "metadata.name",
    message: `is managed by '${live.manager}', which would set it back: change it there, or take it over with --force`,
  };
}

function refused(at: ProblemPlace, { kind, metadata: { name } }: AnyManifestObject, refusals: readonly Refused[]): ObjectPlan {
  return {
    refusals: refusals.map(({ reason, field, message }) => ({ reason, problem: { ...at, field, message, kind, name } })),
    compare: [],
    writes: [],
  };
}

interface MergedObject {
  readonly stored: StoredResource;
  /** Fields that this manager named before and does not name now, and that stay. */
  readonly keeps?: readonly string[];
}

type Merged = MergedObject | { readonly findings: readonly { readonly field: string; readonly message: string }[] };

function mergeObject(
  object: AnyManifestObject,
  live: StoredResource | undefined,
  last: AppliedRecord | undefined,
  context: ApplyContext,
): Merged {
  const {
    apiVersion,
    kind,
    metadata: { name, labels, annotations },
    written,
  } = object;
  // There is one House, and its settings are in the files of several apps: what one of them does not name is another one's.
  const before = kind === "House" ? undefined : last;
  const whole = (base: StoredResource): unknown =>
    kind === "House" ? mergeHouse(object, base.spec) : merge(before?.spec, base.spec, written);
  const { spec, findings } = live === undefined ? { spec: object.spec, findings: [] } : readSpec(kind, name, whole(live));
  if (spec === undefined || findings.length > 0) return { findings };
  const metadata: StoredResource["metadata"] = {
    name,
    ...mergedTexts("labels", [before?.labels, live?.metadata.labels, labels]),
    ...mergedTexts("annotations", [before?.annotations, live?.metadata.annotations, annotations]),
    uid: live?.metadata.uid ?? context.newUid(),
    creationTimestamp: live?.metadata.creationTimestamp ?? context.now,
  };
  const stored = { apiVersion, kind, metadata, spec, manager: context.manager };
  if (kind !== "House" || live === undefined) return { stored };
  const named = new Set([...Object.keys(written), ...(object.cleared ?? [])]);
  return { stored, keeps: Object.keys(last?.spec ?? {}).filter((field) => !named.has(field) && Object.hasOwn(live.spec, field)) };
}

/** Field by field, each as a whole: a resolver is one thing. */
function mergeHouse({ written, cleared = [] }: AnyManifestObject, live: object): object {
  return Object.fromEntries(Object.entries({ ...live, ...written }).filter(([field]) => !cleared.includes(field)));
}

function keptOf(fields: readonly string[]): readonly string[] {
  return fields.length === 0 ? [] : [`keeps ${fields.map((field) => `'${field}'`).join(", ")} of an earlier file`];
}

type Texts = Readonly<Record<string, string>> | undefined;

function mergedTexts(
  field: "labels" | "annotations",
  [last, live, next]: readonly [Texts, Texts, Texts],
): Pick<Metadata, "labels" | "annotations"> {
  const merged = merge(last ?? {}, live ?? {}, next ?? {}) as NonNullable<Texts>; // of three maps of texts
  return Object.keys(merged).length === 0 ? {} : { [field]: merged };
}

function recordOf({ object, at, text }: Manifest): AppliedRecord {
  const {
    metadata: { labels, annotations },
    written,
  } = object;
  return { ...(labels && { labels }), ...(annotations && { annotations }), spec: written, file: at.file, line: at.line, text };
}

function warningsOf(stored: StoredResource, derivedFrom: string | undefined): readonly string[] {
  const service = stored.kind === "Service" ? (stored.spec as ServiceSpec) : undefined; // the kind says so
  const root = service === undefined ? [] : rootReasons(service);
  const secrets = new Set((service?.containers ?? []).flatMap(secretsOf));
  const harm = service && whySeveralMayHarm(service);
  return [
    ...(harm === undefined ? [] : [harm]),
    ...[...secrets].map((name) => `names the secret '${name}', and this release keeps no secrets: it waits for it`),
    ...(root.length === 0 ? [] : [`has the rights of root on its node: ${root.join(", ")}`]),
    ...(derivedFrom === undefined ? [] : [`takes the place of the one that follows from ${derivedFrom}`]),
  ];
}
