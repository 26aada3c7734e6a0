// The texts behind `-f FILE|DIR|URL|-`, and the files that they name as `source`.
import type { ApplyRequest } from "../api/wire.ts";
import type { UnknownFields } from "../api/document.ts";
import { UserError } from "../api/errors.ts";
import type { Manifest } from "../api/manifest.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

type Text = ApplyRequest["files"][number];

const MANIFEST = /\.(?:ya?ml|json)$/;
const URL_START = /^https?:\/\//i;
const FILES_MAX = 1_000;
const DEPTH_MAX = 16;
/** `files` of a container are texts. */
const MOUNT_IT = 'mount it from a folder instead: `volumes: ["host:/FOLDER:/IN"]`; fossora explain service.spec.volumes';

export interface ManifestPaths {
  readonly files: readonly string[];
  readonly recursive: boolean;
}

/** Throws Failure. */
export async function readManifests(
  { files, recursive }: ManifestPaths,
  ports: Pick<CliPorts, "files" | "stdin" | "interrupted">,
): Promise<ApplyRequest> {
  const texts: Text[] = [];
  for (const path of files) {
    if (path === "-") texts.push({ file: "-", text: await ports.stdin.readAll(ports.interrupted) });
    else if (URL_START.test(path)) texts.push({ file: path, text: await fetchText(path, ports) });
    else
      for (const file of manifestsAt(path, recursive, ports))
        texts.push({ file, text: readFile(file, ports, `iconv -f WINDOWS-1252 -t UTF-8 ${file}`) });
  }
  const sources = await readSources(texts, ports);
  return { files: texts, ...(sources && { sources }) };
}

/** Checked by this program itself. Throws ApiFailure with all problems, as the server would answer. */
export async function parseHere(request: ApplyRequest, unknownFields?: UnknownFields): Promise<readonly Manifest[]> {
  const { parseManifests } = await import("../api/manifest.ts");
  const { manifests, problems } = parseManifests(request.files, request.sources, unknownFields);
  if (problems.length > 0)
    throw new ApiFailure({
      kind: "Status",
      reason: "Invalid",
      code: 422,
      message: "the manifests have problems",
      details: { causes: problems },
    });
  return manifests;
}

function manifestsAt(path: string, recursive: boolean, ports: Pick<CliPorts, "files">): readonly string[] {
  const kind = look(path, () => ports.files.kind(path));
  if (kind === undefined)
    throw new Failure(
      EXIT.usage,
      `Cannot read "${path}": there is no such file or folder.`,
      `ls ${path.includes("/") ? path.slice(0, path.lastIndexOf("/")) || "/" : "."}`,
    );
  if (kind === "file") return [path];
  const found = filesBelow(path, recursive, DEPTH_MAX, ports);
  if (found.length === 0)
    throw new Failure(
      EXIT.usage,
      `Cannot apply "${path}": no .yaml, .yml or .json file lies in it${recursive ? "" : "; -R looks in its folders too"}.`,
      `fossora apply -R -f ${path}`,
    );
  if (found.length > FILES_MAX)
    throw new Failure(
      EXIT.usage,
      `Cannot apply "${path}": ${found.length} files lie in it, at most ${FILES_MAX} are read.`,
      "apply its folders one by one",
    );
  return found;
}

function filesBelow(folder: string, recursive: boolean, depth: number, ports: Pick<CliPorts, "files">): readonly string[] {
  const base = folder.endsWith("/") ? folder : `${folder}/`;
  return look(folder, () => ports.files.list(folder)).flatMap((name) => {
    // Editors and Git keep things there.
    if (name.startsWith(".")) return [];
    const path = `${base}${name}`;
    if (look(path, () => ports.files.kind(path)) === "directory")
      return recursive && depth > 0 ? filesBelow(path, recursive, depth - 1, ports) : [];
    return MANIFEST.test(name) ? [path] : [];
  });
}

/** YAML is only parsed here where a text may name a file. */
async function readSources(texts: readonly Text[], ports: Pick<CliPorts, "files">): Promise<Readonly<Record<string, string>> | undefined> {
  const naming = texts.filter(({ text }) => text.includes("source"));
  if (naming.length === 0) return undefined;
  const { neededSources } = await import("../api/sources.ts");
  const needed = neededSources(naming);
  const [foreign] = neededSources(naming.filter(({ file }) => URL_START.test(file)));
  if (foreign)
    throw new Failure(
      EXIT.usage,
      `Cannot apply "${foreign.file}": it names the file "${foreign.path}", and what is fetched may read no files of this computer.`,
      "fetch it and its files, and apply those",
    );
  return needed.length === 0 ? undefined : Object.fromEntries(needed.map(({ path }) => [path, readFile(path, ports, MOUNT_IT)]));
}

async function fetchText(url: string, { files, interrupted }: Pick<CliPorts, "files" | "interrupted">): Promise<string> {
  try {
    return await files.fetch(url, interrupted);
  } catch (error) {
    interrupted.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Failure(EXIT.failed, `Cannot fetch "${url}": ${cause instanceof Error ? cause.message : String(cause)}`, `curl -fL ${url}`, {
      cause: error,
    });
  }
}

/** One may not look at it, say. */
function look<T>(path: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw cannotRead(path, error, `ls -ld ${path}`);
  }
}

function cannotRead(path: string, error: unknown, next: string): Failure {
  return new Failure(EXIT.usage, `Cannot read "${path}": ${error instanceof Error ? error.message : String(error)}`, next, {
    cause: error,
  });
}

/** `convert`: what to do about one that is no text. */
function readFile(path: string, ports: Pick<CliPorts, "files">, convert: string): string {
  try {
    return ports.files.read(path);
  } catch (error) {
    if (error instanceof UserError) throw new Failure(EXIT.usage, error.message, convert, { cause: error });
    throw cannotRead(path, error, `ls -l ${path}`);
  }
}
