// What marks a thing in Docker as Fossora's. Pure.

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
