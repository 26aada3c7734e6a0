// `npm run bench`: the figures of one computer on a lab host, of several that become one house, the ingress beside its peers, the way
// through another node, growth on fakes, power cuts beside Docker Swarm; prints the tables of the README. Exit code 1 when an aim is missed.
// `-- figures` or another name for one of them; of `-- failover` also `--times 3` and `--part fossora`.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { setUpTests } from "../../tools/test-setup.ts";
import { downWhenInterrupted, Lab, labReason } from "../support/lab.ts";
import { benchAcross } from "./across.ts";
import { benchFailover, FAILOVER_TIMES } from "./failover.ts";
import { benchIngress } from "./ingress.ts";
import { benchJoining, type FigureRow } from "./joining.ts";

const image = "lab/whoami:1";
const projectRoot = path.join(import.meta.dirname, "../..");

async function figures(): Promise<readonly FigureRow[]> {
  const reason = labReason();
  if (reason !== undefined) throw new Error(`Cannot measure: ${reason}`);
  const lab = new Lab(process.env["LAB_NAME"] ?? `b${process.pid % 100_000}`); // the name by which a test's is taken down
  try {
    const [host] = await lab.up(1, { share: [projectRoot] });
    if (!host) throw new Error("The lab gave no host");
    const program = "/usr/local/bin/fossora";
    copyFileSync(path.join(projectRoot, "dist/fossora"), path.join(host.root, program));
    const output = await lab.exec(host.name, process.execPath, path.join(import.meta.dirname, "figures.ts"), program, image);
    return (JSON.parse(output) as { readonly rows: readonly FigureRow[] }).rows; // what figures.ts prints
  } finally {
    await lab.down();
  }
}

function table(rows: readonly FigureRow[]): string {
  const lines = rows.map(({ figure, fossora, peers, aim, ok }) => `| ${figure} | ${fossora} | ${peers} | ${aim}${ok ? "" : " (missed)"} |`);
  return ["| figure | Fossora | beside it | aim |", "|---|---|---|---|", ...lines].join("\n");
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const parts = ["figures", "joining", "ingress", "across", "growth", "failover"];

const options = { times: { type: "string", default: String(FAILOVER_TIMES) }, part: { type: "string" } } as const;

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals: wanted } = parseArgs({ args: [...args], options, allowPositionals: true });
  const times = Number(values.times);
  if (!Number.isInteger(times) || times < 1) throw new Error(`Cannot measure "${values.times}" times: it is a number such as 3`);
  const unknown = wanted.find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Error(`Cannot measure "${unknown}": it is none of ${parts.join(", ")}`);
  downWhenInterrupted();
  const runs = (part: string): boolean => wanted.length === 0 || wanted.includes(part);
  if (runs("figures") || runs("joining") || runs("ingress") || runs("failover")) {
    const [built] = await setUpTests(say, { program: true });
    if (built?.outcome === "failed") throw new Error(built.reason);
  }
  if (runs("figures")) {
    const rows = await figures();
    process.stdout.write(`${table(rows)}\n\n`);
    if (rows.some(({ ok }) => !ok)) process.exitCode = 1;
  }
  if (runs("joining")) {
    const rows = await benchJoining(say);
    process.stdout.write(`${table(rows)}\n\n`);
    if (rows.some(({ ok }) => !ok)) process.exitCode = 1;
  }
  if (runs("ingress") && !(await benchIngress(say))) process.exitCode = 1;
  if (runs("across")) await benchAcross(say);
  if (runs("failover") && !(await benchFailover(say, { times, part: values.part }))) process.exitCode = 1;
  if (runs("growth")) execFileSync(process.execPath, [path.join(import.meta.dirname, "growth.ts")], { stdio: "inherit" });
}

await main(process.argv.slice(2));
