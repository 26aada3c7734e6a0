// What the demo made on this machine, so that `stop` removes that and nothing else; and what of Fossora is in Docker.
import { engineRequest, type StartedEngine } from "./engine.ts";

export interface Made {
  readonly engine?: StartedEngine;
  readonly image?: true;
  /** `started`: the house was here and did not run. Absent: it ran already. */
  readonly house?:
    | { readonly kind: "started" }
    | {
        readonly kind: "made";
        readonly dataDir: string;
        readonly runDir: string;
        readonly before: OwnedThings;
      };
  readonly service?: true;
}

/** Names of what carries Fossora's labels in Docker. */
export interface OwnedThings {
  readonly containers: readonly string[];
  readonly networks: readonly string[];
  readonly volumes: readonly string[];
}

const filter = `filters=${encodeURIComponent(JSON.stringify({ label: ["fossora.dev/kind"] }))}`;

export async function ownedThings(): Promise<OwnedThings> {
  const read = async (target: string): Promise<unknown> => JSON.parse((await engineRequest("GET", target)).body);
  // Docker's API: the shapes are in its reference.
  const containers = (await read(`/containers/json?all=1&${filter}`)) as readonly { readonly Id: string }[];
  const networks = (await read(`/networks?${filter}`)) as readonly { readonly Id: string }[];
  const volumes = (await read(`/volumes?${filter}`)) as { readonly Volumes: readonly { readonly Name: string }[] | null };
  return {
    containers: containers.map(({ Id }) => Id),
    networks: networks.map(({ Id }) => Id),
    volumes: (volumes.Volumes ?? []).map(({ Name }) => Name),
  };
}

/** Removes what came after `before`. Answers how many things there were. */
export async function removeOwned(before: OwnedThings): Promise<number> {
  const { containers, networks, volumes } = await ownedThings();
  const targets = [
    ...containers.filter((id) => !before.containers.includes(id)).map((id) => `/containers/${id}?force=1&v=1`),
    ...networks.filter((id) => !before.networks.includes(id)).map((id) => `/networks/${id}`),
    ...volumes.filter((name) => !before.volumes.includes(name)).map((name) => `/volumes/${name}`),
  ];
  for (const target of targets) {
    const { status, body } = await engineRequest("DELETE", target);
    if (status >= 300 && status !== 404) throw new Error(`Docker did not remove ${target}: ${body}`);
  }
  return targets.length;
}
