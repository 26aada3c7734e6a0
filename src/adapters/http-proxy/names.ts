// Names of headers: what they mean to a proxy, worked out once each. Pure.

/** For one connection only: RFC 9110, 7.6.1, two that never were standard, and one that goes with an upgrade which is not passed on. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
/** `Connection` may name headers to leave out, but not these: without them the message would mean something else. */
const NEVER_BY_HOP = new Set(["host", "content-length", "content-type", "cookie", "authorization"]);

/** RFC 9110, 5.6.2. */
export function isToken(text: string): boolean {
  return /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(text);
}

/** The headers that are for this connection only because its `Connection` says so, lower case. */
export function listedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(keep-alive|close)$/i.test(connection)) return undefined;
  const names = connection.split(",").map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !NEVER_BY_HOP.has(name)));
}

const NAMES_MAX = 500;
const NAME_LENGTH_MAX = 64;

/** Apps and browsers use the same few names at every request: what one means is worked out once. */
export function remembered<T>(meaningOf: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const meaning = meaningOf(name);
    if (name.length > NAME_LENGTH_MAX) return meaning;
    if (known.size >= NAMES_MAX) known.clear();
    // A copy: a piece of a head would keep all of it.
    known.set(Array.from(name).join(""), meaning);
    return meaning;
  };
}
