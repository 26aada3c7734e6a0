// `npm run check`: what can be known without running the program. Types, lint, format, dead code, house rules
// (generated types among them).
import path from "node:path";
import { runCommand } from "./command.ts";
import { projectRoot } from "./machine.ts";

const limitMs = 300_000;

const bin = (name: string, ...args: string[]): readonly string[] => [
  process.execPath,
  path.join(projectRoot, "node_modules/.bin", name),
  ...args,
];

const checks: Readonly<Record<string, readonly string[]>> = {
  types: bin("tsc", "-p", "."),
  lint: bin("oxlint"),
  format: bin("oxfmt", "--check"),
  "dead code": bin("knip", "--no-progress"),
  "house rules": [process.execPath, "--test", "test/house.test.ts"],
};

export interface CheckResult {
  readonly name: string;
  readonly passed: boolean;
  readonly output: string;
  readonly durationMs: number;
}

/** All at once: together they take as long as the slowest. */
export function runChecks(): Promise<readonly CheckResult[]> {
  return Promise.all(
    Object.entries(checks).map(async ([name, command]) => {
      const { code, output, durationMs } = await runCommand(command, { cwd: projectRoot, limitMs });
      return { name, passed: code === 0, output, durationMs };
    }),
  );
}

if (import.meta.main) {
  const results = await runChecks();
  for (const { name, passed, durationMs } of results)
    process.stdout.write(`${passed ? "✓" : "✗"} ${name}  ${(durationMs / 1000).toFixed(1)}s\n`);
  const failed = results.filter(({ passed }) => !passed);
  for (const { name, output } of failed) process.stdout.write(`\n${name}\n${output}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}
