// What `describe` is made of: the object, what follows from it, its last events, and what this node would do next.
import type { AnyResource } from "../api/resource.ts";
import type { Description, EventObject, ServedObject } from "../api/wire.ts";
import { StoreUnavailable } from "../api/errors.ts";
import { readEvents } from "./events.ts";
import type { ServerPorts } from "./ports.ts";
import { trafficOf } from "./traffic.ts";
import { serve } from "./view.ts";
import { pullsOf } from "./watch.ts";

const EVENTS_MAX = 10;

export async function describe(ports: ServerPorts, object: ServedObject, signal: AbortSignal): Promise<Description> {
  const { name } = object.metadata;
  const children = object.kind === "Event" || object.kind === "Instance" ? [] : descendants(ports, object);
  const about = new Set([`${object.kind}/${name}`, ...(object.kind === "Instance" ? [object.metadata.owner] : [])]);
  return {
    kind: "Description",
    object,
    children: children.map((child) => serve(ports, child)),
    events: (await eventsOrNone(ports, signal)).filter((event) => about.has(event.spec.object)).slice(-EVENTS_MAX),
    planned: object.kind === "Event" || object.kind === "Instance" ? [] : ports.statusReader.planned(object.kind, name),
    pulls: object.kind === "Service" ? pullsOf(ports, name) : [],
    ...(object.kind === "Route" && { traffic: await trafficOf(ports, name, signal) }),
    ...(object.kind === "Membership" && (await computerOf(ports, name, signal))),
  };
}

async function computerOf({ house }: ServerPorts, name: string, signal: AbortSignal): Promise<Pick<Description, "computer">> {
  const computer = (await house?.computers(signal))?.computers.find((each) => each.name === name);
  return computer === undefined ? {} : { computer };
}

/** Children and theirs: a Service has Routes, a Route a DnsRecord. */
export function descendants(
  ports: Pick<ServerPorts, "reader">,
  owner: { readonly kind: AnyResource["kind"]; readonly metadata: { readonly name: string } },
): readonly AnyResource[] {
  const reference = `${owner.kind}/${owner.metadata.name}`;
  const children: AnyResource[] = [...ports.reader.all("Route"), ...ports.reader.all("DnsRecord")].filter(
    (each) => each.metadata.owner === reference,
  );
  return children.flatMap((child) => [child, ...descendants(ports, child)]);
}

/** A store without quorum must not keep anyone from reading why. */
async function eventsOrNone(ports: ServerPorts, signal: AbortSignal): Promise<readonly EventObject[]> {
  try {
    return (await readEvents(ports.store, signal)).events;
  } catch (error) {
    if (error instanceof StoreUnavailable) return [];
    throw error;
  }
}
