// Paths of URLs as an app understands them, for comparing only. Pure.

/** Nothing in it stands for something else: nearly all, and this is asked at each request. */
const PLAIN = /^(?:\/[^%\\/.][^%\\/]*)+$/;

/**
 * The path that an app would understand: what is sent on is what the client wrote. Otherwise `/open/../private` would be matched as
 * `/open` and served as `/private`.
 */
export function normalPath(target: string): string {
  const end = target.search(/[?#]/);
  const asked = end < 0 ? target : target.slice(0, end);
  if (asked === "/" || PLAIN.test(asked)) return asked;
  const path = decode(asked).replaceAll("\\", "/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "." && segment !== "") segments.push(segment);
  }
  return `/${segments.join("/")}`;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // Not UTF-8 behind the per cent signs: then it is matched as it was written.
  }
}
