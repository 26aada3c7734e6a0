// What marks a thing in Docker as Fossora's. Pure.
import type { Name } from "./resource.ts";

/** Labels on everything that Fossora makes in Docker; what lacks `kind` is never touched. */
export const LABEL = {
  kind: "fossora.dev/kind",
  name: "fossora.dev/name",
  instance: "fossora.dev/instance",
  container: "fossora.dev/container",
  specHash: "fossora.dev/spec-hash",
  /** What the manifest says of restarts: Docker's own policy may be another one meanwhile. */
  restart: "fossora.dev/restart",
} as const;

/** What the container of an instance is called in Docker. */
export function containerName(service: Name, instance: string, container: string): string {
  return service === container ? `${service}-${instance}` : `${service}-${instance}-${container}`;
}

/**
 * Labels alone say too little: what a person runs from a commit of an app's container has all of its labels, for they go into the image.
 * Its name is another one.
 */
export function isOwnContainer(name: string, labels: Readonly<Record<string, string>>): boolean {
  const { [LABEL.name]: service, [LABEL.instance]: instance, [LABEL.container]: container } = labels;
  if (service === undefined || instance === undefined || container === undefined) return false;
  return name === containerName(service, instance, container);
}
