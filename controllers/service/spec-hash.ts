// Fingerprints of what is baked into containers. What is left out here may change without restarting anything.
import { specHash } from "../../src/api/hash.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";

/**
 * Read anew at every look, never baked in. A health check is not among them: a wrong one would fail all that runs at once, where an update
 * that does not become healthy leaves the old instances serving.
 */
const LIVE: ReadonlySet<string> = new Set<keyof Container>(["pull", "after", "run", "stopGrace"]);

/** A field with this value is left out, so that a field that a release adds restarts nothing. Never change one. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  privileged: false,
  init: false,
  tty: false,
  readOnly: false,
  restart: "on-failure",
  network: "default",
};

/** The key of a revision: equal for specs whose containers are the same, and were to be made anew at the same moment. */
export function revisionHash(spec: ServiceSpec): string {
  const { restartedAt } = spec.update;
  const containers = Object.fromEntries(spec.containers.map((container) => [container.name, containerHash(spec, container)]));
  // No container has a name with a capital letter.
  return specHash({ ...containers, ...(restartedAt !== undefined && { restartedAt }) });
}

/** One container is on the shared bridge, several have a network of their own: that is baked in, too. */
export function containerHash(spec: ServiceSpec, container: Container): string {
  return specHash({ alone: spec.containers.length === 1, container: baked(container) });
}

function baked(container: Container): Readonly<Record<string, unknown>> {
  const fields = Object.entries(container).filter(([field, value]) => !LIVE.has(field) && !isEmpty(value) && DEFAULTS[field] !== value);
  return Object.fromEntries(fields);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && Object.keys(value).length === 0);
}
