// A strict reader of Prometheus' text format 0.0.4: throws at whatever a scraper could object to, and answers the samples.
import assert from "node:assert/strict";

export interface Scraped {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly { readonly name: string; readonly labels: Readonly<Record<string, string>>; readonly value: number }[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (NaN|[+-]Inf|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/;

export function parseMetrics(text: string): Scraped {
  assert.ok(text === "" || text.endsWith("\n"), "the last line must end");
  const types = new Map<string, string>();
  const helps = new Set<string>();
  const samples: Scraped["samples"][number][] = [];
  const seen = new Set<string>();
  let family = "";
  for (const line of text.split("\n").slice(0, -1)) {
    if (line.startsWith("# HELP ")) {
      family = word(line, 2);
      assert.ok(!helps.has(family), `two HELP of ${family}`);
      assert.match(line, /^# HELP \S+ (?:[^\\]|\\\\|\\n)+$/);
      helps.add(family);
    } else if (line.startsWith("# TYPE ")) {
      assert.equal(word(line, 2), family, "TYPE follows the HELP of its family");
      assert.match(line, /^# TYPE \S+ (counter|gauge|histogram)$/);
      assert.ok(!types.has(family), `two TYPE of ${family}`);
      types.set(family, word(line, 3));
    } else {
      const sample = parseSample(line);
      assert.ok(belongs(sample.name, family, types.get(family)), `${sample.name} stands below ${family}`);
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
      const key = `${sample.name} ${labels.sort().join(",")}`;
      assert.ok(!seen.has(key), `twice: ${line}`);
      seen.add(key);
      samples.push(sample);
    }
  }
  for (const name of types.keys()) if (types.get(name) === "counter") assert.match(name, /_total$/, "counters end in _total");
  checkHistograms({ types, samples });
  return { types, samples };
}

/** The one sample of that name and these labels. */
export function valueOf({ samples }: Scraped, name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
  const found = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  assert.ok(found.length <= 1, `${name} has ${found.length} samples with ${JSON.stringify(labels)}`);
  return found[0]?.value;
}

function parseSample(line: string): Scraped["samples"][number] {
  const [, name = "", labelText, value = ""] = SAMPLE.exec(line) ?? assert.fail(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  for (let rest = labelText ?? ""; rest !== "";) {
    const [whole, label = "", text = ""] = LABEL.exec(rest) ?? assert.fail(`no label: ${rest}`);
    assert.ok(!(label in labels), `two labels ${label}: ${line}`);
    labels[label] = text.replace(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    rest = rest.slice(whole.length);
  }
  return { name, labels, value: value.endsWith("Inf") ? (value.startsWith("-") ? -Infinity : Infinity) : Number(value) };
}

function belongs(name: string, family: string, type: string | undefined): boolean {
  if (type !== "histogram") return type !== undefined && name === family;
  return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name);
}

/** Buckets grow, the last one is +Inf and as many as are counted. */
function checkHistograms({ types, samples }: Scraped): void {
  for (const [family, type] of types) {
    if (type !== "histogram") continue;
    for (const { labels, value: count } of samples.filter(({ name }) => name === `${family}_count`)) {
      const buckets = samples.filter(
        (sample) => sample.name === `${family}_bucket` && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      const bounds = buckets.map((bucket) => (bucket.labels["le"] === "+Inf" ? Infinity : Number(bucket.labels["le"])));
      assert.deepEqual(
        bounds,
        bounds.toSorted((a, b) => a - b),
        `${family}: bounds in order`,
      );
      assert.deepEqual([bounds.at(-1), buckets.at(-1)?.value], [Infinity, count], `${family}: +Inf is the count`);
      const values = buckets.map(({ value }) => value);
      assert.deepEqual(
        values,
        values.toSorted((a, b) => a - b),
        `${family}: buckets are cumulative`,
      );
    }
  }
}

function word(line: string, index: number): string {
  return line.split(" ")[index] ?? "";
}
