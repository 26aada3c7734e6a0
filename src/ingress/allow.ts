// Who may come in, by where they come from. Pure.
import { inNetwork, isLan, isLoopback, isTailnet } from "./address.ts";
import { isContainer, type ContainerNetworks } from "./answer.ts";

/** Without rules everybody is let in; the computer itself always is. */
export function isAllowed(allow: readonly string[] | undefined, from: string, containers: ContainerNetworks | undefined): boolean {
  return allow === undefined || isLoopback(from) || from === containers?.gateway || allow.some((rule) => isWithin(rule, from, containers));
}

function isWithin(rule: string, from: string, containers: ContainerNetworks | undefined): boolean {
  const isApp = containers !== undefined && isContainer(from, containers);
  switch (rule) {
    case "apps":
      return isApp;
    case "lan":
      return isLan(from) && !isApp; // their addresses are private ones, too
    case "tailnet":
      return isTailnet(from);
    default:
      return inNetwork(from, rule);
  }
}
