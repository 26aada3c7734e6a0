// The rules of the house as functions from source files to sentences about what breaks them: test/house.test.ts asks them of the whole
// project, and of small made-up files.
import { codeOf, folderOf, importsOf, packageOf, type Import, type SourceFile } from "./source-file.ts";

const linesMax = 400;
const generated = ["src/api/types.ts"];

/** What a room may import besides its own folder. A text ending in `/` stands for a folder, `types:` for types only. */
interface Room {
  readonly name: string;
  readonly files: RegExp;
  readonly imports: readonly string[];
  readonly packages: readonly string[] | "its own" | "any";
  readonly node: RegExp | "all" | "none";
  /** No clock, no chance, no waiting: it gives the same answer to the same question. */
  readonly pure?: boolean;
}

/** The first room whose pattern matches is the file's. */
const rooms: readonly Room[] = [
  { name: "main", files: /^src\/(main|source-map)\.ts$/, imports: ["src/", "controllers/"], packages: [], node: "all" },
  {
    name: "ports",
    files: /^src\/(container-|mesh-)?ports\.ts$/,
    imports: ["types:src/api/", "types:src/container-ports.ts"],
    packages: [],
    node: /^node:(stream|net)$/, // types
    pure: true,
  },
  { name: "api", files: /^src\/api\//, imports: ["schemas/"], packages: ["ajv", "js-yaml"], node: "none", pure: true },
  { name: "trust", files: /^src\/trust\//, imports: ["src/api/"], packages: [], node: /^node:crypto$/, pure: true },
  {
    name: "engine",
    files: /^src\/engine\//,
    imports: ["src/api/", "types:src/ports.ts", "types:src/container-ports.ts"],
    packages: ["p-queue"],
    node: /^node:assert/,
  },
  {
    name: "joining",
    files: /^src\/joining\//,
    imports: ["src/api/", "types:src/engine/contract.ts"],
    packages: [],
    node: "none",
    pure: true,
  },
  {
    name: "liveness",
    files: /^src\/liveness\//,
    imports: ["src/api/", "types:src/mesh-ports.ts"],
    packages: [],
    node: "none",
    pure: true,
  },
  {
    name: "server",
    files: /^src\/server\//,
    imports: ["src/api/", "types:src/ports.ts", "types:src/container-ports.ts", "types:src/mesh-ports.ts"],
    packages: [],
    node: "all",
  },
  {
    name: "cli",
    files: /^src\/cli\//,
    imports: ["src/api/", "types:src/ports.ts", "types:src/container-ports.ts"],
    packages: ["commander", "picocolors", "@bomb.sh/tab"],
    node: /^node:(?!https$|http2$)/, // these two cost every start 6 to 11 ms
  },
  {
    name: "ingress",
    files: /^src\/ingress\/main\.ts$/,
    imports: ["src/adapters/", "src/api/", "src/liveness/", "types:src/ports.ts", "types:src/container-ports.ts"],
    packages: [],
    node: "all",
  },
  {
    name: "ingress' pure files",
    files: /^src\/ingress\//,
    imports: ["src/api/", "types:src/ports.ts", "types:src/container-ports.ts"],
    packages: [],
    node: "none",
    pure: true,
  },
  {
    name: "adapters",
    files: /^src\/adapters\/[^/]+\//,
    imports: ["src/api/", "src/trust/", "types:src/ports.ts", "types:src/container-ports.ts", "types:src/mesh-ports.ts"],
    packages: "its own",
    node: "all",
  },
  { name: "agent", files: /^src\/agent\//, imports: ["src/", "controllers/"], packages: [], node: "all" },
  {
    name: "controllers' list",
    files: /^controllers\/index\.ts$/,
    imports: ["controllers/", "types:src/api/", "types:src/engine/contract.ts"],
    packages: [],
    node: "none",
  },
  {
    name: "controllers",
    files: /^controllers\/[^/]+\/controller\.ts$/,
    imports: ["src/api/", "types:src/engine/contract.ts", "types:src/ports.ts", "types:src/container-ports.ts"],
    packages: [],
    node: /^node:assert/,
  },
  {
    name: "controllers' pure files",
    files: /^controllers\/[^/]+\//,
    imports: ["src/api/", "types:src/engine/contract.ts"],
    packages: [],
    node: "none",
    pure: true,
  },
  { name: "schemas", files: /^schemas\//, imports: [], packages: ["json-schema-to-typescript"], node: "all" },
];

/** Files of src and controllers that no room has, and imports that their room does not allow. */
export function brokenImports(files: readonly SourceFile[]): readonly string[] {
  return files.filter(isProgram).flatMap((file) => {
    const room = roomOf(file.path);
    if (!room) return [`${file.path} is in no room of the house`];
    return importsOf(file)
      .filter((found) => !mayImport(room, file.path, found))
      .map((found) => `${file.path} (${room.name}) imports ${found.target}${found.typeOnly ? ", a type" : ""}`);
  });
}

/** Clocks, chance and waiting in files that must be pure. */
export function impureFiles(files: readonly SourceFile[]): readonly string[] {
  const impure =
    /\b(async|await|Date\.now|new Date\(\)|Math\.random|performance\.now|process\.|setTimeout|setInterval|setImmediate|fetch\()/g;
  return files
    .filter((file) => isProgram(file) && roomOf(file.path)?.pure === true)
    .flatMap(({ path, text }) => [...new Set(codeOf(text).match(impure))].map((word) => `${path} must be pure and uses ${word}`));
}

/** Time and chance reach the engine and the controllers through Clock and Random only: the simulator owns both. */
export function ownClocks(files: readonly SourceFile[]): readonly string[] {
  const clock = /\b(Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval)/g;
  return files
    .filter((file) => isProgram(file) && /^(src\/engine|controllers)\//.test(file.path))
    .flatMap(({ path, text }) => [...new Set(codeOf(text).match(clock))].map((word) => `${path} uses ${word} in place of Clock or Random`));
}

/** Pure files with functions, and every plan, whose test does not stand beside them. */
export function missingTests(files: readonly SourceFile[]): readonly string[] {
  const paths = new Set(files.map(({ path }) => path));
  const hasFunctions = /^export (async )?function|^export const \w+ = (async )?\(/m;
  return files
    .filter((file) => isProgram(file) && roomOf(file.path)?.pure === true && !generated.includes(file.path))
    .filter(({ path, text }) => path.endsWith("/plan.ts") || hasFunctions.test(text))
    .filter(({ path }) => !paths.has(path.replace(/\.ts$/, ".test.ts")))
    .map(({ path }) => `${path} has no test beside it`);
}

/** npm packages that more than one adapter, or an adapter and another room, import. */
export function sharedPackages(files: readonly SourceFile[]): readonly string[] {
  const homes = new Map<string, Set<string>>();
  for (const file of files.filter(isProgram)) {
    for (const { target } of importsOf(file)) {
      const name = packageOf(target);
      if (name === undefined) continue;
      const home = /^(src\/adapters\/[^/]+|src\/[^/]+|controllers|schemas)/.exec(file.path)?.[1] ?? file.path;
      homes.set(name, (homes.get(name) ?? new Set()).add(home));
    }
  }
  return [...homes]
    .filter(([, found]) => found.size > 1)
    .map(([name, found]) => `${name} is imported in ${[...found].sort().join(" and in ")}`);
}

/** Names that say nothing, in what a file is called and in what it declares. */
export function emptyNames(files: readonly SourceFile[]): readonly string[] {
  const word = /^(managers?|helpers?|utils?|base|common|misc)$/;
  const declared =
    /^(?:export )?(?:abstract )?(?:async )?(?:class|interface|type|function|const)\s+(\w*(?:Manager|Helper|Utils?|Helpers)|Base[A-Z]\w*|\w+Base|I[A-Z][a-z]\w*)\b/gm;
  return files.flatMap(({ path, text }) => {
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/(\.test)?\.ts$/, "");
    return [
      ...(name.split("-").some((part) => word.test(part)) ? [`${path} is called "${name}", which says nothing`] : []),
      ...(/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? [] : [`${path} is not in kebab-case`]),
      ...[...codeOf(text).matchAll(declared)].map(([, found = ""]) => `${path} declares ${found}, a name that says nothing`),
    ];
  });
}

export function longFiles(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => !generated.includes(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > linesMax)
    .map(({ path, lines }) => `${path} has ${lines} lines, over ${linesMax}: the aim is 300`);
}

/** Files that only pass on what others export. */
export function barrels(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path }) => path !== "controllers/index.ts")
    .filter((file) => importsOf(file).some(({ reexport }) => reexport))
    .map(({ path }) => `${path} exports what another file exports already`);
}

export function unfinishedWork(files: readonly SourceFile[]): readonly string[] {
  const mark = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);
  return files.filter(({ text }) => mark.test(text)).map(({ path }) => `${path} has a note about work that is not done`);
}

/** The first line tells a file's place in the house. Tests have their names for that. */
export function unintroducedFiles(files: readonly SourceFile[]): readonly string[] {
  return files
    .filter(({ path, text }) => !isTest(path) && !/^(#!.*\n)?(\/\/|\/\*)/.test(text))
    .map(({ path }) => `${path} does not open with its place in the house`);
}

/** These alone may say a field's name without doing anything by it: the types, and the rules about what may stand beside what. */
const SPEAK_OF_FIELDS: ReadonlySet<string> = new Set(["src/api/types.ts", "src/api/rules.ts", "src/api/service-rules.ts"]);
/** Its one value is what happens without it. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(["https"]);

/** What may be written and is explained must do something. */
export function unreadFields(schemas: Readonly<Record<string, unknown>>, files: readonly SourceFile[]): readonly string[] {
  const readers = files.filter(({ path }) => /^(src|controllers)\//.test(path) && !isTest(path) && !SPEAK_OF_FIELDS.has(path));
  const code = readers.map(({ text }) => codeOf(text)).join("\n");
  const named = new Set(code.match(/\w+/g));
  return Object.entries(schemas).flatMap(([file, schema]) =>
    [...new Set(fieldsIn(schema))]
      .filter((field) => !named.has(field) && !WITHOUT_EFFECT.has(field))
      .map((field) => `schemas/${file} has the field '${field}', which nothing reads`),
  );
}

function fieldsIn(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own = "properties" in schema && !Array.isArray(schema.properties) ? Object.keys(schema.properties ?? {}) : [];
  return [...own, ...Object.values(schema).flatMap(fieldsIn)];
}

function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}

function isProgram({ path }: SourceFile): boolean {
  return /^(src|controllers|schemas)\//.test(path) && !isTest(path);
}

function roomOf(path: string): Room | undefined {
  return rooms.find(({ files }) => files.test(path));
}

function mayImport(room: Room, path: string, { target, typeOnly }: Import): boolean {
  if (target.startsWith("node:")) return room.node === "all" || (room.node instanceof RegExp && room.node.test(target));
  const name = packageOf(target);
  if (name !== undefined) return typeof room.packages === "string" || room.packages.includes(name);
  const home = /^src\/adapters\/[^/]+|^controllers\/[^/]+/.exec(path)?.[0] ?? folderOf(path);
  if (folderOf(path) !== "src" && `${target}/`.startsWith(`${home}/`)) return true;
  return room.imports.some((allowed) => {
    const typesOnly = allowed.startsWith("types:");
    return target.startsWith(allowed.replace("types:", "")) && (typeOnly || !typesOnly);
  });
}
