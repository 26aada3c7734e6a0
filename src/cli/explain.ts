// `explain`: what a field means, from the schemas that are part of this program. Needs no node.
import { explain as explainPath, type Explanation } from "../api/explain.ts";
import { isStored } from "../api/kinds.ts";
import { explainPlacement } from "./explain-placement.ts";
import { EXIT, Failure } from "./failure.ts";
import { formatTable } from "./table.ts";
import { kindOf } from "./targets.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const explain: Verb = {
  define(command, invoke) {
    command
      .argument("<kind[.path]>", "svc, svc.spec.update, route.spec.to; or `placement`, of a Service")
      .argument("[service]", "for `placement`")
      .addHelpText(
        "before",
        "Examples:\n  fossora explain service\n  fossora explain svc.spec.containers.health\n  fossora explain placement svc/jellyfin\n",
      )
      .action((path: string, service: string | undefined) =>
        invoke((ports) => (path === "placement" ? explainPlacement(service, ports) : Promise.resolve(explainField(path, service, ports)))),
      );
  },
};

const WIDTH_MAX = 100;

function explainField(path: string, more: string | undefined, ports: CliPorts): number {
  if (more !== undefined)
    throw new Failure(EXIT.usage, `Cannot explain "${more}" of "${path}": only placement is of a Service.`, `fossora explain ${path}`);
  return runExplain(path, ports);
}

export function runExplain(path: string, ports: CliPorts): number {
  const [word = "", ...fields] = path.split(".").filter((part) => part !== "");
  const names = kindOf(word);
  if (!isStored(names.kind)) {
    ports.stdout.line(`${names.kind}: ${names.description}. Nobody writes it; to read: fossora get ${names.plural} -o yaml`);
    return EXIT.ok;
  }
  const found = explainPath(names.kind, fields);
  if ("unknown" in found) {
    const within = [names.singular, ...(found.within === "" ? [] : [found.within])].join(".");
    const meant = found.suggestion === undefined ? "" : ` Did you mean "${found.suggestion}"?`;
    throw new Failure(
      EXIT.notFound,
      `Cannot explain "${path}": ${within} has no field "${found.unknown}".${meant}`,
      `fossora explain ${within}${found.suggestion === undefined ? "" : `.${found.suggestion}`}`,
    );
  }
  for (const line of explainLines(names.singular, found, ports)) ports.stdout.line(line);
  return EXIT.ok;
}

function explainLines(kind: string, found: Explanation, { stdout }: CliPorts): readonly string[] {
  const { bold, dim } = stdout.colors;
  const path = found.path === "" ? kind : `${kind}.${found.path}`;
  const width = Math.min(stdout.isTty ? stdout.columns : WIDTH_MAX, WIDTH_MAX);
  const examples = found.examples.map((example) => `  ${JSON.stringify(example)}`);
  return [
    `${bold(path)}  ${dim(found.type)}`,
    ...wrap(found.description, width).map((line) => `  ${line}`),
    ...(found.default === undefined ? [] : ["", `Default  ${JSON.stringify(found.default)}`]),
    ...(examples.length === 0 ? [] : ["", examples.length === 1 ? "Example" : "Examples", ...examples]),
    ...(found.fields.length === 0 ? [] : ["", "Fields", ...fieldLines(found, width)]),
  ];
}

function fieldLines({ fields }: Explanation, width: number): readonly string[] {
  return fields.flatMap((field) => {
    const notes = [
      ...(field.required ? ["required"] : []),
      ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
    ];
    const [head = ""] = formatTable([[`  ${field.name}`, field.type, ...(notes.length > 0 ? [`(${notes.join(", ")})`] : [])]]);
    return [head, ...wrap(field.description, width - 4).map((line) => `      ${line}`)];
  });
}

export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
