// The addresses that this computer has right now.
import os from "node:os";

/** Without link-local IPv6, which means nothing without its interface. */
export function localAddresses(): readonly string[] {
  const addresses = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.filter(({ scopeid = 0 }) => scopeid === 0).map(({ address }) => address);
}
