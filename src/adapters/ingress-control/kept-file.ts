// A JSON file that always holds one whole state or the one before it, also after a power loss. Writes that are overtaken are left out.
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";

export class KeptFile {
  readonly #path: string;
  #next: { readonly value: unknown } | undefined;
  #writing: Promise<void> | undefined;

  constructor(file: string) {
    this.#path = file;
  }

  /** undefined: there is none yet. Throws a SyntaxError when it is no JSON. */
  async read(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, "utf8"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  /** undefined also where it cannot be read, which `failed` is told. */
  async readAs<T>(parse: (value: unknown) => T, failed: (error: unknown) => void): Promise<T | undefined> {
    try {
      const value = await this.read();
      return value === undefined ? undefined : parse(value);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  /** Resolves when this or a later value is on disk; undefined takes the file away. */
  async write(value: unknown): Promise<void> {
    this.#next = { value };
    await (this.#writing ??= this.#drain().finally(() => (this.#writing = undefined)));
  }

  /** Resolves when nothing is being written any more; whoever wrote is told where that failed. */
  async flush(): Promise<void> {
    await this.#writing?.catch(() => undefined);
  }

  async #drain(): Promise<void> {
    while (this.#next !== undefined) {
      const { value } = this.#next;
      this.#next = undefined;
      if (value === undefined) await rm(this.#path, { force: true });
      else await replaceFile(this.#path, JSON.stringify(value));
    }
  }
}

/** One process writes it at a time: the one before has written all when it hands over. So what a killed one left is written anew. */
async function replaceFile(file: string, text: string): Promise<void> {
  const folder = path.dirname(file);
  const fresh = `${file}.tmp`;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  try {
    const handle = await open(fresh, "w", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
