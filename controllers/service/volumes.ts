// What the store remembers of local Volumes: where each lies, whose it is, and whether its directory was ever made.
import type { Name } from "../../src/api/resource.ts";
import type { DecidedService, DecidedVolume } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { isCalledAfter, ownVolumes } from "../../src/api/volume-names.ts";
import type { Index, Mirror } from "../../src/engine/contract.ts";
import type { HouseFacts } from "./facts.ts";

export function readVolume(entry: { readonly value: string } | undefined): DecidedVolume | undefined {
  return entry && (JSON.parse(entry.value) as DecidedVolume); // written by decisions and by `withMade` alone
}

/** By the Volumes of its own that a decision has and that nobody has claimed. */
const byUnclaimed: Index = {
  kind: "Service",
  room: "decided",
  keys: ({ volumes = {} }: DecidedService, name) =>
    Object.keys(volumes).filter((volume) => volumes[volume]?.owner === undefined && isCalledAfter(name, volume)),
};

/** What an earlier release recorded says not whose it is: that of the Service that has it. */
export function withOwner(name: Name, volume: DecidedVolume | undefined, mirror: Mirror): DecidedVolume | undefined {
  const [holder] = mirror.index(byUnclaimed).get(name) ?? [];
  return volume === undefined || holder === undefined ? volume : { ...volume, owner: volume.owner ?? holder };
}

/**
 * Volumes that the Service would take for its own and that another one made, with whose each is. What was decided for it once it keeps, and
 * where nobody has asked the store what was found before holds.
 */
export function takenVolumes(service: Name, spec: ServiceSpec, { decided, volumes }: HouseFacts): Readonly<Record<Name, Name>> {
  const { volumes: kept = {}, takenVolumes: before = {} } = decided?.value ?? {};
  return Object.fromEntries(
    ownVolumes(service, spec).flatMap((name) => {
      const isFree = kept[name] !== undefined || (name in volumes && volumes[name] === undefined);
      const owner = isFree ? undefined : (volumes[name]?.owner ?? before[name]);
      return owner === undefined || owner === service ? [] : [[name, owner]];
    }),
  );
}

/** A Volume as `service` makes it. */
export function newVolume(name: Name, service: Name, place: Pick<DecidedVolume, "node" | "uid">): DecidedVolume {
  return claimed(name, { ...place, made: false }, service);
}

/** The text of a decided Volume or of `service`'s decision, with these Volumes made, and claimed where nobody has. */
export function withMade(text: string, names: readonly Name[], service: Name): string {
  const value = JSON.parse(text) as DecidedVolume | DecidedService; // written by decisions and by this alone
  const made = (name: Name, volume: DecidedVolume): DecidedVolume => claimed(name, { ...volume, made: true }, service);
  if (!("instances" in value)) return JSON.stringify(names.reduce((volume, name) => made(name, volume), value));
  const volumes: Record<Name, DecidedVolume> = { ...value.volumes };
  for (const name of names) if (volumes[name]) volumes[name] = made(name, volumes[name]);
  return JSON.stringify({ ...value, volumes });
}

/** What is called after another Service, or after none, is shared. */
function claimed(name: Name, volume: DecidedVolume, service: Name): DecidedVolume {
  return volume.owner === undefined && isCalledAfter(service, name) ? { ...volume, owner: service } : volume;
}

/** All that is to be remembered of it is. */
export function isRemembered(name: Name, volume: DecidedVolume, service: Name): boolean {
  return volume.made && claimed(name, volume, service) === volume;
}
