// Reading objects: one, a list in pages, or a watch; chosen by labels and fields.
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseSelector } from "../api/selector.ts";
import { API_VERSION, type Name } from "../api/resource.ts";
import type { ServedKindNames } from "../api/kinds.ts";
import type { EventObject, ObjectList, ServedObject } from "../api/wire.ts";
import { readEvents, watchEvents } from "./events.ts";
import { JsonLines } from "./http.ts";
import { notFound } from "./not-found.ts";
import type { ServerPorts } from "./ports.ts";
import { continueToken, count, flag, page } from "./query.ts";
import { viewAll, viewOne, type ViewKind } from "./view.ts";
import type { WatchHub } from "./watch.ts";

type Matches = (object: ServedObject) => boolean;

/** Throws UserError when a selector cannot be read. */
function matcher(query: URLSearchParams): Matches {
  const labels = parseSelector(query.get("labelSelector") ?? "");
  const fields = parseSelector(query.get("fieldSelector") ?? "");
  return (object) => labels((key) => labelsOf(object)[key]) && fields((path) => fieldText(object, path));
}

export async function readOne(ports: ServerPorts, names: ServedKindNames, name: Name, signal: AbortSignal): Promise<ServedObject> {
  const found =
    names.kind === "Event"
      ? (await readEvents(ports.store, signal)).events.find((event) => event.metadata.name === name)
      : viewOne(ports, names.kind, name);
  if (!found) throw notFound(ports, names.kind, name, "show");
  return found;
}

export async function list(ports: ServerPorts, names: ServedKindNames, query: URLSearchParams, signal: AbortSignal): Promise<ObjectList> {
  const matches = matcher(query);
  const { limit, after } = page(query);
  const { objects, revision } =
    names.kind === "Event"
      ? await eventsAsObjects(ports, signal)
      : { objects: viewAll(ports, names.kind), revision: ports.reader.revision };
  const rest = objects.filter((object) => matches(object) && (after === undefined || object.metadata.name > after));
  const items = limit === undefined ? rest : rest.slice(0, limit);
  const last = items.length < rest.length ? items.at(-1) : undefined;
  return {
    apiVersion: API_VERSION,
    kind: `${names.kind}List`,
    metadata: { revision, ...(last && { continue: continueToken(last.metadata.name) }), ...(!ports.reader.fresh && { stale: true }) },
    items,
  };
}

async function eventsAsObjects(
  ports: ServerPorts,
  signal: AbortSignal,
): Promise<{ readonly objects: readonly EventObject[]; readonly revision: number }> {
  const { events, revision } = await readEvents(ports.store, signal);
  return { objects: events, revision };
}

export interface WatchContext {
  readonly hub: WatchHub;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly signal: AbortSignal;
}

export async function watch(ports: ServerPorts, names: ServedKindNames, query: URLSearchParams, context: WatchContext): Promise<void> {
  const matches = matcher(query);
  const since = count(query, "resourceVersion");
  if (names.kind === "Event") {
    await watchEvents(ports.store, new JsonLines(context.response), { matches, ...(since !== undefined && { since }) }, context.signal);
    return;
  }
  const kind: ViewKind = names.kind;
  // Refused before the stream begins: an Expired is an answer with its own code.
  context.hub.admit(kind, since);
  const options = { kind, matches, pulls: flag(query, "progress"), ...(since !== undefined && { since }) };
  const end = context.hub.watch(options, new JsonLines(context.response));
  context.signal.addEventListener("abort", end, { once: true });
}

function labelsOf(object: ServedObject): Readonly<Record<string, string>> {
  return ("labels" in object.metadata && object.metadata.labels) || {};
}

/** `spec.service`, `metadata.name`; undefined where nothing is, or where it is no plain value. */
function fieldText(object: ServedObject, path: string): string | undefined {
  let value: unknown = object;
  for (const part of path.split("."))
    value = typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[part] : undefined; // an object of JSON
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}
