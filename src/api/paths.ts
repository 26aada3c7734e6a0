// Paths of URLs as an app understands them, for comparing only. Pure.

/** Nothing in it stands for something else: nearly all, and this is asked at each request. */
const PLAIN = /^(?:\/[^%\\/.;\u0080-\uffff][^%\\/;\u0080-\uffff]*)+\/?$/;
/** What a browser writes has one or two. */
const READINGS_MAX = 16;

/**
 * The path that an app would understand: what is sent on is what the client wrote. Otherwise `/open/../private` would be matched as
 * `/open` and served as `/private`.
 */
export function normalPath(target: string): string {
  const asked = pathOf(target);
  if (asked === "/") return asked;
  const path = PLAIN.test(asked) ? asked : resolved(merged(slashed(decoded(withoutParameters(asked)))));
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}

/** All that apps may make of a path: each does some of these things to it, in this order. undefined: they are too many. */
export function readingsOf(target: string): readonly string[] | undefined {
  const asked = pathOf(target);
  if (asked === "/" || PLAIN.test(asked)) return [asked];
  let paths = [asked];
  for (const makes of STEPS) {
    paths = [...new Set(paths.flatMap(makes))];
    if (paths.length > READINGS_MAX) return undefined;
  }
  return paths;
}

const STEPS: readonly ((path: string) => readonly string[])[] = [
  (path) => [path, withoutParameters(path), path.replace(/;[^/]*/g, "")],
  (path) => [path, slashed(path)],
  (path) => [path, resolved(path)],
  (path) => [asWritten(path), decoded(path)],
  (path) => [path, slashed(path)],
  (path) => [path, merged(path)],
  (path) => [path, resolved(path)],
];

function pathOf(target: string): string {
  const end = target.search(/[?#]/);
  const asked = end < 0 ? target : target.slice(0, end);
  return asked.startsWith("/") ? asked : `/${asked}`;
}

/** Java's servers take `;x` of each segment for a parameter, before they undo any per cent sign. */
function withoutParameters(path: string): string {
  return path.replace(/;[^/\\]*/g, "");
}

function slashed(path: string): string {
  return path.replaceAll("\\", "/");
}

function merged(path: string): string {
  return path.replace(/\/{2,}/g, "/");
}

/** Browsers take `%2e` for a dot, too. */
function resolved(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/").slice(1)) {
    const plain = segment.replace(/%2e/gi, ".");
    if (plain === "..") segments.pop();
    else if (plain !== ".") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function decoded(path: string): string {
  return decode(path, /[^]/);
}

/** As an app sees it that decodes nothing: but for what nobody can write otherwise, as a space, or writes so as well, as `@` or `~`. */
function asWritten(path: string): string {
  return decode(path, /[^\w./\\-]/);
}

/** What is not ASCII stays as bytes: a path that is no UTF-8 is one too, and some app finds it. */
function decode(path: string, which: RegExp): string {
  const encoded = path.toWellFormed().replace(/[^\0-\x7f]+/g, encodeURIComponent);
  return encoded.replace(/%([0-9a-f]{2})/gi, (bytes, hex: string) => {
    const code = Number.parseInt(hex, 16);
    const text = String.fromCharCode(code);
    if (code >= 0x80) return bytes.toUpperCase();
    return which.test(text) ? text : bytes;
  });
}
