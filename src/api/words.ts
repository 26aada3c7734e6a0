// What people write who come from compose or kubectl, and what it is called here. Pure.
import { closest } from "./names.ts";

/** Fields of other tools, without case and underscores, and ours. */
const CALLED: Readonly<Record<string, string>> = {
  environment: "env",
  dependson: "after",
  healthcheck: "health",
  networkmode: "network",
  ports: "listen",
  expose: "listen",
  stopgraceperiod: "stopGrace",
  terminationgraceperiodseconds: "stopGrace",
  memlimit: "resources",
  cpus: "resources",
  deploy: "resources",
  configs: "files",
  volumemounts: "volumes",
  args: "command",
  imagepullpolicy: "pull",
  pullpolicy: "pull",
  nodeselector: "placement",
  scale: "replicas",
  strategy: "update",
  gpus: "devices",
};

/** Fields that are refused with a reason of their own. */
const REFUSED: Readonly<Record<string, string>> = {
  namespace: "is unknown: a house has no namespaces, every name is there once; labels group things",
  schedule: "is not supported yet: run it from a timer with 'fossora exec'",
  networks: "is not needed: the containers of a Service share a private network, and Services find each other by name",
  links: "is not needed: the containers of a Service find each other by name",
  containername: "is not needed: the container is called after the Service",
  build: "is unknown: build the image with 'docker build' and name it in 'image'",
  envfile: "is unknown: write the variables in 'env'",
};

export interface Advice {
  readonly message: string;
  readonly suggestion?: string;
}

/** What to say about a field that is not known. */
export function adviseField(field: string, known: readonly string[]): Advice {
  const plain = field.toLowerCase().replace(/[_-]/g, "");
  const called = Object.hasOwn(CALLED, plain) ? CALLED[plain] : undefined;
  const same = known.find((name) => name.toLowerCase() === plain) ?? (called !== undefined && known.includes(called) ? called : undefined);
  const suggestion = same ?? closest(field, known);
  if (suggestion !== undefined) return { message: `unknown field '${field}': did you mean '${suggestion}'?`, suggestion };
  const refused = Object.hasOwn(REFUSED, plain) ? REFUSED[plain] : undefined;
  if (refused !== undefined) return { message: `'${field}' ${refused}` };
  return { message: `unknown field '${field}': ${known.length === 0 ? "none is expected here" : `known here are ${some(known)}`}` };
}

/** `'a'`, `'b'` or `'c'`. */
export function oneOf(values: readonly unknown[]): string {
  const quoted = values.map((value) => (typeof value === "string" ? `'${value}'` : String(value)));
  return quoted.length < 2 ? quoted.join("") : `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1) ?? ""}`;
}

const SHOWN_MAX = 8;

function some(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_MAX).join(", ");
  return names.length > SHOWN_MAX ? `${shown} and ${names.length - SHOWN_MAX} more` : shown;
}
