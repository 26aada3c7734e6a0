// `npm run chaos`: a house of lab hosts in trouble that a seed draws, while clients ask it all the time; prints what each app's clients saw.
// `--minutes 30`, `--seed N` to repeat one, `--hosts 5`; `--calm`: nothing but what a house must not take for a death.
// A failure prints its seed, and leaves the hosts' logs in out/chaos.
import { randomInt } from "node:crypto";
import path from "node:path";
import { parseArgs } from "node:util";
import { setUpTests } from "../../tools/test-setup.ts";
import { Lab, labReason } from "../support/lab.ts";
import { runChaos } from "./chaos.ts";
import { tallyTable } from "./tally.ts";

const options = {
  minutes: { type: "string", default: "30" },
  seed: { type: "string" },
  hosts: { type: "string", default: "3" },
  calm: { type: "boolean", default: false },
} as const;
const { values } = parseArgs({ options });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const minutes = Number(values.minutes);
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const hosts = Number(values.hosts);
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error("--minutes and --seed are numbers");
  if (hosts !== 3 && hosts !== 5) throw new Error("--hosts is 3 or 5");
  const reason = labReason();
  if (reason !== undefined) throw new Error(`Cannot make trouble: ${reason}`);
  const [built] = await setUpTests((text) => process.stderr.write(`${text}\n`), { program: true });
  if (built?.outcome === "failed") throw new Error(built.reason);
  say(`seed ${seed}, ${hosts} computers, ${minutes} minutes${values.calm ? ", calm" : ""}`);
  const lab = new Lab(`c${process.pid % 100_000}`);
  const report = await runChaos({ seed, hosts, forMs: minutes * 60_000, calm: values.calm, lab, say });
  if ("absent" in report) throw new Error(`Cannot make trouble: ${report.absent}`);
  const { tallies, wrong, episodes, acknowledged, verdicts, moves, failures, folder } = report;
  const wrongOf = new Map(tallies.map(({ app }) => [app, wrong.filter((each) => each.app === app).length]));
  say(`\n${tallyTable(tallies, wrongOf)}\n`);
  say(
    `${episodes} episodes, ${acknowledged} writes acknowledged, ${verdicts} deaths recorded, ${moves} moves, ${wrong.length} wrong answers`,
  );
  if (failures.length === 0) return;
  say(`FAILED with seed ${seed}: the logs are in ${path.relative(process.cwd(), folder)}`);
  process.exitCode = 1;
}

await main();
