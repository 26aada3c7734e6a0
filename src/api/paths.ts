// Paths of URLs as an app understands them, for comparing only. Pure.

/**
 * The path that an app would understand: what is sent on is what the client wrote. Otherwise `/open/../private` would be matched as
 * `/open` and served as `/private`.
 */
export function normalPath(target: string): string {
  const path = decode(target.split(/[?#]/, 1)[0] ?? "").replaceAll("\\", "/");
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
