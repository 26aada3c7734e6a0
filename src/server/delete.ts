// Deleting an object: what it says goes with it, what stays, and what cannot be deleted because it follows from something else.
import { readStored } from "../api/apply.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { AnyResource, Kind, Name, StoredResource } from "../api/resource.ts";
import { reference } from "../api/kinds.ts";
import { ownVolume } from "../api/volume-names.ts";
import type { DeleteAnswer } from "../api/wire.ts";
import type { Entry, Write } from "../ports.ts";
import { ApiError } from "./api-error.ts";
import { descendants } from "./describe.ts";
import { trimmedHistory } from "./history.ts";
import { notFound } from "./not-found.ts";
import { seen } from "./own-writes.ts";
import type { ServerPorts } from "./ports.ts";
import { resourceOf } from "./view.ts";

/** Made when a computer joined: whoever manages it, a person may delete it. */
const HOUSE_MANAGER = "agent";

export interface DeleteRequest {
  readonly kind: Kind;
  readonly name: Name;
  readonly manager: string;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** A write in between means that the person decided on something else: they are told, once. */
export async function deleteObject(ports: ServerPorts, request: DeleteRequest, signal: AbortSignal): Promise<DeleteAnswer> {
  const { kind, name } = request;
  const key = keys.desired(kind, name);
  const entry = await ports.store.get(key, signal);
  mayDelete(ports, request, entry);
  // A node is more than its object: it leaves the house in the same moment, or not at all; it may be there, or have certificates, without one.
  const removal =
    kind === "Membership" && ports.house !== undefined ? await ports.house.removal(name, signal) : { compare: [], writes: [] };
  if (entry === undefined && removal.writes.length === 0) throw notStored(ports, kind, name);
  const isReadable = entry === undefined || readStored(entry) !== undefined;
  const resource = isReadable ? resourceOf(ports.reader, kind, name) : undefined;
  const answer: DeleteAnswer = {
    kind: "DeleteResult",
    deleted: [{ kind, name }],
    goes: resource ? descendants(ports, resource).map((child) => reference(child.kind, child.metadata.name)) : [],
    stays: resource ? staysOf(resource) : [],
  };
  if (request.dryRun) return answer;
  const [applied, history] = await Promise.all([
    ports.store.list(`${PREFIX.applied}${kind}/${name}/`, signal),
    trimmedHistory(ports.store, kind, name, signal),
  ]);
  const gone = [key, ...applied.entries.map(({ key }) => key), ...history];
  const writes: readonly Write[] = [...gone.map((key) => ({ delete: key })), ...removal.writes];
  const compare = [{ key, modRevision: entry?.modRevision ?? 0 }, ...removal.compare];
  const { committed, revision } = await ports.store.commit({ compare, writes }, signal);
  if (!committed) throw changedMeanwhile(kind, name);
  await seen(ports, revision);
  return answer;
}

/** Throws the reason why not. */
function mayDelete(ports: ServerPorts, { kind, name, manager, force }: DeleteRequest, entry: Entry | undefined): void {
  if (kind === "House")
    throw new ApiError("Forbidden", "Cannot delete the house's own settings: every house has them. Apply other ones instead.", {
      next: "fossora explain house.spec",
    });
  if (kind === "Membership" && ports.reader.fresh && isThisNode(ports, name)) {
    throw new ApiError("Forbidden", `Cannot delete node/${name}: this computer is it. It leaves the house by itself.`, {
      next: "fossora leave",
    });
  }
  if (entry === undefined) return;
  const owner = (readStored(entry) as StoredResource | undefined)?.manager; // admission wrote it
  if (owner === undefined && !force)
    throw new ApiError("Conflict", `Cannot delete ${reference(kind, name)}: what is stored of it cannot be read, nor who manages it.`, {
      next: `fossora delete ${reference(kind, name)} --force`,
    });
  if (owner !== manager && owner !== HOUSE_MANAGER && !force) {
    throw new ApiError("ManagedElsewhere", `Cannot delete ${reference(kind, name)}: "${owner}" manages it, and would make it again.`, {
      next: `fossora delete ${reference(kind, name)} --force`,
    });
  }
}

function changedMeanwhile(kind: Kind, name: Name): ApiError {
  return new ApiError(
    "Conflict",
    `Cannot delete ${reference(kind, name)}: somebody changed it just now. Look at it, then delete it again.`,
    { next: `fossora describe ${reference(kind, name)}` },
  );
}

function isThisNode(ports: ServerPorts, name: Name): boolean {
  return ports.identity.node === name;
}

/** A derived object names what to change instead; anything else is not there. */
function notStored(ports: ServerPorts, kind: Kind, name: Name): ApiError {
  const owner = resourceOf(ports.reader, kind, name)?.metadata.owner;
  if (owner === undefined) return notFound(ports, kind, name, "delete");
  const field = kind === "Route" ? "spec.port, spec.routes (`routes: []` hides the app) or spec.listen" : "spec.host";
  return new ApiError(
    "Conflict",
    `Cannot delete ${reference(kind, name)}: it follows from ${owner.toLowerCase()}. Change ${field} there.`,
    { next: `fossora get ${owner.toLowerCase()} -o yaml` },
  );
}

/** Data outlives the app that used it. */
function staysOf(resource: AnyResource): readonly string[] {
  if (resource.kind === "Membership") return [`data on ${resource.metadata.name}`];
  if (resource.kind !== "Service") return [];
  return resource.spec.containers.flatMap((container) =>
    (container.volumes ?? []).flatMap((mount) => {
      if (mount.type === "volume") return [`volume ${ownVolume(resource.metadata.name, mount.name)} (${container.name}:${mount.path})`];
      if (mount.type === "shared") return [`volume ${mount.name}`];
      return mount.readOnly ? [] : [`folder ${mount.source}`];
    }),
  );
}
