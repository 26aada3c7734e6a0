// Why an instance is not ready: the reasons of its conditions, and what Docker's refusals mean.
import type { EngineFault } from "../../src/api/errors.ts";

export type Reason =
  | "ImageNotFound"
  | "PlatformMissing"
  | "ImagePullFailed"
  | "RegistryRefused"
  | "RateLimited"
  | "DiskFull"
  | "HostPathMissing"
  | "DeviceMissing"
  | "VolumeLost"
  | "SecretMissing"
  | "CrashLoop"
  | "OutOfMemory"
  | "Exited"
  | "Unhealthy"
  | "PortNotListening"
  | "AddressInUse"
  | "NameInUse"
  | "CreateFailed"
  | "Interrupted"
  | "DockerUnavailable"
  | "StoreUnavailable"
  | "Waiting";

/** It starts and ends in turns: to run for a moment does not mean that it is over. */
export function isLoop(reason: string): boolean {
  return reason === "CrashLoop" || reason === "OutOfMemory";
}

interface Explanation {
  readonly reason: Reason;
  readonly remedy: string;
}

/** Why Docker said no, and what to do about it. */
export const EXPLANATION: Readonly<Record<EngineFault, Explanation>> = {
  unavailable: {
    reason: "DockerUnavailable",
    remedy: "Start Docker on that machine: systemctl start docker; one that hangs: systemctl restart docker",
  },
  imageNotFound: { reason: "ImageNotFound", remedy: "Check the image's name and tag" },
  platformMissing: {
    reason: "PlatformMissing",
    remedy:
      "The image is not made for this machine's processor, or not for the 'platform' that is asked for: " +
      "name the processors that it is made for in placement.require.arch, and the Service goes to a node that has one",
  },
  registryRefused: { reason: "RegistryRefused", remedy: "Log in on that machine as root: docker login" },
  registryUnreachable: { reason: "ImagePullFailed", remedy: "Check that the machine reaches the registry; it is tried again" },
  rateLimited: { reason: "RateLimited", remedy: "It is tried again; docker login as root raises the limit" },
  diskFull: { reason: "DiskFull", remedy: "Free some space where Docker keeps its data: docker system df" },
  addressInUse: { reason: "AddressInUse", remedy: "Another program has the address or port; it is tried again" },
  leftover: { reason: "Interrupted", remedy: "Docker was interrupted; the container is made anew" },
  nameInUse: { reason: "NameInUse", remedy: "Remove or rename the container that has this name" },
  hostPathMissing: { reason: "HostPathMissing", remedy: "Make the folder on that machine, or correct the path" },
  deviceMissing: { reason: "DeviceMissing", remedy: "Plug the device in, or place the Service elsewhere" },
  notFound: { reason: "Interrupted", remedy: "Something it needs was removed meanwhile; it is tried again" },
  invalid: { reason: "CreateFailed", remedy: "Correct the Service's spec" },
};
