// `get`: objects as a table, as text for programs, or as they change.
import { Option } from "commander";
import type { ObjectList, ServedObject } from "../api/wire.ts";
import { ApiFailure, EXIT } from "./failure.ts";
import { parseFormat, printGroups, sorted, type Format, type Group } from "./print.ts";
import { parseTargets, pathOf, type Target } from "./targets.ts";
import type { CliPorts, Verb } from "./verb.ts";
import { watchGroups, type GetOptions } from "./get-watch.ts";

interface Flags {
  readonly output?: string;
  readonly selector?: string;
  readonly fieldSelector?: string;
  readonly sortBy?: string;
  readonly showLabels?: boolean;
  readonly watch?: boolean;
}

export const get: Verb = {
  define(command, invoke) {
    command
      .argument("<kind[,kind]|kind/name|all>", "what to show, see: fossora api-resources")
      .argument("[name...]", "only these")
      .addOption(new Option("-o, --output <format>", "wide, json, yaml, name, jsonpath=TEMPLATE, custom-columns=HEADER:PATH,..."))
      .option("-w, --watch", "go on, one line a change")
      .option("-l, --selector <labels>", "only with these labels: app=web,tier!=db,env in (a,b)")
      .option("--field-selector <fields>", "only with these fields: spec.node=nas")
      .option("--sort-by <path>", "JSONPath of what to sort by, e.g. .metadata.creationTimestamp")
      .option("--show-labels", "a column with the labels")
      .addHelpText(
        "before",
        "Examples:\n  fossora get services\n  fossora get svc,nodes,routes\n  fossora get svc/jellyfin -o yaml\n  fossora get instances -w\n",
      )
      .action((kind: string, names: readonly string[], flags: Flags) =>
        invoke((ports) => {
          const { selector, fieldSelector, sortBy } = flags;
          return runGet(
            {
              targets: parseTargets([kind, ...names]),
              format: parseFormat(flags.output),
              showLabels: flags.showLabels ?? false,
              watch: flags.watch ?? false,
              ...(selector !== undefined && { selector }),
              ...(fieldSelector !== undefined && { fields: fieldSelector }),
              ...(sortBy !== undefined && { sortBy }),
            },
            ports,
          );
        }),
      );
  },
};

export async function runGet(options: GetOptions, ports: CliPorts): Promise<number> {
  if (options.watch) return watchGroups(options, ports);
  const { groups, failures } = await readGroups(options, ports);
  const single = options.targets.length === 1 && options.targets[0]?.name !== undefined;
  const text = await printGroups(groups, options.format, { labels: options.showLabels, nowMs: ports.now(), single });
  if (failures.length === 0 || groups.some((group) => group.objects.length > 0)) writeText(text, options.format, ports);
  if (options.format.kind === "table") sayWhatIsMissing(groups, options, ports, failures.length);
  if (failures.length > 1) for (const { status } of failures.slice(0, -1)) ports.stderr.line(`error: ${status.message}`);
  const last = failures.at(-1);
  if (last) throw last;
  return EXIT.ok;
}

/** One missing name must not hide the others. */
async function readGroups(
  options: GetOptions,
  ports: CliPorts,
): Promise<{ readonly groups: readonly Group[]; readonly failures: readonly ApiFailure[] }> {
  const failures: ApiFailure[] = [];
  const read = async (target: Target): Promise<Group> => {
    if (target.name === undefined) {
      const list = await ports.client.json<ObjectList>("GET", pathOf(target), {
        query: { labelSelector: options.selector, fieldSelector: options.fields },
      });
      return { kind: target.names.kind, objects: sorted(list.items, options.sortBy) };
    }
    try {
      return { kind: target.names.kind, objects: [await ports.client.json<ServedObject>("GET", pathOf(target))] };
    } catch (error) {
      if (!(error instanceof ApiFailure) || options.targets.length === 1) throw error;
      failures.push(error);
      return { kind: target.names.kind, objects: [] };
    }
  };
  const groups = mergeByKind(await Promise.all(options.targets.map(read)), options.sortBy);
  return { groups, failures };
}

function mergeByKind(groups: readonly Group[], sortBy: string | undefined): readonly Group[] {
  const merged = new Map<Group["kind"], ServedObject[]>();
  for (const { kind, objects } of groups) merged.set(kind, [...(merged.get(kind) ?? []), ...objects]);
  return [...merged].map(([kind, objects]) => ({ kind, objects: sorted(objects, sortBy) }));
}

function writeText(text: string, format: Format, ports: CliPorts): void {
  // A template says itself where lines end.
  if (format.kind === "jsonpath") ports.stdout.write(text);
  else if (text !== "") ports.stdout.line(text);
}

function sayWhatIsMissing(groups: readonly Group[], options: GetOptions, ports: CliPorts, failures: number): void {
  if (failures > 0 || ports.quiet) return;
  const empty = options.targets.filter(({ names }) => groups.every((group) => group.kind !== names.kind || group.objects.length === 0));
  // `get all` of a small house: what is there says enough.
  if (empty.length === 0 || empty.length < options.targets.length) return;
  const kinds = empty.map(({ names }) => names.plural).join(", ");
  if (options.selector !== undefined || options.fields !== undefined)
    ports.stderr.line(`No ${kinds} like that. All of them: fossora get ${empty[0]?.names.plural}`);
  else ports.stderr.line(`No ${kinds}. Try: fossora apply -f app.yaml`);
}
