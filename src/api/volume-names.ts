// What the Volumes of a Service are called: one name may be meant by two Services, `a` with `b-c` and `a-b` with `c`. Pure.
import type { Name } from "./resource.ts";
import type { ServiceSpec } from "./types.ts";

/** Of a mount such as `config:/config`. */
export function ownVolume(service: Name, mount: string): Name {
  return `${service}-${mount}`;
}

/** One of the Service's own is; so may be another one's, whose Service is called alike. */
export function isCalledAfter(service: Name, volume: Name): boolean {
  return volume.startsWith(ownVolume(service, ""));
}

/** The Volumes that the Service mounts as its own, by name. */
export function ownVolumes(service: Name, spec: ServiceSpec): readonly Name[] {
  const names = spec.containers.flatMap(({ volumes = [] }) =>
    volumes.flatMap((mount) => (mount.type === "volume" ? [ownVolume(service, mount.name)] : [])),
  );
  return [...new Set(names)].sort();
}
