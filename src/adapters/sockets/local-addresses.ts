// The addresses that this computer has right now.
import os from "node:os";

/** Without link-local IPv6, which means nothing without its interface. */
export function localAddresses(): readonly string[] {
  return infos().map(({ address }) => address);
}

/** Each with how much of it is the network's: `192.168.1.10/24`. */
export function localNetworks(): readonly string[] {
  return infos().flatMap(({ cidr }) => cidr ?? []);
}

function infos(): readonly os.NetworkInterfaceInfo[] {
  const all = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ scopeid = 0 }) => scopeid === 0);
}
