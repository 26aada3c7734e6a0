// `npm test`: sets up what this machine can have, then runs every test of the project and counts it. Suites, or test files, can be named:
// `npm test -- unit sim`, `npm test -- src/api/merge.test.ts`, `npm run unit -- src/api/merge.test.ts`. The last line is `N passed, N failed`.
import { existsSync, globSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { runChecks } from "./check.ts";
import { projectRoot, whenInterrupted } from "./machine.ts";
import { judged, SKIPS } from "./skips.ts";
import { runTestFile } from "./test-file.ts";
import type { TestOutcome } from "./test-reporter.ts";
import { setUpTests } from "./test-setup.ts";

interface Suite {
  readonly files: readonly string[];
  /** What a file may take: ten times the aim, so that only a hang meets it. */
  readonly limitMs: number;
  /** Files at a time. */
  readonly concurrency: number;
  /** Parts of the names of those that take longest: begun last they would be waited for. */
  readonly longest?: RegExp;
}

const parallel = availableParallelism();
const fileLimitMs = 900_000;
/** A file that takes so long is said when it ends: whoever waits sees how far it is, and where the time goes. */
const LONG_MS = 20_000;

const suites: Readonly<Record<string, Suite>> = {
  unit: {
    files: ["{src,controllers,schemas,tools}/**/*.test.ts", "test/{support,fakes,properties,contracts,chaos}/**/*.test.ts"],
    limitMs: 300_000,
    concurrency: parallel + 1,
    longest: /^test\//,
  },
  sim: { files: ["test/sim/**/*.test.ts"], limitMs: 600_000, concurrency: parallel },
  // Most of their time they wait.
  integration: {
    files: ["test/integration/**/*.test.ts"],
    limitMs: 600_000,
    concurrency: 2 * parallel,
    longest: /house-control|house-leave|joining|docker|store-|takeover|steward|house-sight|cli-across/,
  },
  e2e: {
    files: ["test/e2e/**/*.test.ts"],
    limitMs: fileLimitMs,
    concurrency: parallel,
    longest: /processes|conditions|demo|install\.|install-(places|systemd)|ownership|images|local-names|containers|program/,
  },
  // Several computers each, which take the processors whole: what more of them at a time would win they lose to each other. Those that take
  // longer are in `npm run soak -- houses`. The benches are tried beside them, and may miss their aims.
  houses: {
    files: ["test/{houses,bench}/**/*.test.ts"],
    limitMs: fileLimitMs,
    concurrency: parallel,
    longest: /figures|chaos|drain|house-commands|joining/,
  },
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)}s`;

async function check(): Promise<readonly TestOutcome[]> {
  const outcomes = (await runChecks()).map(({ name, passed, output, durationMs }): TestOutcome => {
    return { name: `check > ${name}`, outcome: passed ? "passed" : "failed", reason: output, durationMs };
  });
  outcomes.forEach(sayFailure);
  return outcomes;
}

/** The next file starts when one ends; what fails is said at once. */
async function runFiles(files: readonly string[], { limitMs, concurrency }: Omit<Suite, "files">): Promise<readonly TestOutcome[]> {
  const waiting = [...files];
  const all: TestOutcome[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const startedAt = performance.now();
      const outcomes = await runTestFile(file, limitMs);
      const tookMs = performance.now() - startedAt;
      if (tookMs >= LONG_MS) print(`  ${file} ${seconds(tookMs)}`);
      const named = outcomes.map((outcome) => ({ ...outcome, name: outcome.name === file ? file : `${file} > ${outcome.name}` }));
      const found = named.map((outcome) => judged(outcome, process.env[SKIPS]));
      found.forEach(sayFailure);
      all.push(...found);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return all;
}

function sayFailure({ outcome, name, reason = "" }: TestOutcome): void {
  if (outcome === "failed") print(`✗ ${name}\n${reason.trimEnd().replaceAll(/^/gm, "    ")}`);
}

/** What can be run by name. */
const runs: Readonly<Record<string, () => Promise<readonly TestOutcome[]>>> = {
  check,
  ...Object.fromEntries(
    Object.entries(suites).map(([name, suite]) => {
      const files = (): readonly string[] =>
        suite.files.flatMap((pattern) => globSync(pattern, { cwd: projectRoot })).sort(byLength(suite));
      return [name, () => runFiles(files(), suite)];
    }),
  ),
};

function byLength({ longest }: Suite): (a: string, b: string) => number {
  const isLong = (file: string): boolean => longest?.test(file) === true;
  return (a, b) => Number(isLong(b)) - Number(isLong(a)) || (a < b ? -1 : 1);
}

/** A suite of which files are named runs these alone. */
function wanted(names: readonly string[]): readonly string[] {
  const patterns = (name: string): readonly string[] => suites[name]?.files ?? [];
  return names.filter((name) => !patterns(name).some((pattern) => names.some((file) => path.matchesGlob(file, pattern))));
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find((name) => !(name in runs) && !existsSync(path.join(projectRoot, name)));
  if (unknown !== undefined) {
    process.stderr.write(`Cannot run "${unknown}": it is neither a test file nor one of ${Object.keys(runs).join(", ")}.\n`);
    process.exitCode = 2;
    return;
  }
  const began = performance.now();
  const running = names.length === 0 ? Object.keys(runs) : wanted(names);
  // Others run the sources.
  const program = running.some((name) => /^(test\/)?(e2e|houses|bench)\b/.test(name));
  const built = await setUpTests((text) => process.stderr.write(`${text}\n`), { program });
  built.forEach(sayFailure);
  print(`set-up       ${seconds(performance.now() - began)}`);
  const outcomes = [...built];
  for (const name of running) {
    const run = runs[name] ?? (() => runFiles([name], { limitMs: fileLimitMs, concurrency: 1 }));
    const startedAt = performance.now();
    const found = await run();
    print(`${name.padEnd(12)} ${counts(found)}  ${seconds(performance.now() - startedAt)}`);
    outcomes.push(...found);
  }
  summarize(outcomes, {
    ranNothing: outcomes.slice(built.length).every(({ outcome }) => outcome === "skipped"),
    durationMs: performance.now() - began,
  });
}

function summarize(
  outcomes: readonly TestOutcome[],
  { ranNothing, durationMs }: { readonly ranNothing: boolean; readonly durationMs: number },
): void {
  const skipped = outcomes.filter(({ outcome }) => outcome === "skipped");
  const failed = outcomes.filter(({ outcome }) => outcome === "failed");
  if (skipped.length > 0) print("\nSkipped here:");
  for (const { name, reason } of skipped) print(`  ${name}: ${reason ?? ""}`);
  if (failed.length > 0) print("\nFailed:");
  for (const { name } of failed) print(`  ${name}`);
  if (ranNothing) print("\nNo test was run, which is a failure.");
  print(`\n${seconds(durationMs)} in all`);
  print(ranNothing ? `0 passed, ${failed.length + 1} failed, ${skipped.length} skipped` : counts(outcomes));
  process.exitCode = failed.length > 0 || ranNothing ? 1 : 0;
}

function counts(outcomes: readonly TestOutcome[]): string {
  const count = (wanted: TestOutcome["outcome"]): number => outcomes.filter(({ outcome }) => outcome === wanted).length;
  const skipped = count("skipped");
  return `${count("passed")} passed, ${count("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

whenInterrupted(() => undefined); // each file is cleared when this process ends
await main(process.argv.slice(2));
