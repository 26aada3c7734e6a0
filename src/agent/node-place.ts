// Where this computer's node keeps its data, for a command that is not told: what systemd starts says it, or what `up` left in the default
// folder. Another folder would be another node, in the place of the one that is there.
import { existsSync, rmSync } from "node:fs";
import path from "node:path";
import { UserError } from "../api/errors.ts";
import type { NodeOptions } from "../cli/node-commands.ts";
import { isSameFile, makePrivateFolder, NODE_KEY, readIfThere, writeWhole } from "./files.ts";
import { isInstalled } from "./installation.ts";
import { defaultDataDir, isRoot } from "./settings.ts";
import { commandOfUnit, flagOf, unitFile } from "./unit.ts";

/** What says where the node is. */
interface Places {
  readonly defaultDir: string;
  /** Of systemd; absent without root, whose node it starts. */
  readonly unitFile?: string;
}

function placesHere(): Places {
  return { defaultDir: defaultDataDir(process.env), ...(isRoot() && { unitFile }) };
}

/** As told, else where `up` put this computer's node, else the default, which needs no word. */
export function withPlace(given: NodeOptions, places: Places = placesHere()): NodeOptions {
  const { dataDir: told, ...others } = given;
  const dataDir = told === undefined ? knownDataDir(places) : path.resolve(told);
  return dataDir === undefined || dataDir === places.defaultDir ? others : { ...others, dataDir };
}

/** Undefined: `up` put no node on this computer. */
function knownDataDir({ defaultDir, unitFile: file }: Places): string | undefined {
  const unit = file === undefined ? undefined : readIfThere(file);
  if (unit !== undefined) return path.resolve(flagOf(commandOfUnit(unit), "--data-dir") ?? defaultDir);
  const elsewhere = readIfThere(elsewhereFile(defaultDir));
  if (elsewhere !== undefined) return elsewhere;
  return isInstalled(defaultDir) ? defaultDir : undefined;
}

/** For the next command. */
export function keepPlace(dataDir: string, { defaultDir }: Places = placesHere()): void {
  if (dataDir === defaultDir) return rmSync(elsewhereFile(defaultDir), { force: true });
  try {
    makePrivateFolder(defaultDir);
    writeWhole(elsewhereFile(defaultDir), dataDir);
  } catch {
    // It cannot be written: the unit says it, too, or a person types it again.
  }
}

/** The folder of this computer's node, where it is another one. */
export function otherNode(dataDir: string, places: Places = placesHere()): string | undefined {
  const known = knownDataDir(places);
  if (known === undefined || known === dataDir || isSameFile(known, dataDir)) return undefined;
  return existsSync(path.join(known, NODE_KEY)) ? known : undefined;
}

/** Throws UserError: what is done to the one would be done to the other. */
export function refuseOtherNode(verb: string, dataDir: string, places: Places = placesHere()): void {
  const other = otherNode(dataDir, places);
  if (other !== undefined)
    throw new UserError(
      `Cannot ${verb} a node in ${dataDir}: this computer's node is in ${other}. Leave --data-dir out for that one. To move it, say \`fossora down\`, move the whole folder, and say \`fossora up --data-dir\` with the new place.`,
    );
}

/** Throws UserError where `up` put this node and nothing of it is: whoever began there would be another node. */
export function refuseMissing(dataDir: string, places: Places = placesHere()): void {
  if (knownDataDir(places) !== dataDir || isInstalled(dataDir) || existsSync(path.join(dataDir, NODE_KEY))) return;
  throw new UserError(
    `Cannot start: this computer's node is in ${dataDir}, and nothing of it is there. Mount its disk. If it is gone for good, begin anew: fossora up --data-dir ${dataDir}.`,
  );
}

/** The node is here no more, for all that this computer knows. */
export function forgetPlace({ defaultDir }: Pick<Places, "defaultDir"> = placesHere()): void {
  rmSync(elsewhereFile(defaultDir), { force: true });
}

function elsewhereFile(defaultDir: string): string {
  return path.join(defaultDir, "elsewhere");
}
