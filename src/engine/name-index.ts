// One index of the mirror: names grouped by the keys that a pure function gives them, kept up to date name by name.
import type { Name } from "../api/resource.ts";

export class NameIndex {
  readonly #namesByKey = new Map<string, Set<Name>>();
  readonly #keysByName = new Map<Name, readonly string[]>();

  get names(): ReadonlyMap<string, ReadonlySet<Name>> {
    return this.#namesByKey;
  }

  /** Puts the name under these keys and no others. */
  set(name: Name, keys: readonly string[]): void {
    for (const key of this.#keysByName.get(name) ?? []) {
      const names = this.#namesByKey.get(key);
      names?.delete(name);
      if (names?.size === 0) this.#namesByKey.delete(key);
    }
    for (const key of keys) {
      const names = this.#namesByKey.get(key) ?? new Set();
      names.add(name);
      this.#namesByKey.set(key, names);
    }
    if (keys.length > 0) this.#keysByName.set(name, keys);
    else this.#keysByName.delete(name);
  }
}
