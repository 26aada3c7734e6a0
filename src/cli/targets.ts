// Which objects a command means: `svc jellyfin`, `svc/jellyfin`, `svc,nodes`, `all`.
import { closest } from "../api/names.ts";
import { kindByWord, kindWords, namesOf, type ServedKindNames } from "../api/kinds.ts";
import { EXIT, Failure } from "./failure.ts";

/** Absent name: all of the kind. */
export interface Target {
  readonly names: ServedKindNames;
  readonly name?: string;
}

export interface NamedTarget extends Target {
  readonly name: string;
}

const ALL: readonly ServedKindNames[] = (["Service", "Route", "DnsRecord", "Membership"] as const).map(namesOf);

/** Throws Failure. */
export function parseTargets(words: readonly string[]): readonly Target[] {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  if (words.some((word) => word.includes("/"))) return words.map(parseReference);
  const kinds =
    first === "all"
      ? ALL
      : first
          .split(",")
          .filter((word) => word !== "")
          .map(kindOf);
  if (rest.length === 0) return kinds.map((names) => ({ names }));
  const [only, ...others] = kinds;
  if (only === undefined || others.length > 0)
    throw usage(
      `Cannot tell which kind "${rest.join(" ")}" is of: give one kind with names, or KIND/NAME.`,
      "fossora get svc/jellyfin node/nas",
    );
  return rest.map((name) => ({ names: only, name }));
}

/** As parseTargets, where each must have a name. */
export function parseNamedTargets(words: readonly string[], verb: string): readonly NamedTarget[] {
  return parseTargets(words).map(({ names, name }) => {
    if (name === undefined) throw usage(`Cannot ${verb} ${names.plural}: which one? Give a name.`, `fossora get ${names.plural}`);
    return { names, name };
  });
}

export function pathOf({ names, name }: Target): string {
  return name === undefined ? `/api/v1/${names.plural}` : `/api/v1/${names.plural}/${encodeURIComponent(name)}`;
}

function parseReference(word: string): Target {
  const [kind = "", name = "", ...more] = word.split("/");
  if (kind === "" || name === "" || more.length > 0)
    throw usage(`Cannot read "${word}": it should be KIND/NAME.`, "fossora get svc/jellyfin");
  return { names: kindOf(kind), name };
}

export function kindOf(word: string): ServedKindNames {
  const names = kindByWord(word);
  if (names) return names;
  const meant = closest(word, kindWords());
  throw usage(`Cannot find the kind "${word}".${meant === undefined ? "" : ` Did you mean "${meant}"?`}`, "fossora api-resources");
}

function usage(message: string, next: string): Failure {
  return new Failure(EXIT.usage, message, next);
}
