// The table of the ingress' bench from the samples of interleaved rounds: medians, and ratios within a round, where the machine was as
// busy for the one as for the other.
import { median } from "./measure.ts";

export interface Sample {
  /** What the row is about: requests, megabytes or queries a second, milliseconds, KiB. */
  readonly value: number;
  /** Processor time for each of them, µs. */
  readonly cpuUs?: number;
  readonly p99Ms?: number;
}

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Of each peer, one sample a round; Fossora is the first. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  /** Beside the peer whose name starts so. */
  readonly aim?: Aim;
  readonly most?: number;
}

export interface Aim {
  readonly beside: string;
  readonly ratio: number;
  /** Less is better. */
  readonly lower?: boolean;
  readonly p99Lower?: boolean;
  /** Where the load is slower than the peer, its rate says nothing. */
  readonly byCpu?: boolean;
}

export interface Judged {
  readonly line: string;
  readonly ok: boolean;
}

export function columns(rows: readonly Row[]): readonly string[] {
  return [...new Set(rows.flatMap(({ samples }) => [...samples.keys()]))];
}

export function head(peers: readonly string[]): string {
  return `| | ${peers.join(" | ")} | beside | aim |\n|${"---|".repeat(peers.length + 3)}`;
}

export function judge(row: Row, peers: readonly string[]): Judged {
  const cells = peers.map((peer) => cell(row, row.samples.get(peer)));
  const [ours = []] = row.samples.values();
  const { aim, most } = row;
  if (most !== undefined) {
    const ok = median(ours.map(({ value }) => value)) <= most;
    return { line: line(row.name, cells, "", `<= ${most} ${row.unit}`, ok), ok };
  }
  const [, theirs] = [...row.samples].find(([name]) => aim !== undefined && name.startsWith(aim.beside)) ?? [];
  if (aim === undefined || theirs === undefined) return { line: line(row.name, cells, "", "-", true), ok: true };
  const ratio = median(ratios(ours, theirs, ({ value }) => value));
  const byCpu = median(ratios(theirs, ours, ({ cpuUs }) => cpuUs));
  const p99 = median(ratios(ours, theirs, ({ p99Ms }) => p99Ms));
  const parts = [
    `${ratio.toFixed(2)} x`,
    ...(Number.isNaN(byCpu) ? [] : [`by CPU ${byCpu.toFixed(2)} x`]),
    ...(Number.isNaN(p99) ? [] : [`p99 ${p99.toFixed(2)} x`]),
  ];
  const judgedBy = aim.byCpu === true ? byCpu : ratio;
  const reached = aim.lower === true ? judgedBy <= aim.ratio : judgedBy >= aim.ratio;
  const ok = reached && !(aim.p99Lower === true && p99 > 1);
  const wanted = `${aim.lower === true ? "<=" : ">="} ${aim.ratio} x ${aim.beside}${aim.p99Lower === true ? ", p99 lower" : ""}${aim.byCpu === true ? " by CPU" : ""}`;
  return { line: line(row.name, cells, parts.join(", "), wanted, ok), ok };
}

function line(name: string, cells: readonly string[], beside: string, aim: string, ok: boolean): string {
  return `| ${[name, ...cells, beside, `${aim}${ok ? "" : " (missed)"}`].join(" | ")} |`;
}

function cell({ unit }: Row, samples: readonly Sample[] = []): string {
  if (samples.length === 0) return "-";
  const middle = (pick: (sample: Sample) => number | undefined): number => median(samples.flatMap((sample) => pick(sample) ?? []));
  const [value, cpuUs, p99Ms] = [middle((each) => each.value), middle((each) => each.cpuUs), middle((each) => each.p99Ms)];
  const more = [...(Number.isNaN(cpuUs) ? [] : [`${round(cpuUs)} µs`]), ...(Number.isNaN(p99Ms) ? [] : [`p99 ${round(p99Ms)} ms`])];
  return `${round(value)} ${unit}${more.length > 0 ? ` (${more.join(", ")})` : ""}`;
}

function ratios(above: readonly Sample[], below: readonly Sample[], pick: (sample: Sample) => number | undefined): readonly number[] {
  return above.flatMap((sample, index) => {
    const [top, bottom] = [pick(sample), below[index] && pick(below[index])];
    return top === undefined || bottom === undefined || bottom === 0 ? [] : [top / bottom];
  });
}

function round(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(2).replace(/\.0$/, "");
}
