// The short ways to write things, and what each stands for: `config:/config`, `web:8000`, `51820/udp`. A shorthand is only taken
// apart here; the schema of its long form then checks the parts. Pure.
import type { Place } from "./problem.ts";
import type { Advice } from "./words.ts";
import { nodeOf, type YamlNode } from "./yaml-node.ts";

/** Undefined: it cannot be read, and the schema says what was expected. */
export type Expansion = { readonly node: YamlNode } | Advice | undefined;

export function expandShorthand(name: string, node: YamlNode): Expansion {
  if (name === "pairs") return pairs(node);
  if (node.kind !== "scalar" || !Object.hasOwn(SCALARS, name)) return undefined;
  const expanded = SCALARS[name]?.(node.text) ?? undefined;
  if (expanded === undefined || expanded instanceof Mistake) return expanded;
  return { node: nodeOf(expanded, node) };
}

class Mistake implements Advice {
  readonly message: string;
  readonly suggestion?: string;
  constructor(message: string, suggestion?: string) {
    this.message = message;
    if (suggestion !== undefined) this.suggestion = suggestion;
  }
}

/** By the schema's `x-shorthand`: the long form of a text, undefined where it does not look like one. */
const SCALARS: Readonly<Record<string, (text: string) => unknown>> = {
  text: (text) => text,
  list: (text) => [text],
  words: (text) => splitWords(text) ?? new Mistake("has a quotation mark that is never closed"),
  shell: (text) => ["/bin/sh", "-c", text],
  redirect: (to) => ({ to }),
  ulimit: (text) => ({ soft: Number(text), hard: Number(text) }),
  port: containerPort,
  listen,
  "port-range": portRange,
  volume,
  tmpfs,
  device,
  target,
};

/** `8096`, `web:8000`. */
function containerPort(text: string): unknown {
  const match = /^(?:([^:]+):)?(\d{1,6})$/.exec(text);
  return match && withoutAbsent({ container: match[1], port: Number(match[2]) });
}

/** `[ADDRESS:]PORT[-PORT][:[CONTAINER:]PORT[-PORT]][/tcp|udp]`. */
function listen(text: string): unknown {
  const { address, rest, protocol } = splitAddress(text);
  const match = /^(\d{1,6})(?:-(\d{1,6}))?(?::(?:([a-z0-9-]*[a-z-][a-z0-9-]*):)?(\d{1,6})(?:-(\d{1,6}))?)?$/.exec(rest);
  if (match === null) return undefined;
  const [, port, endPort, container, targetPort, targetEnd] = match;
  if (targetEnd !== undefined && Number(targetEnd) - Number(targetPort) !== Number(endPort ?? port) - Number(port)) {
    return new Mistake("must have as many ports inside as outside");
  }
  return withoutAbsent({ port: Number(port), endPort: number(endPort), protocol, address, container, targetPort: number(targetPort) });
}

/** `[ADDRESS:]PORT[-PORT][/tcp|udp]`. */
function portRange(text: string): unknown {
  const { address, rest, protocol } = splitAddress(text);
  const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(rest);
  return match && withoutAbsent({ port: Number(match[1]), endPort: number(match[2]), protocol, address });
}

function splitAddress(text: string): { readonly address?: string; readonly rest: string; readonly protocol?: string } {
  const [, body = text, protocol] = /^(.*)\/(tcp|udp)$/.exec(text) ?? [];
  const match = /^(?:\[([0-9a-fA-F:]+)\]|(\d{1,3}(?:\.\d{1,3}){3})):(.*)$/.exec(body);
  const address = match?.[1] ?? match?.[2];
  return { rest: match?.[3] ?? body, ...(address !== undefined && { address }), ...(protocol !== undefined && { protocol }) };
}

/** `NAME:/in`, `volume/NAME:/in`, `host:/out:/in`, `NODE:/out:/in`, each with `:ro` or `:rw`. */
function volume(text: string): unknown {
  const [, body = text, mode] = /^(.*):(ro|rw)$/.exec(text) ?? [];
  const readOnly = mode === "ro";
  const [from = "", ...paths] = body.split(":");
  if (/^[./~]/.test(from)) {
    const outside = from.startsWith("/") ? from : "/folder";
    const suggestion = `host:${outside}:${paths[0] ?? from}${readOnly ? ":ro" : ""}`;
    return new Mistake(
      `must say whose folder '${from}' is: a node's name, or 'host' for any node that has it: try '${suggestion}'`,
      suggestion,
    );
  }
  const [first, second] = paths;
  if (first === undefined || paths.length > 2) return undefined;
  if (second === undefined) {
    const shared = /^volume\/(.+)$/.exec(from);
    if (from === "host") return new Mistake(`must say where the container sees it: try 'host:${first}:${first}'`, `host:${first}:${first}`);
    return shared ? { type: "shared", name: shared[1], path: first, readOnly } : { type: "volume", name: from, path: first, readOnly };
  }
  if (from === "host") return { type: "host", source: first, path: second, readOnly };
  return { type: "node", node: from, source: first, path: second, readOnly };
}

/** `/tmp`, `/tmp:size=64m,mode=1777`. */
function tmpfs(text: string): unknown {
  const [path, options = "", ...more] = text.split(":");
  if (more.length > 0) return undefined;
  const entries = options
    .split(",")
    .filter((option) => option !== "")
    .map((option) => option.split("="));
  if (entries.some((entry) => entry.length !== 2 || !["size", "mode"].includes(entry[0] ?? ""))) return undefined;
  return { path, ...Object.fromEntries(entries) };
}

/** `gpu`, `/dev/net/tun`, `zigbee:/dev/ttyACM0`. */
function device(text: string): unknown {
  const [first, path, ...more] = text.split(":");
  if (more.length > 0 && more.join() !== "rwm") return undefined;
  return withoutAbsent({ class: first, path });
}

/** `service/NAME`, `service/NAME:PORT`, `service/NAME/CONTAINER:PORT`, or an address. */
function target(text: string): unknown {
  if (text.includes("://")) return { url: text };
  const match = /^service\/([^/:]+)(?:\/([^/:]+))?(?::(\d{1,6}))?$/.exec(text);
  return match && withoutAbsent({ service: match[1], container: match[2], port: number(match[3]) });
}

/** `NAME=VALUE` or `NAME:VALUE` in a list, as compose has it. */
function pairs(node: YamlNode): Expansion {
  if (node.kind !== "sequence") return undefined;
  const entries = new Map<string, { readonly key: Place; readonly value: YamlNode }>();
  for (const item of node.items) {
    const text = item.kind === "scalar" ? item.text : "";
    const at = text.includes("=") ? text.indexOf("=") : text.indexOf(":");
    if (at <= 0) return { message: "must be a list of 'NAME=VALUE', or a mapping" };
    const name = text.slice(0, at);
    if (entries.has(name)) return { message: `must not name '${name}' twice` };
    entries.set(name, { key: item, value: nodeOf(text.slice(at + 1), item) });
  }
  return { node: { kind: "mapping", entries, start: node.start, end: node.end } };
}

/** As a shell splits a line: quotation marks and backslashes, nothing else. Undefined: a mark is not closed. */
function splitWords(line: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let index = 0; index < line.length; index++) {
    const char = line[index] ?? "";
    if (char === "\\" && quote !== "'" && index + 1 < line.length) word = (word ?? "") + (line[++index] ?? "");
    else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) [quote, word] = [char, word ?? ""];
    else if (quote === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") return undefined;
  return word === undefined ? words : [...words, word];
}

function number(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function withoutAbsent(object: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
