// Paths of URLs as an app understands them, for comparing only. Pure.

/** Nothing in it stands for something else: nearly all, and this is asked at each request. */
const PLAIN = /^(?:\/[^%\\/.;\u0080-\uffff][^%\\/;\u0080-\uffff]*)+$/;

/**
 * The path that an app would understand: what is sent on is what the client wrote. Otherwise `/open/../private` would be matched as
 * `/open` and served as `/private`.
 */
export function normalPath(target: string): string {
  const end = target.search(/[?#]/);
  const asked = end < 0 ? target : target.slice(0, end);
  if (asked === "/" || PLAIN.test(asked)) return asked;
  // Java's servers take `;x` of each segment for a parameter, before they undo any per cent sign.
  const path = decode(asked.replace(/;[^/\\]*/g, "")).replaceAll("\\", "/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

/** What is not ASCII stays as bytes: a path that is no UTF-8 is one too, and some app finds it. */
function decode(path: string): string {
  const encoded = path.toWellFormed().replace(/[^\0-\x7f]+/g, encodeURIComponent);
  return encoded.replace(/%([0-9a-f]{2})/gi, (bytes, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code < 0x80 ? String.fromCharCode(code) : bytes.toUpperCase();
  });
}
