// What a household has put into the house that the demo made: `stop` would lose it, so nothing is removed while there is any.
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { commandName, houseSummary, houseThings } from "./demo-house.ts";

export interface Household {
  /** Services and nodes as `service/jellyfin`. Undefined: no node answers here. */
  readonly things: readonly string[] | undefined;
  /** Of this computer. */
  readonly node: string | undefined;
  /** Folders of data of apps. */
  readonly volumes: readonly string[];
}

interface Demo {
  readonly service: string;
  readonly dataDir: string;
  /** As a person can type it. */
  readonly command: string;
}

const columns = 44;

/** Throws a sentence for a person. */
export async function refuseHousehold(dataDir: string, service: string): Promise<void> {
  const folder = volumesFolder(dataDir);
  const volumes = existsSync(folder) ? readdirSync(folder) : [];
  const household = { things: await houseThings(), node: (await houseSummary())?.node, volumes };
  const why = whyNotStop(household, { service, dataDir, command: commandName() });
  if (why !== undefined) throw new Error(why);
}

/** Undefined: there is nothing but what the demo made. */
export function whyNotStop({ things, node, volumes }: Household, { service, dataDir, command }: Demo): string | undefined {
  const all = things ?? [];
  const apps = all.filter((each) => each.startsWith("service/") && each !== `service/${service}`);
  const nodes = all.filter((each) => each.startsWith("node/"));
  const others = nodes.length > 1 ? nodes.filter((each) => each !== `node/${node}`) : [];
  const lost = [
    ...apps.map((each) => [each, `${command} delete ${each}`]),
    ...others.map((each) => [each, `${command} leave, typed there`]),
    ...volumes.map((each) => [path.join(volumesFolder(dataDir), each), "to be moved elsewhere, or removed"]),
  ];
  if (lost.length === 0) return undefined;
  return [
    "Nothing was removed: the house has what the demo did not make, and it would be lost.",
    ...lost.map(([what = "", how = ""]) => `  ${what.padEnd(columns)} ${how}`),
    ...(things === undefined ? [`What else there is is not known, since no node answers here: ${command} up`] : []),
    `To keep the house: ${command} delete service/${service} takes the demo's app out of it, and ${command} uninstall takes Fossora off this computer and leaves the data.`,
  ].join("\n");
}

function volumesFolder(dataDir: string): string {
  return path.join(dataDir, "volumes");
}
