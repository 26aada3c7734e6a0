// Admission: manifests become one transaction, or nothing at all and every reason why not. What is decided is decided in src/api.
import { keysToRead, planApply, readStored, type ApplyPlan, type ApplyRefusal, type ReadEntry } from "../api/apply.ts";
import { PREFIX } from "../api/keys.ts";
import { parseManifests, type Manifest } from "../api/manifest.ts";
import type { Problem } from "../api/problem.ts";
import type { AnyResource, Kind, Name, StoredResource } from "../api/resource.ts";
import { parseSelector } from "../api/selector.ts";
import { ownVolumes } from "../api/volume-names.ts";
import type { ApplyAnswer, ApplyRequest, ApplyResult } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import { trimHistory } from "./history.ts";
import { parseJson } from "./http.ts";
import { seen } from "./own-writes.ts";
import type { ServerPorts } from "./ports.ts";
import { resourceOf } from "./view.ts";

export interface ApplyOptions {
  readonly manager: string;
  readonly dryRun: boolean;
  readonly force: boolean;
  /** What becomes of fields that nobody knows: they are left out, with a warning. */
  readonly leaveOutUnknown?: boolean;
  /** A label selector: the answer names what was applied before and is in none of the manifests. */
  readonly prune?: string;
}

/** Somebody else wrote one of the objects between our look and our write. */
const TRIES_MAX = 5;
const READS_AT_ONCE = 32;
/** etcd takes 8 MiB in one request (`--max-request-bytes`), and has words of its own around each key. */
const TRANSACTION_BYTES_MAX = 7.5 * 1024 * 1024;
const PRUNED: ReadonlySet<Kind> = new Set(["Service", "Route", "DnsRecord"]);
const MANAGER = /^[a-z0-9](?:[a-z0-9./-]{0,62}[a-z0-9])?$/;

/** `application/apply+json` for several files, `application/apply+yaml` for one text. Throws BadRequest. */
export function readApplyRequest(contentType: string | undefined, body: string, file = "-"): ApplyRequest {
  const type = (contentType ?? "").split(";")[0]?.trim();
  if (type === "application/apply+yaml" || type === "application/yaml") return { files: [{ file, text: body }] };
  if (type !== "application/apply+json")
    throw new ApiError("BadRequest", `Cannot apply "${contentType ?? "nothing"}": the content type should be application/apply+yaml.`);
  const request = parseJson(body);
  if (!isApplyRequest(request))
    throw new ApiError("BadRequest", 'Cannot read the apply: it should be {"files": [{"file": ..., "text": ...}]}.');
  return request;
}

/** Throws Invalid with all problems, Conflict or ManagedElsewhere, or what the store says. */
export async function applyManifests(
  ports: ServerPorts,
  request: ApplyRequest,
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<ApplyAnswer> {
  if (!MANAGER.test(options.manager))
    throw new ApiError(
      "BadRequest",
      `Cannot apply as "${options.manager}": a manager's name has lower-case letters, digits, dots, dashes and slashes.`,
    );
  const unknownFields = options.leaveOutUnknown === true ? "leave out" : "refuse";
  const { manifests, problems } = parseManifests(request.files, request.sources, unknownFields);
  if (problems.length > 0) throw invalid("Invalid", problems);
  if (manifests.length === 0) throw new ApiError("Invalid", "Cannot apply: there is no object in it.", { next: "fossora explain service" });
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const plan = await planOnce(ports, manifests, options, signal);
    const committed =
      options.dryRun || plan.transaction.writes.length === 0
        ? { committed: true, revision: ports.reader.revision }
        : await ports.store.commit(plan.transaction, signal);
    if (!committed.committed) continue;
    if (!options.dryRun) {
      trimHistory(
        ports,
        plan.results.filter(({ action }) => action === "configured"),
      );
      await seen(ports, committed.revision);
    }
    const orphans = options.prune === undefined ? undefined : await orphansOf(ports, plan, { ...options, prune: options.prune }, signal);
    return {
      kind: "ApplyResult",
      dryRun: options.dryRun,
      revision: committed.revision,
      results: plan.results.map((result) => resultOf(result, manifests, options.dryRun)),
      ...(orphans && { orphans }),
    };
  }
  throw new ApiError("Conflict", `Cannot apply: the objects were changed by others ${TRIES_MAX} times in between. Try again.`);
}

async function planOnce(
  ports: ServerPorts,
  manifests: readonly Manifest[],
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<ApplyPlan> {
  const entries = await readKeys(ports, keysToRead(manifests, options.manager), signal);
  const services = [...ports.reader.all("Service")];
  const plan = planApply(manifests, entries, {
    manager: options.manager,
    force: options.force,
    now: ports.clock.wall(),
    newUid: () => crypto.randomUUID(),
    ownerOfDerived: (kind: Kind, name: Name) => resourceOf(ports.reader, kind, name)?.metadata.owner,
    order: new Map(services.map(({ metadata, spec }) => [metadata.name, spec.after ?? []])),
    zone: zoneOf(ports),
    volumes: new Map(services.map(({ metadata, spec }) => [metadata.name, ownVolumes(metadata.name, spec)])),
  });
  const [first] = plan.refusals;
  if (first)
    throw invalid(
      reasonOf(plan.refusals),
      plan.refusals.map(({ problem }) => problem),
    );
  checkSize(plan.transaction);
  return plan;
}

/** An object is kept several times: as it is wanted, as it was said, and in its history. */
function checkSize({ compare, writes }: ApplyPlan["transaction"]): void {
  const texts = [...compare.map(({ key }) => key), ...writes.flatMap(({ put, value }) => [put, value])];
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= TRANSACTION_BYTES_MAX) return;
  const inMib = (each: number): string => `${(each / 1024 / 1024).toFixed(1)} MiB`;
  throw new ApiError(
    "TooLarge",
    `Cannot apply so much at once: the house would keep ${inMib(bytes)} of it, with what was written and its history, and takes ${inMib(TRANSACTION_BYTES_MAX)} at a time. Nothing was applied. Apply it in parts: fewer files, or fewer objects of a file.`,
  );
}

/** Of the only House; one whose stored value cannot be read stands in nobody's way, who may be about to mend it. */
function zoneOf({ reader }: ServerPorts): string {
  const [house] = reader.all("House");
  return house?.spec.zone ?? "";
}

/** Of this manager alone, and never what a house or a computer is: those are no apps. */
async function orphansOf(
  { store }: ServerPorts,
  { results }: ApplyPlan,
  { manager, prune }: ApplyOptions & { readonly prune: string },
  signal: AbortSignal,
): Promise<NonNullable<ApplyAnswer["orphans"]>> {
  const matches = parseSelector(prune);
  const { entries } = await store.list(PREFIX.desired, signal);
  const stored = entries.flatMap((entry) => (readStored(entry) as StoredResource | undefined) ?? []); // admission wrote it
  return stored
    .filter((each) => PRUNED.has(each.kind) && each.manager === manager && matches((key) => each.metadata.labels?.[key]))
    .filter((each) => !results.some(({ kind, name }) => kind === each.kind && name === each.metadata.name))
    .map(({ kind, metadata }) => ({ kind, name: metadata.name }));
}

async function readKeys(ports: ServerPorts, wanted: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, ReadEntry>> {
  const found = new Map<string, ReadEntry>();
  for (let at = 0; at < wanted.length; at += READS_AT_ONCE) {
    const entries = await Promise.all(wanted.slice(at, at + READS_AT_ONCE).map((key) => ports.store.get(key, signal)));
    for (const entry of entries) if (entry) found.set(entry.key, entry);
  }
  return found;
}

/** The one that a person must settle first. */
function reasonOf(refusals: readonly ApplyRefusal[]): ApplyRefusal["reason"] {
  return refusals.find(({ reason }) => reason !== "Invalid")?.reason ?? "Invalid";
}

function invalid(reason: ApplyRefusal["reason"], problems: readonly Problem[]): ApiError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return new ApiError(reason, `${count}; nothing was applied.`, { details: { causes: problems } });
}

function resultOf(result: ApplyPlan["results"][number], manifests: readonly Manifest[], dryRun: boolean): ApplyResult {
  const { kind, name, action, generation, stored } = result;
  const leftOut = manifests
    .filter(({ object }) => object.kind === kind && object.metadata.name === name)
    .flatMap(({ warnings }) => warnings);
  const warnings = [...leftOut, ...result.warnings];
  const { apiVersion, metadata, spec } = stored;
  const object = { apiVersion, kind, metadata: { ...metadata, generation, resourceVersion: "" }, spec } as AnyResource; // kind and spec belong together
  return { kind, name, action, generation, warnings, ...(dryRun && { object }) };
}

function isApplyRequest(value: unknown): value is ApplyRequest {
  if (typeof value !== "object" || value === null) return false;
  const { files, sources } = value as { readonly files?: unknown; readonly sources?: unknown }; // checked here
  const areFiles = Array.isArray(files) && files.every((each: unknown) => isTexts(each, ["file", "text"]));
  return areFiles && (sources === undefined || isTexts(sources, []));
}

function isTexts(value: unknown, fields: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((each) => typeof each === "string") &&
    fields.every((field) => Object.hasOwn(value, field))
  );
}
