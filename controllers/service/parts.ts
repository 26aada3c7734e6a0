// The containers of decided instances, one by one: what the edge has to look at.
import { containerName, LABEL } from "../../src/api/labels.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { Part } from "./container-spec.ts";
import type { Container } from "./docker-types.ts";
import { jobKeys } from "./job-keys.ts";

/** Of all instances that are decided for a node. */
export function partsOn(node: NodeName, service: Name, decided: DecidedService | undefined): readonly Part[] {
  const here = (decided?.instances ?? []).filter((instance) => instance.node === node);
  return here.flatMap(({ id, revision }) => {
    const spec = decided?.revisions[revision]?.spec;
    return (spec?.containers ?? []).flatMap((container) => (spec === undefined ? [] : [{ service, instance: id, spec, container }]));
  });
}

export function nameOf({ service, instance, container }: Part): string {
  return containerName(service, instance, container.name);
}

export function isOf({ instance, container }: Part, docker: Container): boolean {
  return docker.instance === instance && docker.container === container.name;
}

/** Of one whose container is there: it is still to run, or to run again. */
export function isToStart({ container }: Part, { state, exitCode }: Container): boolean {
  return state === "created" || (state === "exited" && !(container.run === "once" && exitCode === 0));
}

/** The pulls that parts may have begun, each with its image. */
export function pullsOf(parts: readonly Part[]): readonly { readonly key: string; readonly image: string }[] {
  return parts.map(({ service, instance, container }) => ({
    key: jobKeys.pull(service, instance, container.image),
    image: container.image,
  }));
}

export function containerJobs(name: string): readonly string[] {
  return [jobKeys.create(name), jobKeys.start(name), jobKeys.remove(name)];
}

/** A Service's private networks among all that are Fossora's. */
export function networksOf(
  service: Name,
  all: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>> }[],
): readonly { readonly name: string; readonly instance: string }[] {
  return all.flatMap(({ name, labels }) => {
    const instance = labels[LABEL.instance];
    return labels[LABEL.name] === service && instance !== undefined ? [{ name, instance }] : [];
  });
}

/** Asking Docker for networks is spared where there can be none: one container is on the shared bridge. */
export function mayHaveNetworks(decided: DecidedService | undefined): boolean {
  return decided === undefined || Object.values(decided.revisions).some(({ spec }) => spec.containers.length > 1);
}

/** The container that an action names; undefined: it is decided otherwise meanwhile. */
export function findPart(
  { service, instance, container }: { readonly service: Name; readonly instance: string; readonly container: string },
  decided: DecidedService | undefined,
): Part | undefined {
  const node = decided?.instances.find(({ id }) => id === instance)?.node;
  const parts = node === undefined ? [] : partsOn(node, service, decided);
  return parts.find((part) => part.instance === instance && part.container.name === container);
}
