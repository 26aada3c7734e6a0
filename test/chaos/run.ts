// `npm run chaos`: a house of lab hosts in trouble that a seed draws, while clients ask it all the time; prints what each app's clients saw.
// `--help` has its flags. A failure prints its seed, and leaves the hosts' logs in out/chaos.
import { randomInt } from "node:crypto";
import path from "node:path";
import { setUpTests } from "../../tools/test-setup.ts";
import { downWhenInterrupted, Lab, labReason } from "../support/lab.ts";
import { runChaos } from "./chaos.ts";
import { chaosWords, USAGE, type ChaosWords } from "./options.ts";
import { tallyTable } from "./tally.ts";

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function words(): ChaosWords | undefined {
  try {
    return chaosWords(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

async function main(): Promise<void> {
  const wanted = words();
  if (wanted === undefined) return void process.stdout.write(USAGE);
  const { minutes, hosts, calm, seed = randomInt(2 ** 31) } = wanted;
  const reason = labReason();
  if (reason !== undefined) throw new Error(`Cannot make trouble: ${reason}`);
  const [built] = await setUpTests((text) => process.stderr.write(`${text}\n`), { program: true });
  if (built?.outcome === "failed") throw new Error(built.reason);
  say(`seed ${seed}, ${hosts} computers, ${minutes} minutes${calm ? ", calm" : ""}`);
  const lab = new Lab(`c${process.pid % 100_000}`);
  downWhenInterrupted();
  const report = await runChaos({ seed, hosts, forMs: minutes * 60_000, calm, lab, say });
  if ("absent" in report) throw new Error(`Cannot make trouble: ${report.absent}`);
  const { tallies, wrong, episodes, faults, acknowledged, verdicts, moves, failures, folder } = report;
  const wrongOf = new Map(tallies.map(({ app }) => [app, wrong.filter((each) => each.app === app).length]));
  say(`\n${tallyTable(tallies, wrongOf)}\n`);
  const total = [...faults.values()].reduce((a, b) => a + b, 0);
  const kinds = [...faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  say(`${total} faults: ${kinds.join(", ")}`);
  say(
    `${episodes} episodes, ${acknowledged} writes acknowledged, ${verdicts} deaths recorded, ${moves} moves, ${wrong.length} wrong answers`,
  );
  if (failures.length === 0) return;
  say(`FAILED with seed ${seed}: the logs are in ${path.relative(process.cwd(), folder)}`);
  process.exitCode = 1;
}

await main();
