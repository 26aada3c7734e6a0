// The 3-way merge behind `apply`: what this manager applied last, what is there now, what it applies. Pure, on stored forms.

type Fields = Readonly<Record<string, unknown>>;

/** By the first of these that tells the entries of a list apart, lists are merged; other lists are replaced as a whole. */
const ENTRY_KEYS = ["path", "name", "user", "class"] as const;
/** Objects of which several kinds exist: parts of two of them would make none. */
const WHOLE: ReadonlySet<string> = new Set(["health", "to", "port"]);

/**
 * What `next` has wins; what `last` had and `next` lacks goes; what is there besides stays, for somebody else set it.
 * Merging the same again changes nothing.
 */
export function merge(last: unknown, live: unknown, next: unknown): unknown {
  if (isFields(next) && isFields(live) && next["type"] === live["type"]) return mergeFields(isFields(last) ? last : {}, live, next);
  if (Array.isArray(next) && Array.isArray(live)) return mergeLists(Array.isArray(last) ? last : [], live, next);
  return next;
}

function mergeFields(last: Fields, live: Fields, next: Fields): Fields {
  const kept = Object.entries(live).filter(([name]) => !Object.hasOwn(next, name) && !Object.hasOwn(last, name));
  const merged = Object.entries(next).map(([name, value]) => {
    const atOnce = WHOLE.has(name) || !Object.hasOwn(live, name);
    return [name, atOnce ? value : merge(own(last, name), live[name], value)] as const;
  });
  return Object.fromEntries([...merged, ...kept]);
}

function mergeLists(last: readonly unknown[], live: readonly unknown[], next: readonly unknown[]): readonly unknown[] {
  const key = ENTRY_KEYS.find((name) => [last, live, next].every((list) => tellsApart(list, name)));
  if (key === undefined) return next;
  const find = (list: readonly unknown[], name: unknown): unknown => list.find((entry) => isFields(entry) && entry[key] === name);
  const nameOf = (entry: unknown): unknown => (isFields(entry) ? entry[key] : undefined);
  const merged = next.map((entry) => merge(find(last, nameOf(entry)), find(live, nameOf(entry)), entry));
  const kept = live.filter((entry) => find(next, nameOf(entry)) === undefined && find(last, nameOf(entry)) === undefined);
  return [...merged, ...kept];
}

function tellsApart(list: readonly unknown[], key: string): boolean {
  const names = list.map((entry) => (isFields(entry) ? entry[key] : undefined));
  return names.every((name) => typeof name === "string") && new Set(names).size === names.length;
}

function own(fields: Fields, name: string): unknown {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
