// The node of another user of this computer: root's, or that of a person without root. Two on one Docker engine would take each other's apps
// for leftovers.
import { existsSync, globSync, statSync } from "node:fs";
import path from "node:path";
import { UserError } from "../api/errors.ts";
import { SYSTEM_SOCKET } from "../cli/socket.ts";
import { isSameFile, NODE_KEY, readIfThere } from "./files.ts";
import { commandOf, holder } from "./pid-file.ts";
import { isRoot, type Settings } from "./settings.ts";
import { commandOfUnit, flagOf, unitFile } from "./unit.ts";

const usualEngine = "/var/run/docker.sock";

/** Throws UserError. Root's own node that is there already is not held up by a person's. */
export function refuseOtherUser({ dataDir, dockerSocket }: Settings): void {
  const system = isRoot() ? undefined : systemNode(dockerSocket, { unitFile, socket: SYSTEM_SOCKET });
  if (system !== undefined)
    throw new UserError(
      `Cannot start: Fossora is here for the whole computer already (${system}), and a second node would take its apps away. Say sudo fossora up.`,
    );
  const person =
    isRoot() && !existsSync(path.join(dataDir, NODE_KEY))
      ? personsNode(dockerSocket, ["/run/user/*/fossora", "/tmp/fossora-*"])
      : undefined;
  if (person !== undefined)
    throw new UserError(
      `Cannot start: a node of the user with the id ${person} runs here already, and a second one would take its apps away. Go on with that one; or, as that user, first say fossora leave, then fossora uninstall.`,
    );
}

/** What shows that root has a node on this engine. */
export function systemNode(dockerSocket: string, places: { readonly unitFile: string; readonly socket: string }): string | undefined {
  const found = [places.unitFile, places.socket].find((file) => existsSync(file));
  return found !== undefined && isOn(dockerSocket, commandOfUnit(readable(places.unitFile))) ? found : undefined;
}

/** The user id of one without root whose agent runs on this engine. `runDirs` are patterns. */
export function personsNode(dockerSocket: string, runDirs: readonly string[]): number | undefined {
  const theirs = globSync(runDirs).find((folder) => {
    const pid = holder(folder, "agent");
    return pid !== undefined && isOn(dockerSocket, commandOf(pid));
  });
  return theirs === undefined ? undefined : statSync(theirs).uid;
}

function isOn(dockerSocket: string, command: readonly string[]): boolean {
  const theirs = flagOf(command, "--docker-socket") ?? usualEngine;
  return theirs === dockerSocket || isSameFile(theirs, dockerSocket);
}

/** Nothing where this user may not read it. */
function readable(file: string): string {
  try {
    return readIfThere(file) ?? "";
  } catch {
    return "";
  }
}
