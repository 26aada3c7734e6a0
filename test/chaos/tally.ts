// What clients have seen of an app while its house was in trouble: how often it answered, how long it did not, and what was wrong. Pure.

export interface Sight {
  readonly app: string;
  /** When it was asked and when that ended, ms since the beginning. */
  readonly askedMs: number;
  readonly endedMs: number;
  readonly answered: boolean;
  /** Asked at a computer that was well, in a house that can bear what befell it: it should have been answered. */
  readonly expected: boolean;
}

/** Time in which the house should have answered. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Tally {
  readonly app: string;
  readonly asked: number;
  readonly answered: number;
  /** Without an answer from any computer, ms. */
  readonly longestOutageMs: number;
  readonly outageAtMs: number;
}

export function tallyOf(app: string, sights: readonly Sight[], spans: readonly Span[]): Tally {
  const own = sights.filter((sight) => sight.app === app);
  const expected = own.filter((sight) => sight.expected);
  const answers = own
    .filter(({ answered }) => answered)
    .map(({ endedMs }) => endedMs)
    .sort((a, b) => a - b);
  const gaps = spans.flatMap((span) => gapsIn(span, answers));
  const longest = gaps.reduce((a, b) => (b.toMs - b.fromMs > a.toMs - a.fromMs ? b : a), { fromMs: 0, toMs: 0 });
  return {
    app,
    asked: expected.length,
    answered: expected.filter(({ answered }) => answered).length,
    longestOutageMs: longest.toMs - longest.fromMs,
    outageAtMs: longest.fromMs,
  };
}

/** Between one answer and the next. */
function gapsIn({ fromMs, toMs }: Span, answers: readonly number[]): readonly Span[] {
  const marks = [fromMs, ...answers.filter((atMs) => atMs > fromMs && atMs < toMs), toMs];
  return marks.slice(1).map((atMs, index) => ({ fromMs: marks[index] ?? atMs, toMs: atMs }));
}

export function tallyTable(tallies: readonly Tally[], wrong: ReadonlyMap<string, number>): string {
  const rows = tallies.map(({ app, asked, answered, longestOutageMs, outageAtMs }) => {
    const share = asked === 0 ? "-" : `${((100 * answered) / asked).toFixed(2)} %`;
    return `| ${app} | ${asked} | ${share} | ${seconds(longestOutageMs)} s, from ${seconds(outageAtMs)} s on | ${wrong.get(app) ?? 0} |`;
  });
  return ["| app | asked | answered | longest outage | wrong |", "|---|---|---|---|---|", ...rows].join("\n");
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
