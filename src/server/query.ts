// What a request's URL asks for, checked: whoever reads it below trusts it.
import { UserError } from "../api/errors.ts";

const LIMIT_MAX = 1_000;

export function flag(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  if (value === null || value === "" || value === "0" || value === "false") return false;
  if (value === "1" || value === "true") return true;
  throw new UserError(`Cannot read ?${name}=${value}: it should be 1 or 0.`);
}

/** Whole and not negative; undefined: not asked for. */
export function count(query: URLSearchParams, name: string): number | undefined {
  const value = query.get(name);
  if (value === null || value === "") return undefined;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0)
    throw new UserError(`Cannot read ?${name}=${value}: it should be a whole number of 0 or more.`);
  return number;
}

export function text(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined;
}

export interface Page {
  readonly limit: number | undefined;
  /** Begin after this name. */
  readonly after: string | undefined;
}

export function page(query: URLSearchParams): Page {
  const limit = count(query, "limit");
  const token = text(query, "continue");
  return {
    limit: limit === undefined || limit === 0 ? undefined : Math.min(limit, LIMIT_MAX),
    after: token === undefined ? undefined : Buffer.from(token, "base64url").toString("utf8"),
  };
}

export function continueToken(lastName: string): string {
  return Buffer.from(lastName, "utf8").toString("base64url");
}
