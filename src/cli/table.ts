// Tables: upper-case headers, two-space gaps, no borders, never wrapped.

const GAP = 2;

export function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell))));
  return widths;
}

export function formatRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, index) =>
      index === row.length - 1 ? cell : cell + " ".repeat(Math.max(0, (widths[index] ?? 0) - displayWidth(cell)) + GAP),
    )
    .join("")
    .trimEnd();
}

export function formatTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = widthsOf(rows);
  return rows.map((row) => formatRow(row, widths));
}

const ESCAPES = /\u001b\[[0-9;]*m/g;

/** Columns on a terminal, without colours. Names are ASCII; what people write may be wide. */
export function displayWidth(text: string): number {
  const plain = text.replace(ESCAPES, "");
  let width = 0;
  for (const character of plain) width += WIDE.test(character) ? 2 : 1;
  return width;
}

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;
