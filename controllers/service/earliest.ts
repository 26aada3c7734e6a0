// The next moment at which anything waits to be looked at again.

export function earliest(waitsMs: readonly (number | undefined)[]): number | undefined {
  const waits = waitsMs.filter((ms) => ms !== undefined);
  return waits.length === 0 ? undefined : Math.min(...waits);
}
