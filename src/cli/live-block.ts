// A block of lines at the end of a terminal that is drawn again in place, until it is left standing or taken away.
import { displayWidth } from "./table.ts";
import type { Output } from "./terminal.ts";

export const ROWS_MAX = 10;

export class LiveBlock {
  readonly #out: Output;
  readonly #rowsMax: number;
  #drawn = 0;

  constructor(out: Output, rowsMax = ROWS_MAX) {
    this.#out = out;
    this.#rowsMax = rowsMax;
  }

  draw(lines: readonly string[]): void {
    // The cursor stands below it, and what has left the screen cannot be drawn over.
    const most = Math.max(1, Math.min(this.#rowsMax, this.#out.rows - 1));
    const shown = lines.length > most ? [...lines.slice(0, most - 1), `  and ${lines.length - most + 1} more`] : lines;
    this.#out.write(`${this.#toTop()}${shown.map((line) => `${cut(line, this.#out.columns - 1)}\u001b[K\n`).join("")}\u001b[J`);
    this.#drawn = shown.length;
  }

  clear(): void {
    this.#out.write(`${this.#toTop()}\u001b[J`);
    this.#drawn = 0;
  }

  #toTop(): string {
    return this.#drawn === 0 ? "" : `\u001b[${this.#drawn}A\r`;
  }
}

const ESCAPE_OR_CHARACTER = /\u001b\[[0-9;]*m|[^]/gu;

/** A line that wraps would be counted as one and drawn over wrongly. Colours stay, and end. */
export function cut(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let width = 0;
  let result = "";
  for (const [piece] of text.matchAll(ESCAPE_OR_CHARACTER)) {
    width += piece.startsWith("\u001b") ? 0 : displayWidth(piece);
    if (width > columns - 1) break;
    result += piece;
  }
  return `${result}…\u001b[0m`;
}
