// Who may come in, by where they come from. Pure.
import { inNetwork, isLan, isLoopback, isTailnet } from "./address.ts";
import { isContainer, type ContainerNetworks } from "./answer.ts";

/** What this computer is in the middle of. */
export interface Around {
  readonly containers?: ContainerNetworks | undefined;
  /** Networks of its LANs whose addresses do not show it: `2001:db8:1:2::10/64`. */
  readonly lans?: readonly string[] | undefined;
}

/** Without rules everybody is let in; the computer itself always is. */
export function isAllowed(allow: readonly string[] | undefined, from: string, around: Around): boolean {
  return (
    allow === undefined || isLoopback(from) || from === around.containers?.gateway || allow.some((rule) => isWithin(rule, from, around))
  );
}

/** A LAN's devices have IPv6 addresses of the provider's beside their own, and speak from them to a computer that is asked at such a one. */
export function isOnLan(address: string, lans: Around["lans"] = []): boolean {
  return isLan(address) || lans.some((network) => inNetwork(address, network));
}

function isWithin(rule: string, from: string, { containers, lans }: Around): boolean {
  const isApp = containers !== undefined && isContainer(from, containers);
  switch (rule) {
    case "apps":
      return isApp;
    case "lan":
      return isOnLan(from, lans) && !isApp; // their addresses are private ones, too
    case "tailnet":
      return isTailnet(from);
    default:
      return inNetwork(from, rule);
  }
}
