// The token that `fossora invite` prints: which house, which invitation, and its secret, with a check on typing errors. Pure.
import { createHash } from "node:crypto";
import { base32, bytesOfBase32 } from "../api/base32.ts";
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
  /** Where the one that made it answers, `IPv4:port`: whoever answers there must prove that it is of that house. */
  readonly addresses?: readonly string[];
}

/** An IPv4 address and a port. */
const ADDRESS_BYTES = 6;
const ADDRESSES_MAX = 3;

/** `random`: TOKEN_RANDOM_BYTES from a good source. */
export function makeToken(houseHash: string, random: Uint8Array): Token {
  if (random.length !== TOKEN_RANDOM_BYTES)
    throw new Error(`Cannot make a token from ${random.length} bytes, it takes ${TOKEN_RANDOM_BYTES}`);
  return { houseHash, id: base32(random.subarray(0, ID_BYTES)), secret: base32(random.subarray(ID_BYTES)) };
}

/** `fsr1.HOUSE.ID.ADDRESSES.SECRET`, the last four characters of the secret being the check; without addresses four parts. */
export function formatToken({ houseHash, id, secret, addresses = [] }: Token): string {
  const known = addresses.map(bytesOfAddress).filter(({ length }) => length > 0);
  const at = base32(Uint8Array.from(known.slice(0, ADDRESSES_MAX).flat()));
  const text = [PREFIX, houseHash, id, ...(at === "" ? [] : [at]), secret].join(".");
  return text + checkOf(text);
}

/** As typed or pasted. Throws UserError that says what is wrong with it. */
export function parseToken(typed: string): Token {
  const text = typed.replaceAll(/\s/g, "").toLowerCase();
  const cannot = (why: string): UserError =>
    new UserError(`Cannot use the token: ${why}. Copy it whole from \`fossora invite\`, or make another one there.`);
  const parts = text.split(".");
  const [prefix = "", houseHash = "", id = "", at = ""] = parts.length === 5 ? parts : parts.toSpliced(3, 0, "");
  const [secret = "", ...more] = parts.length === 5 ? parts.slice(4) : parts.slice(3);
  if (text === "") throw cannot("it is empty");
  if (/^fsr\d+$/.test(prefix) && prefix !== PREFIX) throw cannot(`it is of a newer kind (${prefix}), this Fossora knows ${PREFIX}`);
  if (prefix !== PREFIX) throw cannot(`it should begin with "${PREFIX}."`);
  if (more.length > 0) throw cannot("it has too many parts between dots, perhaps two were pasted together");
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
  const addresses = addressesIn(at);
  return { houseHash, id, secret: secret.slice(0, SECRET_CHARACTERS), ...(addresses.length > 0 && { addresses }) };
}

/** Is this meant as a token, whatever its state? An address or a name is not. */
export function looksLikeToken(text: string): boolean {
  return /^\s*fsr\d*\./i.test(text);
}

/** What the store keeps of the secret. */
export function secretHash(secret: string): string {
  return createHash("sha256").update(`fossora invite ${secret}`).digest("base64");
}

/** None of what is no IPv4 address with a port. */
function bytesOfAddress(address: string): readonly number[] {
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})$/.exec(address)?.slice(1).map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, port = 65_536] = numbers;
  return Math.max(a, b, c, d) > 255 || port > 65_535 ? [] : [a, b, c, d, port >> 8, port & 255];
}

function addressesIn(text: string): readonly string[] {
  const bytes = bytesOfBase32(text) ?? new Uint8Array();
  return Array.from({ length: Math.min(ADDRESSES_MAX, Math.floor(bytes.length / ADDRESS_BYTES)) }, (_, index) => {
    const [a = 0, b = 0, c = 0, d = 0, high = 0, low = 0] = bytes.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES);
    return `${a}.${b}.${c}.${d}:${high * 256 + low}`;
  });
}

function checkOf(text: string): string {
  return base32(createHash("sha256").update(text).digest()).slice(0, CHECK_CHARACTERS);
}

function meant(alien: string): string {
  const similar: Readonly<Record<string, string>> = { "0": "o", "1": "l or i", "8": "b", "9": "g" };
  const other = similar[alien];
  return other === undefined ? "" : `: perhaps it is ${other}`;
}
