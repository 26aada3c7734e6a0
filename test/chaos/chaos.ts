// A house of lab hosts with its apps, and trouble for it: what the runner and the test share. Keeps the hosts' logs where something went wrong.
import { appendFileSync, cpSync, existsSync, globSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { Lab } from "../support/lab.ts";
import { LabHouse } from "../support/lab-house.ts";
import { until } from "../support/until.ts";
import { APPS } from "./apps.ts";
import { superviseOnSmallDisk } from "./inflict.ts";
import { Trouble, type TroubleReport } from "./trouble.ts";

export interface ChaosOptions {
  readonly seed: number;
  readonly forMs: number;
  readonly hosts: 3 | 5;
  readonly calm: boolean;
  readonly lab: Lab;
  readonly say: (text: string) => void;
}

export interface ChaosReport extends TroubleReport {
  /** Sentences; none: all is well. */
  readonly failures: readonly string[];
  readonly folder: string;
}

const REPLACE_LIMIT_MS = 300_000;
const projectRoot = path.join(import.meta.dirname, "../..");

/** Throws what kept the house from coming to be, and `absent` where this machine can have none. */
export async function runChaos({ seed, forMs, hosts, calm, lab, say }: ChaosOptions): Promise<ChaosReport | { readonly absent: string }> {
  const house = new LabHouse(lab, { start: superviseOnSmallDisk });
  const folder = path.join(projectRoot, "out/chaos", `${calm ? "calm-" : ""}${hosts}-${seed}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tell = (text: string): void => {
    appendFileSync(path.join(folder, "timeline.log"), `${new Date().toISOString()} ${text}\n`);
    say(text);
  };
  const all = Array.from({ length: hosts }, (_, index) => index + 1);
  try {
    const absent = await house.up(hosts);
    if (absent !== undefined) return { absent };
    await house.start(...all);
    await house.areOneHouse(all);
    await house.hasVoters(hosts);
    // One after the other: a busy machine has no engine that starts twenty containers at once in time.
    for (const { manifest } of APPS) await house.node(1).apply(manifest, "--wait", "--timeout", "10m");
    const install = async (number: number): Promise<void> => {
      await house.node(number).install();
      await house.start(number);
      // What it was is told by a person, who need not wait until it has been silent for long.
      const other = house.node(number === 1 ? 2 : 1);
      const { name } = house.node(number);
      let said = "";
      const isReplaced = async (): Promise<boolean> => {
        const { code, stderr } = await other.try("node", "replace", name, name);
        said = stderr;
        return code === 0;
      };
      await until(`${name} takes its own place again`, isReplaced, REPLACE_LIMIT_MS).catch((error: unknown) => {
        throw new Error(said, { cause: error });
      });
    };
    const report = await new Trouble({ house, apps: APPS, seed, forMs, calm, say: tell, install }).run();
    const failures = failuresOf(report, calm);
    if (failures.length > 0) await keepLogs(house, folder);
    for (const failure of failures) tell(`FAILED: ${failure}`);
    return { ...report, failures, folder };
  } catch (error) {
    await keepLogs(house, folder).catch(() => undefined); // what failed first counts
    throw error;
  } finally {
    await lab.down();
  }
}

function failuresOf({ wrong, broken, verdicts, moves }: TroubleReport, calm: boolean): readonly string[] {
  return [
    ...wrong.map(({ app, atMs, what }) => `${app} at ${(atMs / 1000).toFixed(1)} s: ${what}`),
    ...(broken === undefined ? [] : [broken]),
    ...(calm && verdicts > 0 ? [`${verdicts} times a computer counted as dead`] : []),
    ...(calm && moves > 0 ? [`${moves} times an app went elsewhere`] : []),
  ];
}

/** Of the agents, and of what they started. */
async function keepLogs(house: LabHouse, folder: string): Promise<void> {
  for (const { name, dir, root } of await house.lab.hosts()) {
    const to = path.join(folder, name);
    mkdirSync(to, { recursive: true });
    if (existsSync(path.join(dir, "log"))) cpSync(path.join(dir, "log"), to, { recursive: true });
    for (const file of globSync("var/lib/fossora/**/*.log", { cwd: root }))
      cpSync(path.join(root, file), path.join(to, path.basename(file)));
  }
}
