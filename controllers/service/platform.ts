// Whether an image that is on a machine is the one for the platform that a container asks for. Pure.
import type { ImageInfo } from "./docker-types.ts";

/** Names that Docker takes for a processor, and what it calls it itself (containerd's `platforms`). */
const processors: Readonly<Record<string, string>> = {
  aarch64: "arm64",
  armhf: "arm",
  armel: "arm",
  i386: "386",
  i486: "386",
  i586: "386",
  i686: "386",
  x86_64: "amd64",
  "x86-64": "amd64",
};

/** `linux/arm64/v8` names a system, a processor and its variant; of an image Docker tells the processor. */
export function isFor(platform: string | undefined, { arch }: ImageInfo): boolean {
  const asked = platform?.split("/")[1]?.toLowerCase();
  return asked === undefined || (processors[asked] ?? asked) === arch;
}
