// Runs one test file in a process of its own, to its end or its limit, and leaves nothing of it: no process, no mount, no bridge, no folder.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { removeBridges } from "./bridges.ts";
import { runCommand } from "./command.ts";
import { labsFolder, projectRoot, removeTree } from "./machine.ts";
import type { TestOutcome } from "./test-reporter.ts";

const reporter = path.join(projectRoot, "tools/test-reporter.ts");
const lab = path.join(projectRoot, "test/lab/lab");
/** What Node made of our sources is made once, and not in each of some hundred processes: half of the time of a small file. */
const compileCache = path.join(projectRoot, "node_modules/.cache/node");
const marker = "FOSSORA_TEST_FILE";
const outputCharsMax = 4_000;

let filesRun = 0;

/** A file that crashes, hangs or has no test is a failure of its own, named after the file. */
export async function runTestFile(file: string, limitMs: number): Promise<readonly TestOutcome[]> {
  // Everything that the file starts inherits the marker, and puts its own files below the folder.
  const folder = mkdtempSync(path.join(tmpdir(), "ft-"));
  const outcomes = path.join(folder, "outcomes");
  const labName = `t${process.pid.toString(36)}x${(filesRun++).toString(36)}`;
  const env = {
    ...process.env,
    TMPDIR: folder,
    [marker]: folder,
    LAB_NAME: labName,
    NODE_TEST_CONTEXT: undefined,
    NODE_COMPILE_CACHE: compileCache,
  };
  const failed = (why: string, output: string, durationMs: number): TestOutcome => {
    return { name: file, outcome: "failed", reason: `${why}\n${output.slice(-outputCharsMax)}`, durationMs };
  };
  const clear = (): readonly TestOutcome[] => {
    killMarked(folder);
    const began = performance.now();
    const { status, stderr } = existsSync(path.join(labsFolder, labName))
      ? spawnSync(lab, ["down"], { env, encoding: "utf8" })
      : { status: 0, stderr: "" };
    removeBridges(folder);
    removeTree(folder);
    return status === 0 ? [] : [failed("its lab could not be taken down", stderr, performance.now() - began)];
  };
  const run = async (): Promise<readonly TestOutcome[]> => {
    const command = [process.execPath, "--test-reporter", reporter, "--test-reporter-destination", outcomes, file];
    const { code, output, durationMs } = await runCommand(command, { cwd: projectRoot, env, limitMs });
    const found = existsSync(outcomes) ? readOutcomes(outcomes) : [];
    if (code !== 0 && !found.some(({ outcome }) => outcome === "failed"))
      return [...found, failed(`the file ended with ${code ?? "a signal"}`, output, durationMs)];
    return found.length === 0 ? [failed("the file has no test", output, durationMs)] : found;
  };
  process.once("exit", clear); // where the run is interrupted
  let left: readonly TestOutcome[] = [];
  const found = await run().finally(() => {
    process.off("exit", clear);
    left = clear();
  });
  return [...found, ...left];
}

function readOutcomes(file: string): readonly TestOutcome[] {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.endsWith("}")); // the last one may have been cut short
  return lines.map((line) => JSON.parse(line) as TestOutcome); // written by our reporter
}

/** Also what went into a session of its own, and what its children are, as the processes in containers. */
function killMarked(value: string): void {
  const processes = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap(readProcess);
  const doomed = new Set(processes.filter(({ environment }) => environment.includes(`${marker}=${value}`)).map(({ pid }) => pid));
  for (let before = -1; before !== doomed.size;) {
    before = doomed.size;
    for (const { pid, parent } of processes) if (doomed.has(parent)) doomed.add(pid);
  }
  for (const pid of doomed) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

function readProcess(name: string): readonly { readonly pid: number; readonly parent: number; readonly environment: string }[] {
  try {
    const stat = readFileSync(`/proc/${name}/stat`, "latin1");
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return [{ pid: Number(name), parent, environment: readFileSync(`/proc/${name}/environ`, "latin1") }];
  } catch {
    return []; // it ended meanwhile, or is another user's
  }
}
