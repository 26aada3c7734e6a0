// Whether an image that is on a machine is the one for the platform that a container asks for. Pure.
import type { ImageInfo } from "./docker-types.ts";

/** `linux/arm64/v8` names a system, a processor and its variant; of an image Docker tells the processor. */
export function isFor(platform: string | undefined, { arch }: ImageInfo): boolean {
  return platform === undefined || platform.split("/")[1] === arch;
}
