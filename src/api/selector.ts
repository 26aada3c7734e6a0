// Selectors as kubectl writes them: `app=web,tier!=db,env in (a,b),!old`. Pure.
import { UserError } from "./errors.ts";

/** Asks for the value of a label or a field; undefined: it has none. */
export type ValueOf = (key: string) => string | undefined;
export type Selector = (valueOf: ValueOf) => boolean;

const REQUIREMENTS_MAX = 64;
const KEY = "[A-Za-z0-9](?:[A-Za-z0-9_./-]*[A-Za-z0-9])?";
const EQUALS = new RegExp(`^(${KEY})\\s*(=|==|!=)\\s*([^\\s=!,()]*)$`);
const AMONG = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);

/** An empty text matches everything. Throws UserError. */
export function parseSelector(text: string): Selector {
  const parts = splitOutsideParentheses(text).map((part) => part.trim());
  if (parts.length > REQUIREMENTS_MAX)
    throw new UserError(`Cannot read the selector: it has ${parts.length} requirements, at most ${REQUIREMENTS_MAX} are allowed.`);
  const requirements = text.trim() === "" ? [] : parts.map(requirement);
  return (valueOf) => requirements.every((matches) => matches(valueOf));
}

function requirement(part: string): Selector {
  const equals = EQUALS.exec(part);
  if (equals) {
    const [, key = "", operator, value] = equals;
    return operator === "!=" ? (valueOf) => valueOf(key) !== value : (valueOf) => valueOf(key) === value;
  }
  const among = AMONG.exec(part);
  if (among) {
    const [, key = "", operator, list = ""] = among;
    const values = new Set(list.split(",").map((value) => value.trim()));
    return operator === "in" ? (valueOf) => values.has(valueOf(key) ?? "") : (valueOf) => !values.has(valueOf(key) ?? "");
  }
  const exists = EXISTS.exec(part);
  if (exists) {
    const [, not, key = ""] = exists;
    return not === "!" ? (valueOf) => valueOf(key) === undefined : (valueOf) => valueOf(key) !== undefined;
  }
  throw new UserError(`Cannot read the selector "${part}": it should look like app=web, app!=web, app in (web,db), app or !app.`);
}

function splitOutsideParentheses(text: string): readonly string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "(") depth++;
    if (character === ")") depth--;
    if (character === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}
