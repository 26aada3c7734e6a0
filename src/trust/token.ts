// The token that `fossora invite` prints: which house, which invitation, and its secret, with a check on typing errors. Pure.
import { createHash } from "node:crypto";
import { base32 } from "../api/base32.ts";
import { UserError } from "../api/errors.ts";
import { isHouseHash } from "./node-id.ts";

const PREFIX = "fsr1";
const ID_CHARACTERS = 8;
const SECRET_CHARACTERS = 26;
const CHECK_CHARACTERS = 4;
export const TOKEN_RANDOM_BYTES = 21;
const ID_BYTES = 5;

export interface Token {
  /** Of the house CA's key: known before anything is said to whoever answers. */
  readonly houseHash: string;
  readonly id: string;
  readonly secret: string;
}

/** `random`: TOKEN_RANDOM_BYTES from a good source. */
export function makeToken(houseHash: string, random: Uint8Array): Token {
  if (random.length !== TOKEN_RANDOM_BYTES)
    throw new Error(`Cannot make a token from ${random.length} bytes, it takes ${TOKEN_RANDOM_BYTES}`);
  return { houseHash, id: base32(random.subarray(0, ID_BYTES)), secret: base32(random.subarray(ID_BYTES)) };
}

/** `fsr1.HOUSE.ID.SECRET`, the last four characters of the secret being the check. */
export function formatToken({ houseHash, id, secret }: Token): string {
  const text = `${PREFIX}.${houseHash}.${id}.${secret}`;
  return text + checkOf(text);
}

/** As typed or pasted. Throws UserError that says what is wrong with it. */
export function parseToken(typed: string): Token {
  const text = typed.replaceAll(/\s/g, "").toLowerCase();
  const cannot = (why: string): UserError =>
    new UserError(`Cannot use the token: ${why}. Copy it whole from \`fossora invite\`, or make another one there.`);
  const [prefix = "", houseHash = "", id = "", secret = "", ...more] = text.split(".");
  if (text === "") throw cannot("it is empty");
  if (/^fsr\d+$/.test(prefix) && prefix !== PREFIX) throw cannot(`it is of a newer kind (${prefix}), this Fossora knows ${PREFIX}`);
  if (prefix !== PREFIX) throw cannot(`it should begin with "${PREFIX}."`);
  if (more.length > 0) throw cannot("it has more than four parts between dots, perhaps two were pasted together");
  const alien = /[^a-z2-7.]/.exec(text.slice(PREFIX.length))?.[0];
  if (alien !== undefined) throw cannot(`it has a "${alien}", and a token is made of a to z and 2 to 7${meant(alien)}`);
  const length = (part: string, what: string, wanted: number): void => {
    if (part.length === wanted) return;
    const difference = Math.abs(wanted - part.length);
    throw cannot(`its ${what} part has ${difference} character${difference === 1 ? "" : "s"} too ${part.length < wanted ? "few" : "many"}`);
  };
  length(houseHash, "second", 26);
  length(id, "third", ID_CHARACTERS);
  length(secret, "last", SECRET_CHARACTERS + CHECK_CHARACTERS);
  const body = text.slice(0, -CHECK_CHARACTERS);
  if (!isHouseHash(houseHash) || checkOf(body) !== text.slice(-CHECK_CHARACTERS)) throw cannot("a character of it is mistyped");
  return { houseHash, id, secret: secret.slice(0, SECRET_CHARACTERS) };
}

/** Is this meant as a token, whatever its state? An address or a name is not. */
export function looksLikeToken(text: string): boolean {
  return /^\s*fsr\d*\./i.test(text);
}

/** What the store keeps of the secret. */
export function secretHash(secret: string): string {
  return createHash("sha256").update(`fossora invite ${secret}`).digest("base64");
}

function checkOf(text: string): string {
  return base32(createHash("sha256").update(text).digest()).slice(0, CHECK_CHARACTERS);
}

function meant(alien: string): string {
  const similar: Readonly<Record<string, string>> = { "0": "o", "1": "l or i", "8": "b", "9": "g" };
  const other = similar[alien];
  return other === undefined ? "" : `: perhaps it is ${other}`;
}
