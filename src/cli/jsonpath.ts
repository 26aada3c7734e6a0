// The part of kubectl's JSONPath that people use: `{.metadata.name}`, `{.items[*].spec.image}`, `['a.b']`, `{range ...}{end}`, text.
import { EXIT, Failure } from "./failure.ts";

type Step = { readonly key: string } | { readonly index: number } | { readonly all: true };
type Part =
  | { readonly text: string }
  | { readonly path: readonly Step[] }
  | { readonly range: readonly Step[]; readonly body: readonly Part[] };

/** Throws Failure. */
export function compileTemplate(template: string): (value: unknown) => string {
  const parts = parseTemplate(template);
  return (value) => render(parts, value);
}

/** `.metadata.name`, with or without braces. All values that it leads to. Throws Failure. */
export function compilePath(path: string): (value: unknown) => readonly unknown[] {
  const bare = path.startsWith("{") && path.endsWith("}") ? path.slice(1, -1) : path;
  const steps = parsePath(bare);
  return (value) => follow(value, steps);
}

export function plainText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function render(parts: readonly Part[], value: unknown): string {
  return parts
    .map((part) => {
      if ("text" in part) return part.text;
      if ("path" in part) return follow(value, part.path).map(plainText).join(" ");
      return follow(value, part.range)
        .map((each) => render(part.body, each))
        .join("");
    })
    .join("");
}

function follow(value: unknown, steps: readonly Step[]): readonly unknown[] {
  let values: readonly unknown[] = [value];
  for (const step of steps) values = values.flatMap((each) => take(each, step));
  return values;
}

function take(value: unknown, step: Step): readonly unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if ("all" in step) return Object.values(value);
  if ("index" in step)
    return Array.isArray(value) ? value.slice(step.index === -1 ? -1 : step.index, step.index === -1 ? undefined : step.index + 1) : [];
  return Object.hasOwn(value, step.key) ? [(value as Readonly<Record<string, unknown>>)[step.key]] : []; // an object of JSON
}

function parseTemplate(template: string): readonly Part[] {
  const stack: { range?: readonly Step[]; parts: Part[] }[] = [{ parts: [] }];
  const top = (): Part[] => stack.at(-1)?.parts ?? [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf("{", at);
    if (open === -1) {
      top().push({ text: template.slice(at) });
      break;
    }
    if (open > at) top().push({ text: template.slice(at, open) });
    const close = endOfBraces(template, open);
    const inner = template.slice(open + 1, close).trim();
    at = close + 1;
    if (inner.startsWith("range ")) stack.push({ range: parsePath(inner.slice("range ".length).trim()), parts: [] });
    else if (inner === "end") {
      const done = stack.pop();
      if (!done?.range) throw unreadable(template);
      top().push({ range: done.range, body: done.parts });
    } else top().push(/^["']/.test(inner) ? { text: literal(inner, template) } : { path: parsePath(inner) });
  }
  if (stack.length !== 1) throw unreadable(template);
  return stack[0]?.parts ?? [];
}

/** Where the brace closes; braces in quotes do not count. */
function endOfBraces(template: string, open: number): number {
  let quote: string | undefined;
  for (let at = open + 1; at < template.length; at++) {
    const character = template[at];
    if (quote !== undefined) {
      if (character === "\\") at++;
      else if (character === quote) quote = undefined;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "}") return at;
  }
  throw unreadable(template);
}

function literal(text: string, template: string): string {
  const body = /^(["'])(.*)\1$/s.exec(text)?.[2];
  if (body === undefined) throw unreadable(template);
  return body.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character === "t" ? "\t" : character));
}

const STEP = /\.?\[\*\]|\.\*|\.?\[(-?\d+)\]|\.?\[(?:'([^']*)'|"([^"]*)")\]|\.((?:[^.[\]\\]|\\.)+)/y;

function parsePath(path: string): readonly Step[] {
  const text = path.startsWith("$") ? path.slice(1) : path;
  const rooted = text === "" || text.startsWith(".") || text.startsWith("[") ? text : `.${text}`;
  if (rooted === "" || rooted === ".") return [];
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < rooted.length) {
    const match = STEP.exec(rooted);
    if (!match) throw unreadable(path);
    const [, index, single, double, key] = match;
    if (index !== undefined) steps.push({ index: Number(index) });
    else if (key !== undefined) steps.push({ key: key.replace(/\\(.)/g, "$1") });
    else if (single !== undefined || double !== undefined) steps.push({ key: single ?? double ?? "" });
    else steps.push({ all: true });
  }
  return steps;
}

function unreadable(path: string): Failure {
  return new Failure(
    EXIT.usage,
    `Cannot read the JSONPath "${path}": it should look like {.metadata.name} or {.items[*].spec.replicas}.`,
    "fossora get services -o jsonpath='{.items[*].metadata.name}'",
  );
}
