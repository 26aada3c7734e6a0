// Which reasons of a condition waiting alone will not mend: by them an update has failed, and who waits for an object gives up. Pure.

/** A person must do something. Others pass, or wait for somebody else. */
const NEEDS_PERSON: ReadonlySet<string> = new Set([
  // Of an instance.
  "ImageNotFound",
  "PlatformMissing",
  "RegistryRefused",
  "HostPathMissing",
  "DeviceMissing",
  "VolumeLost",
  "CreateFailed",
  "CrashLoop",
  "OutOfMemory",
  "Exited",
  // Of an object.
  "NoNodeFits",
  "VolumeTaken",
  "Conflict",
  "InvalidUrl",
  "ServiceNotFound",
  "PortUnknown",
]);

/** An app that takes long for its first start may become well yet; what replaces one that serves may not. */
const FAILS_UPDATE: ReadonlySet<string> = new Set(["Unhealthy", "PortNotListening"]);

/** Whoever waits for the object waits in vain. */
export function needsPerson(reason: string): boolean {
  return NEEDS_PERSON.has(reason);
}

/** An update whose instance has it has failed. */
export function failsUpdate(reason: string): boolean {
  return NEEDS_PERSON.has(reason) || FAILS_UPDATE.has(reason);
}
