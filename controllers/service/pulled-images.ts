// Which images go because Fossora pulled them and nothing needs them any more. A pull may take a tag from the image that had it: where
// Fossora pulled that one too, it is told by its id from then on, as what was pulled is, and goes once no container is made of it. Pure, but
// for what is kept in memory until the house has been told.
import type { Name } from "../../src/api/resource.ts";
import type { ObservedService } from "../../src/api/state.ts";
import type { Ports } from "../../src/engine/contract.ts";
import { jobKeys } from "./job-keys.ts";

/** By Service: ids of images that have lost their tag. */
const untagged = new WeakMap<Ports["containers"], Map<Name, ReadonlySet<string>>>();

/** Unlike a reference. */
export function isId(image: string): boolean {
  return image.startsWith("sha256:");
}

/** A pull has ended; `before`: the id that was under its reference and that Fossora pulled, too. */
export function noteUntagged(
  service: Name,
  { before, after }: { readonly before: string | undefined; readonly after: string },
  ports: Pick<Ports, "containers" | "jobs">,
): void {
  if (before === undefined || before === after) return;
  setUntagged(service, ports, [...(untagged.get(ports.containers)?.get(service) ?? []), before]);
  ports.jobs.forget(jobKeys.removeImage(before)); // it may have gone and come back
}

/** What has lost its tag, and is not told yet. */
export function untaggedImages(service: Name, told: ObservedService | undefined, ports: Pick<Ports, "containers">): readonly string[] {
  const left = [...(untagged.get(ports.containers)?.get(service) ?? [])].filter((id) => told?.pulled?.includes(id) !== true);
  setUntagged(service, ports, left);
  return left;
}

/** Without those that have lost their tag and that a container is still made of: Docker would keep them, and they would be forgotten. */
export function withoutRunning(images: readonly string[], containers: readonly { readonly imageId: string }[]): readonly string[] {
  return images.filter((image) => !isId(image) || !containers.some(({ imageId }) => imageId === image));
}

function setUntagged(service: Name, { containers }: Pick<Ports, "containers">, images: readonly string[]): void {
  const services = untagged.get(containers) ?? new Map<Name, ReadonlySet<string>>();
  untagged.set(containers, services);
  if (images.length === 0) services.delete(service);
  else services.set(service, new Set(images));
}
