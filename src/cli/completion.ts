// `completion`: the one place that knows @bomb.sh/tab. It prints a shell's script, and answers what that script asks at each Tab.
import { SERVED_KINDS, kindByWord } from "../api/kinds.ts";
import type { ObjectList, ServedKind } from "../api/wire.ts";
import { EXIT } from "./failure.ts";
import { cacheDir } from "./socket.ts";
import type { CliPorts, Verb } from "./verb.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;
/** The adapter brings these two itself. */
const OWN_VERBS: ReadonlySet<string> = new Set(["completion", "complete"]);
const CACHED_FOR_MS = 5_000;
/** A Tab that hangs is worse than one that says nothing. */
const ANSWER_WITHIN_MS = 300;

/** Their argument is a computer of the house. */
const OF_NODES: ReadonlySet<string> = new Set([
  "drill",
  ...["describe", "label", "cordon", "drain", "uncordon", "remove", "replace"].map((word) => `node ${word}`),
]);

type Names = Readonly<Partial<Record<ServedKind, readonly string[]>>>;
type Shell = (typeof SHELLS)[number];

export const completion: Verb = {
  define(command, invoke) {
    command
      .addArgument(command.createArgument("<shell>", "which").choices(SHELLS))
      .addHelpText(
        "before",
        "Examples:\n  source <(fossora completion bash)\n  fossora completion zsh > ~/.zfunc/_fossora\n  fossora completion fish > ~/.config/fish/completions/fossora.fish\n",
      )
      .action((shell: Shell) =>
        invoke(async () => {
          const { default: tab } = await import("@bomb.sh/tab");
          tab.setup("fossora", "fossora", shell);
          return EXIT.ok;
        }),
      );
  },
};

/** What the scripts call: `fossora complete -- get svc/`. */
export const complete: Verb = {
  define(command, invoke) {
    command
      .argument("[words...]")
      .allowUnknownOption()
      .action((words: readonly string[]) =>
        invoke(async (ports) => {
          await answer(words, ports);
          return EXIT.ok;
        }),
      );
  },
};

async function answer(words: readonly string[], ports: CliPorts): Promise<void> {
  const [{ default: tab }, { buildProgram }, { VERBS }] = await Promise.all([
    import("@bomb.sh/tab/commander"),
    import("./program.ts"),
    import("./verbs.ts"),
  ]);
  const names = words.length > 1 ? await knownNames(ports) : {};
  const program = await buildProgram({
    verbs: VERBS.filter(({ name }) => !OWN_VERBS.has(name)),
    invoke: () => Promise.resolve(),
    stdout: ports.stdout,
    stderr: ports.stderr,
  });
  const root = tab(program, { completionCommandName: "completion" });
  for (const [verb, command] of root.commands) {
    const candidates = candidatesOf(verb, words, names);
    for (const argument of candidates === undefined ? [] : command.arguments.values()) {
      argument.handler = (add) => {
        for (const candidate of candidates?.[argument.variadic ? "rest" : "first"] ?? []) add(candidate, "");
      };
    }
  }
  root.parse([...words]);
}

interface Candidates {
  readonly first: readonly string[];
  readonly rest: readonly string[];
}

/** Undefined: its arguments are no objects. */
function candidatesOf(verb: string, words: readonly string[], names: Names): Candidates | undefined {
  const references = SERVED_KINDS.flatMap(({ kind, singular, short }) =>
    (names[kind] ?? []).flatMap((name) => [singular, ...short.slice(0, 1)].map((word) => `${word}/${name}`)),
  );
  if (verb === "logs" || verb === "exec")
    return { first: [...(names.Service ?? []), ...references.filter((each) => /^(?:svc|instance)\//.test(each))], rest: [] };
  if (OF_NODES.has(verb)) return { first: names.Membership ?? [], rest: verb === "node describe" ? (names.Membership ?? []) : [] };
  if (!["get", "describe", "delete", "wait"].includes(verb)) return undefined;
  const kind = words
    .slice(1)
    .map(kindByWord)
    .find((each) => each !== undefined)?.kind;
  const kinds = SERVED_KINDS.map(({ plural }) => plural);
  return { first: [...kinds, ...references], rest: kind === undefined ? references : (names[kind] ?? []) };
}

/** From the cache while it is fresh; nothing where the node does not answer at once. */
async function knownNames(ports: CliPorts): Promise<Names> {
  const file = `${cacheDir(ports.env)}/names.json`;
  const cached = readCache(file, ports);
  if (cached) return cached;
  try {
    const kinds = SERVED_KINDS.filter(({ kind }) => kind !== "Event");
    const lists = await Promise.all(
      kinds.map(
        async ({ kind, plural }) =>
          [
            kind,
            await ports.client.json<ObjectList>("GET", `/api/v1/${plural}`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }),
          ] as const,
      ),
    );
    const names: Names = Object.fromEntries(lists.map(([kind, { items }]) => [kind, items.map(({ metadata }) => metadata.name)]));
    ports.files.write(file, JSON.stringify({ atMs: ports.now(), socket: ports.client.socketPath, names }));
    return names;
  } catch {
    return {};
  }
}

function readCache(file: string, ports: CliPorts): Names | undefined {
  try {
    const { atMs, socket, names } = JSON.parse(ports.files.read(file)) as {
      readonly atMs: number;
      readonly socket: string;
      readonly names: Names;
    }; // written by knownNames
    return ports.now() - atMs < CACHED_FOR_MS && socket === ports.client.socketPath ? names : undefined;
  } catch {
    return undefined;
  }
}
