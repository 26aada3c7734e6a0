// What a person asked for with `fossora join` or `fossora leave`: kept on disk, for a node that is restarted on its way must not found a
// house of its own, and one that has left must not come back by itself.
import { rmSync } from "node:fs";
import path from "node:path";
import type { JoinWish as AskedWish } from "../../api/computers.ts";
import type { Here } from "../../joining/joiner-state.ts";
import type { Address } from "../../joining/messages.ts";
import { parseToken, type Token } from "../../trust/token.ts";
import { readIfThere, writeWhole } from "../files.ts";

export interface Wish {
  readonly addresses: readonly Address[];
  readonly token?: Token;
}

interface Kept extends Partial<Wish> {
  /** It left its house. */
  readonly rests?: true;
  /** Nothing of that house runs here any more: containers that are there later are another's. */
  readonly isBare?: true;
}

export class JoinWish {
  readonly #file: string;
  #kept: Kept;

  constructor(dataDir: string) {
    this.#file = path.join(dataDir, "wish.json");
    this.#kept = read(this.#file);
  }

  get wish(): Wish | undefined {
    const { addresses, token } = this.#kept;
    return addresses && { addresses, ...(token !== undefined && { token }) };
  }

  get rests(): boolean {
    return this.#kept.rests === true;
  }

  /** It rests, and what its house ran here may run on. */
  get hasLeftovers(): boolean {
    return this.rests && this.#kept.isBare !== true;
  }

  set(wish: Wish): void {
    this.#keep(wish);
  }

  rest(): void {
    this.#keep({ rests: true });
  }

  /** Nothing of the house that it left runs on. `fossora up` may have cleared the wish meanwhile, for the agent that comes after this one. */
  settle(): void {
    if (read(this.#file).rests === true) this.#keep({ rests: true, isBare: true });
  }

  /** It came true, or is none any more. */
  clear(): void {
    rmSync(this.#file, { force: true });
    this.#kept = {};
  }

  #keep(kept: Kept): void {
    writeWhole(this.#file, JSON.stringify(kept));
    this.#kept = kept;
  }
}

/**
 * Before the agent starts: without it a new node founds a house of its own. A node that has one is told once it runs, and gives it up only if it
 * is empty; what it was told before is over. One that has left begins anew. Throws UserError for a token that is none.
 */
export function keepWish(dataDir: string, asked: AskedWish | undefined, hasHouse: boolean): void {
  const kept = new JoinWish(dataDir);
  const token = asked?.token === undefined ? undefined : parseToken(asked.token);
  if (asked === undefined ? kept.rests : hasHouse) kept.clear();
  else if (asked !== undefined) kept.set({ addresses: asked.addresses, ...(token !== undefined && { token }) });
}

function read(file: string): Kept {
  const text = readIfThere(file);
  return text === undefined ? {} : (JSON.parse(text) as Kept); // written above alone
}

/** As the joiner takes it. */
export function wantedHouse({ addresses, token }: Wish): NonNullable<Here["wish"]> {
  const all = [...new Set([...addresses, ...(token?.addresses ?? [])])];
  return { addresses: all, ...(token !== undefined && { houseId: token.houseHash }) };
}

/** Nothing where it is in that house already. */
export function wishFor(wanted: Wish | undefined, houseId: string | undefined): Pick<Here, "wish"> {
  const isThere = wanted?.token !== undefined && wanted.token.houseHash === houseId;
  return wanted === undefined || isThere ? {} : { wish: wantedHouse(wanted) };
}
