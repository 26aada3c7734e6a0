// Files that survive a power cut whole: the new one or the old one, never half of one.
import { open, rename } from "node:fs/promises";
import path from "node:path";

/** Written beside, synced, renamed, folder synced. One writer a file. */
export async function writeWhole(file: string, text: string): Promise<void> {
  const partial = `${file}.tmp`;
  const handle = await open(partial, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(partial, file);
  await syncFolder(path.dirname(file));
}

/** Makes a new name in the folder survive. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
