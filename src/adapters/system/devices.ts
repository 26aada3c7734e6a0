// Devices that apps ask for by class: graphics, and what hangs on a serial port. Read anew each time: people plug things in.
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import type { AdvertisedDevice } from "../../api/state.ts";

/** `root`: `/dev`, or a folder like it in tests. `runtimes`: Docker's. */
export async function findDevices(root: string, runtimes: readonly string[]): Promise<readonly AdvertisedDevice[]> {
  const graphics = await device("gpu/dri", await pathsIn(path.join(root, "dri"), /^(card|renderD)\d+$/));
  const serial = await pathsIn(path.join(root, "serial/by-id"), /./);
  const nvidia = runtimes.includes("nvidia") ? [{ class: "gpu/nvidia", paths: [], groups: [] }] : [];
  const named = [...(graphics.paths.length > 0 ? [graphics] : []), ...nvidia];
  const any = named[0];
  return [...(any ? [{ ...any, class: "gpu" }] : []), ...named, ...(await Promise.all(serial.map((file) => device(file, [file]))))];
}

async function pathsIn(folder: string, pattern: RegExp): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => pattern.test(name))
    .toSorted()
    .map((name) => path.join(folder, name));
}

/** With the groups that own the paths, but for root's: a container's user joins them. */
async function device(name: string, paths: readonly string[]): Promise<AdvertisedDevice> {
  const owners = await Promise.all(
    paths.map((file) =>
      stat(file).then(
        ({ gid }) => gid,
        () => 0,
      ),
    ),
  );
  return { class: name, paths, groups: [...new Set(owners)].filter((gid) => gid !== 0) };
}
