// `apply`: the house becomes as the files say; on a terminal one watches until it is.
import { Option } from "commander";
import type { ApplyAnswer, ApplyRequest } from "../api/wire.ts";
import { deleteOrphans } from "./delete-orphans.ts";
import { EXIT, Failure } from "./failure.ts";
import { parseHere, readManifests } from "./manifest-files.ts";
import { addDuration, collect } from "./options.ts";
import { parseFormat, yaml } from "./print.ts";
import { refOf } from "./rollout.ts";
import type { CliPorts, Verb } from "./verb.ts";
import { waitForAll } from "./wait-for-ready.ts";

export interface ApplyOptions {
  readonly files: readonly string[];
  readonly recursive: boolean;
  readonly dryRun?: "server" | "client";
  readonly force: boolean;
  readonly manager: string;
  readonly prune: boolean;
  readonly selector?: string;
  /** Deletes without asking. */
  readonly yes: boolean;
  /** Absent: on a terminal. */
  readonly wait?: boolean;
  readonly timeoutMs: number;
  readonly output?: string;
  readonly detailedExitCode: boolean;
  readonly validate: "strict" | "warn";
}

interface Flags {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly dryRun?: "server" | "client" | true;
  readonly force?: boolean;
  readonly manager: string;
  readonly prune?: boolean;
  readonly selector?: string;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly output?: string;
  readonly detailedExitcode?: boolean;
  readonly validate: "strict" | "warn";
}

export const apply: Verb = {
  define(command, invoke) {
    command
      .requiredOption("-f, --filename <file|folder|URL|->", "what to apply; may be given several times", collect)
      .option("-R, --recursive", "folders in folders too")
      .addOption(
        new Option("--dry-run [where]", "only say what would happen; `client` asks no node").choices(["server", "client"]).preset("server"),
      )
      .addOption(
        new Option("--validate <how>", "what becomes of fields that nobody knows, say of a newer release: `warn` leaves them out")
          .choices(["strict", "warn"])
          .default("strict"),
      )
      .option("--force", "take objects over from whoever manages them")
      .option("--manager <name>", "as whom", "cli")
      .option("--prune", "delete what was applied before, has the labels of -l, and is in no file any more")
      .option("-l, --selector <labels>", "what --prune may delete")
      .option("-y, --yes", "let --prune delete without asking")
      .option("--wait", "until everything is ready; the default on a terminal")
      .option("--no-wait", "do not wait")
      .option("-o, --output <format>", "json, yaml or name")
      .option("--detailed-exitcode", "with --dry-run: 0 nothing would change, 1 something would");
    addDuration(command, "--timeout <duration>", "how long to wait", "5m")
      .addHelpText(
        "before",
        "Examples:\n  fossora apply -f jellyfin.yaml\n  fossora apply -f manifests/ --wait --timeout 10m\n  cat app.yaml | fossora apply -f -\n  fossora apply -f media/ --prune -l group=media\n  fossora apply -f app.yaml --validate=warn\n",
      )
      .action((flags: Flags) =>
        invoke((ports) => {
          const { filename, dryRun, wait, output, selector } = flags;
          return runApply(
            {
              files: filename,
              recursive: flags.recursive ?? false,
              force: flags.force ?? false,
              validate: flags.validate,
              manager: flags.manager,
              timeoutMs: flags.timeout,
              prune: flags.prune ?? false,
              yes: flags.yes ?? false,
              detailedExitCode: flags.detailedExitcode ?? false,
              ...(selector !== undefined && { selector }),
              ...(dryRun !== undefined && { dryRun: dryRun === true ? "server" : dryRun }),
              ...(wait !== undefined && { wait }),
              ...(output !== undefined && { output }),
            },
            ports,
          );
        }),
      );
  },
};

export async function runApply(options: ApplyOptions, ports: CliPorts): Promise<number> {
  const format = parseFormat(options.output);
  const prune = pruneOf(options);
  if (options.detailedExitCode && options.dryRun !== "server")
    throw new Failure(EXIT.usage, "Cannot say by --detailed-exitcode what would change without --dry-run=server.", "fossora apply --help");
  const request = await readManifests(options, ports);
  if (options.dryRun === "client") return checkHere(request, options, ports);
  const answer = await ports.client.json<ApplyAnswer>("PATCH", "/api/v1", {
    body: JSON.stringify(request),
    contentType: "application/apply+json",
    query: {
      manager: options.manager,
      ...(options.dryRun && { dryRun: "1" }),
      ...(options.force && { force: "1" }),
      ...(options.validate === "warn" && { leaveOutUnknown: "1" }),
      ...prune,
    },
  });
  if (format.kind === "json") ports.stdout.line(JSON.stringify(answer, undefined, 2));
  else if (format.kind === "yaml") ports.stdout.line(await yaml(answer));
  else
    for (const result of answer.results)
      ports.stdout.line(format.kind === "name" ? refOf(result) : `${refOf(result)} ${result.action}${answer.dryRun ? " (dry run)" : ""}`);
  for (const result of answer.results) warn(result, result.warnings, ports);
  if (answer.orphans) await deleteOrphans(answer.orphans, options, ports);
  if (answer.dryRun && options.detailedExitCode) return changes(answer) ? EXIT.failed : EXIT.ok;
  if (answer.dryRun || !(options.wait ?? ports.stderr.isTty)) return EXIT.ok;
  return waitForAll(answer.results, options.timeoutMs, ports);
}

/** A mistyped folder must not empty the house: what may go is always named. */
function pruneOf({ prune, selector, dryRun }: ApplyOptions): { readonly prune?: string } {
  if (!prune && selector === undefined) return {};
  if (!prune)
    throw new Failure(EXIT.usage, "Cannot apply: -l says what --prune may delete, and --prune is not there.", "fossora apply --help");
  if (dryRun === "client") throw new Failure(EXIT.usage, "Cannot prune without a node: use --dry-run=server.", "fossora apply --help");
  if (selector === undefined || selector.trim() === "")
    throw new Failure(
      EXIT.usage,
      "Cannot prune: -l is missing, the labels of what may be deleted.",
      "fossora apply -f DIR --prune -l group=media",
    );
  return { prune: selector };
}

function changes({ results, orphans = [] }: ApplyAnswer): boolean {
  return orphans.length > 0 || results.some(({ action }) => action !== "unchanged");
}

/** Without a node: what the language alone can say. */
async function checkHere(request: ApplyRequest, { validate }: ApplyOptions, ports: CliPorts): Promise<number> {
  for (const { object, warnings } of await parseHere(request, validate === "warn" ? "leave out" : "refuse")) {
    const ref = { kind: object.kind, name: object.metadata.name };
    ports.stdout.line(`${refOf(ref)} valid (dry run)`);
    warn(ref, warnings, ports);
  }
  return EXIT.ok;
}

function warn(about: Parameters<typeof refOf>[0], warnings: readonly string[], ports: CliPorts): void {
  for (const warning of warnings) ports.stderr.line(`${ports.stderr.marks.warn} ${refOf(about)} ${warning}`);
}
