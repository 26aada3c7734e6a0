// The apps that `uninstall` leaves on this computer: what Docker is told of each, since no agent starts anything here any more. Pure.
import type { ContainerProcess } from "../adapters/dockerode/view.ts";

export interface LeftApps {
  readonly policies: readonly { readonly id: string; readonly policy: "unless-stopped" | "no" }[];
  /** Names of those that Docker starts by itself from now on. */
  readonly started: readonly string[];
  /** Names of the others. */
  readonly unstarted: readonly string[];
}

/**
 * What ran is started by Docker from now on, whatever its policy was while an agent saw to its order, but for a person's own `restart: no`; what
 * has ended stays so. `isShared`: other computers run the same apps from now on, so that none is started here.
 */
export function leftApps(containers: readonly ContainerProcess[], { isShared }: { readonly isShared: boolean }): LeftApps {
  const isStarted = (each: ContainerProcess): boolean => !isShared && each.pid > 0 && (each.wantedRestart ?? each.restartPolicy) !== "no";
  const policyOf = (each: ContainerProcess): "unless-stopped" | "no" | undefined =>
    isStarted(each) ? "unless-stopped" : isShared ? "no" : undefined;
  return {
    policies: containers.flatMap((each) => {
      const policy = policyOf(each);
      return policy === undefined || policy === each.restartPolicy ? [] : [{ id: each.id, policy }];
    }),
    started: containers.filter(isStarted).map(({ name }) => name),
    unstarted: containers.filter((each) => !isStarted(each)).map(({ name }) => name),
  };
}
