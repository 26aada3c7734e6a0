// Who waits for whom must not go in a circle. Pure.

/** The shortest way from a name back to it, the name at both ends; undefined: there is none. */
export function circleFrom(name: string, after: (name: string) => readonly string[]): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [name];
  for (const at of queue) {
    for (const next of after(at)) {
      if (next === name) return [...wayTo(at, cameFrom), name];
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return undefined;
}

function wayTo(name: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [name];
  for (let before = cameFrom.get(name); before !== undefined; before = cameFrom.get(before)) way.unshift(before);
  return way;
}
