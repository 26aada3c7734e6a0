// Local volumes: `volumes/<name>/data` below the data directory, and beside it a marker that says whose data it is.
import { execFile, type ExecException } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Refusal } from "../../api/errors.ts";
import type { LocalVolumes } from "../../ports.ts";
import { syncFolder } from "./durable.ts";

const run = promisify(execFile);

const markerName = "volume.json";
/** A disk that sleeps may take so long. */
const LOOK_LIMIT_MS = 15_000;

export class VolumeFolders implements LocalVolumes {
  readonly #folder: string;
  readonly #ensuring = new Map<string, Promise<void>>();
  readonly #looks = new Map<string, Promise<boolean>>();

  /** `folder`: `volumes` below the data directory. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** One at a time for each name: Services may share a volume, and ask for it at the same moment. */
  ensure(name: string, uid: string, made: boolean): Promise<string> {
    const before = this.#ensuring.get(name) ?? Promise.resolve();
    const answer = before.then(() => this.#ensure(name, uid, made));
    const settled = answer.then(
      () => {},
      () => {},
    );
    this.#ensuring.set(name, settled);
    void settled.then(() => {
      if (this.#ensuring.get(name) === settled) this.#ensuring.delete(name);
    });
    return answer;
  }

  async #ensure(name: string, uid: string, made: boolean): Promise<string> {
    const home = path.join(this.#folder, name);
    const data = path.join(home, "data");
    if (!(await isThere(home))) {
      if (made) throw volumeLost(name, home, "it was made before, and is gone");
      await this.#make(home, uid);
    }
    const found = await readMarker(path.join(home, markerName));
    if (found === undefined) throw volumeLost(name, home, "its marker file is missing");
    if (found !== uid) throw volumeOfAnother(name, home, found);
    if (!(await isThere(data))) throw volumeLost(name, home, "its folder is missing");
    return data;
  }

  /** A share whose server is away answers late or never, and would keep one of the four threads that this process has for files. */
  async exists(file: string): Promise<boolean> {
    const looking = this.#looks.get(file) ?? isThereElsewhere(file).finally(() => this.#looks.delete(file));
    this.#looks.set(file, looking);
    const late = new AbortController();
    const tooLate = sleep(LOOK_LIMIT_MS, false, { signal: late.signal, ref: false }).catch(() => false);
    return Promise.race([looking, tooLate]).finally(() => late.abort());
  }

  /** Whole or not at all, whatever happens to the power: made beside, then renamed. */
  async #make(home: string, uid: string): Promise<void> {
    const partial = path.join(this.#folder, `.${path.basename(home)}.making`);
    await rm(partial, { recursive: true, force: true });
    await mkdir(path.join(partial, "data"), { recursive: true });
    const marker = await open(path.join(partial, markerName), "w");
    try {
      await writeFile(marker, JSON.stringify({ uid }));
      await marker.sync();
    } finally {
      await marker.close();
    }
    await syncFolder(partial);
    await rename(partial, home);
    await syncFolder(this.#folder);
  }
}

/** Asked by another process, which may be left to wait. */
async function isThereElsewhere(file: string): Promise<boolean> {
  try {
    await run("test", ["-e", file], { timeout: LOOK_LIMIT_MS, killSignal: "SIGKILL" });
    return true;
  } catch (error) {
    const { code, killed = false } = error as ExecException;
    return code === 1 || killed ? false : isThere(file); // else it could not be asked
  }
}

async function isThere(file: string): Promise<boolean> {
  try {
    await access(file, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}

async function readMarker(file: string): Promise<string | undefined> {
  try {
    return (JSON.parse(await readFile(file, "utf8")) as { readonly uid?: string }).uid; // written by #make
  } catch {
    return undefined;
  }
}

function volumeLost(name: string, home: string, why: string): Refusal {
  return new Refusal(
    "VolumeLost",
    `Cannot use volume "${name}": ${why} (${home}). Bring its files back from a backup, or give the volume another name in the manifest to begin with an empty one`,
  );
}

/** In another house the same manifest names another volume: only a person knows whether these files are meant. */
function volumeOfAnother(name: string, home: string, uid: string): Refusal {
  return new Refusal(
    "VolumeLost",
    `Cannot use volume "${name}": its files belong to another volume (${uid}), as they do after "fossora leave" or in a new house (${home}). Move this folder aside, and the app begins with an empty one. To give it the files, stop it then (replicas: 0), put the folder "data" that you set aside in place of the new one, and start it again`,
  );
}
