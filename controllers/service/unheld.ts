// What an app keeps in folders that no volume holds: Docker removes it along with the container. Said of an app that runs well, before it is lost.
import type { Condition } from "../../src/api/resource.ts";
import type { ObservedInstance } from "../../src/api/state.ts";
import type { LocalFacts } from "./facts.ts";

/** As its engine tells of each container, or as was told before where it is silent. */
export function withUnheld(observed: ObservedInstance, { containers, reported }: LocalFacts): ObservedInstance {
  const told = reported?.value.instances.flatMap((instance) => instance.containers) ?? [];
  const unheld = new Map((containers ?? told).map((container) => [container.id, container.unheld]));
  return {
    ...observed,
    containers: observed.containers.map((container) => {
      const folders = unheld.get(container.id);
      return container.id === undefined || folders === undefined ? container : { ...container, unheld: folders };
    }),
  };
}

/** Undefined: all that its images declare as data is held, or may go as `tmpfs` says. */
export function unheldCondition(instances: readonly ObservedInstance[]): Condition | undefined {
  const isOne = instances.every(({ containers }) => containers.length === 1);
  const folders = instances.flatMap(({ containers }) =>
    containers.flatMap(({ name, unheld = [] }) => unheld.map((folder) => (isOne ? folder : `${folder} of '${name}'`))),
  );
  const [first] = instances.flatMap(({ containers }) => containers.flatMap(({ unheld = [] }) => unheld));
  if (first === undefined) return undefined;
  const message =
    `What it keeps in ${[...new Set(folders)].sort().join(" and ")} is in no volume: it goes when its container is made anew, by an edit, an update or a failover. ` +
    `Say where it is to stay, such as volumes: ["${mountName(first)}:${first}"], which begins empty, or that it may go: tmpfs: ["${first}"]`;
  return { type: "DataHeld", status: "False", reason: "NoVolume", message };
}

/** After the folder, as far as a mount may be called so. */
function mountName(folder: string): string {
  return (
    folder
      .toLowerCase()
      .split("/")
      .findLast((part) => /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(part)) ?? "data"
  );
}
