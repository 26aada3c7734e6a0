// Sizes as people write them (`512Mi`, `2Gi`, `100M`, `1048576`), in bytes. Pure.
import type { Size } from "./types.ts";

// Lower-case letters mean what they mean to Docker and compose: powers of 1024.
const FACTOR: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  b: 1,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  kb: 2 ** 10,
  mb: 2 ** 20,
  gb: 2 ** 30,
  tb: 2 ** 40,
};
const SIZE = /^(\d+(?:\.\d+)?)([A-Za-z]{0,2})$/;

/** Undefined: this is no size. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  const factor = match?.[2] === undefined || !Object.hasOwn(FACTOR, match[2]) ? undefined : FACTOR[match[2]];
  return factor === undefined ? undefined : Math.round(Number(match?.[1]) * factor);
}

/** Bytes of a checked size; throws on anything else, which admission lets nobody store. */
export function sizeBytes(size: Size): number {
  const bytes = parseSize(size);
  if (bytes === undefined) throw new Error(`Cannot read the size '${size}': it should look like '512Mi' or '2Gi'`);
  return bytes;
}

/** For people: `30Gi`, `1.5Gi`, `512Mi`. */
export function formatSize(bytes: number): string {
  let amount = bytes;
  let index = 0;
  const units = ["", "Ki", "Mi", "Gi", "Ti"] as const;
  while (amount >= 1024 && index < units.length - 1) {
    amount /= 1024;
    index += 1;
  }
  const rounded = amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount);
  return `${rounded}${units[index]}`;
}
