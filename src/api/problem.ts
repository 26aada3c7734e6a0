// What is wrong with a manifest, where, and what to write in its place; and how that looks on a terminal. Pure.

/** Where in a file; lines and columns count from 1. */
export interface ProblemPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** How many characters of the line are meant. */
  readonly length: number;
  /** The line as it was written. */
  readonly source: string;
}

/** One thing to mend. */
export interface Problem extends ProblemPlace {
  /** `spec.containers[0].image`; empty when the text cannot be read as YAML. */
  readonly field: string;
  /** What is expected, as the end of the sentence "it ...". */
  readonly message: string;
  /** What to write in its place, where that can be guessed. */
  readonly suggestion?: string;
  readonly kind?: string;
  readonly name?: string;
}

/** A stretch of a text, in UTF-16 code units. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** A text with its line starts, so that an offset becomes a line and a column. */
export interface SourceText {
  readonly file: string;
  readonly text: string;
  readonly lineStarts: readonly number[];
}

const LINE_LENGTH_MAX = 160;

export function sourceText(file: string, text: string): SourceText {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return { file, text, lineStarts };
}

/** File, line, column, length and the line itself, of a place in a text. */
export function locate(source: SourceText, place: Place): ProblemPlace {
  const line = lineAt(source.lineStarts, place.start);
  const lineStart = source.lineStarts[line - 1] ?? 0;
  const lineEnd = (source.lineStarts[line] ?? source.text.length + 1) - 1;
  const text = source.text.slice(lineStart, lineEnd).replace(/\r$/, "");
  const length = Math.max(1, Math.min(place.end, lineStart + text.length) - place.start);
  return { file: source.file, line, column: place.start - lineStart + 1, length, source: text };
}

/** All problems as cli.md shows them, with a last line that counts them. */
export function renderProblems(problems: readonly Problem[]): string {
  const files = [...new Set(problems.map((problem) => problem.file))];
  const where = files.length === 1 ? files[0] : `${files.length} files`;
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return [...problems.map(renderProblem), `error: ${count} in ${where}; nothing was applied.`].join("\n");
}

export function renderProblem(problem: Problem): string {
  const about = problem.kind === undefined ? [] : [problem.name === undefined ? problem.kind : `${problem.kind}/${problem.name}`];
  const head = [`${problem.file}:${problem.line}:${problem.column}`, ...about, ...(problem.field === "" ? [] : [problem.field])].join("  ");
  const number = String(problem.line).padStart(5);
  const { text, column, length } = excerpt(problem);
  const underline = `${text.slice(0, column - 1).replace(/[^\t]/g, " ")}${"^".repeat(length)}`;
  return [head, `  ${problem.message}`, `${number} | ${text}`, `${" ".repeat(number.length)} | ${underline}`].join("\n");
}

/** A long line is cut around what is meant. */
function excerpt(problem: Problem): { readonly text: string; readonly column: number; readonly length: number } {
  const from = problem.column > LINE_LENGTH_MAX / 2 && problem.source.length > LINE_LENGTH_MAX ? problem.column - LINE_LENGTH_MAX / 2 : 0;
  const text = problem.source.slice(from, from + LINE_LENGTH_MAX);
  const column = problem.column - from;
  return { text, column, length: Math.max(1, Math.min(problem.length, text.length - column + 1)) };
}

function lineAt(lineStarts: readonly number[], offset: number): number {
  let low = 0;
  let high = lineStarts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((lineStarts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low + 1;
}
