// What a person asked for with `fossora join`: kept on disk, for a node that is restarted on its way must not found a house of its own.
import { rmSync } from "node:fs";
import path from "node:path";
import type { Address } from "../../joining/messages.ts";
import type { Token } from "../../trust/token.ts";
import { readIfThere, writeWhole } from "../files.ts";

export interface Wish {
  readonly addresses: readonly Address[];
  readonly token?: Token;
}

export class JoinWish {
  readonly #file: string;
  #wish: Wish | undefined;

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, "wish.json");
    const text = readIfThere(this.#file);
    this.#wish = text === undefined ? undefined : (JSON.parse(text) as Wish); // written below alone
  }

  get wish(): Wish | undefined {
    return this.#wish;
  }

  set(wish: Wish): void {
    writeWhole(this.#file, JSON.stringify(wish));
    this.#wish = wish;
  }

  /** It came true, or is none any more. */
  clear(): void {
    rmSync(this.#file, { force: true });
    this.#wish = undefined;
  }
}
