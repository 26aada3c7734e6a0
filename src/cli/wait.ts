// `wait`: until objects are ready, gone, or as a JSONPath says. Exit 6 when the time is over, with what is in the way.
import type { ServedObject } from "../api/wire.ts";
import { conditionsOf } from "./columns.ts";
import { EXIT, Failure } from "./failure.ts";
import { follow, keyOf, NOTHING_SEEN, type Followed, type Sight } from "./follow.ts";
import { compilePath, plainText } from "./jsonpath.ts";
import { addDuration } from "./options.ts";
import { refOf } from "./rollout.ts";
import { parseNamedTargets } from "./targets.ts";
import type { CliPorts, Verb } from "./verb.ts";

export interface WaitOptions {
  readonly words: readonly string[];
  readonly for: string;
  readonly timeoutMs: number;
}

/** True once it is so; undefined: there is no such object. */
type Goal = (object: ServedObject | undefined) => boolean;

export const wait: Verb = {
  define(command, invoke) {
    command
      .argument("<kind|kind/name>", "what to wait for")
      .argument("[name...]")
      .option("--for <what>", "condition=TYPE[=STATUS], delete, or jsonpath={PATH}=VALUE", "condition=Ready");
    addDuration(command, "--timeout <duration>", "how long", "30s")
      .addHelpText(
        "before",
        "Examples:\n  fossora wait svc/jellyfin\n  fossora wait svc jellyfin --for=delete --timeout 2m\n  fossora wait svc/jellyfin --for=jsonpath={.status.readyReplicas}=2\n",
      )
      .action((kind: string, names: readonly string[], flags: { readonly for: string; readonly timeout: number }) =>
        invoke((ports) => runWait({ words: [kind, ...names], for: flags.for, timeoutMs: flags.timeout }, ports)),
      );
  },
};

export async function runWait(options: WaitOptions, ports: CliPorts): Promise<number> {
  const goal = parseGoal(options.for);
  const wanted = parseNamedTargets(options.words, "wait for").map(({ names, name }): Followed => ({ kind: names.kind, name }));
  let last = NOTHING_SEEN;
  const met = await follow(wanted, ports, options.timeoutMs, (sight) => {
    last = sight;
    const missing = options.for === "delete" ? undefined : wanted.find((each) => !sight.objects.has(keyOf(each)));
    if (missing) throw new Failure(EXIT.notFound, `Cannot wait for ${refOf(missing)}: there is none of that name.`, "fossora get all");
    return wanted.every((each) => goal(sight.objects.get(keyOf(each)))) ? true : undefined;
  });
  if (!met) throw timeout(wanted, goal, last, options);
  for (const each of wanted) ports.stdout.line(`${refOf(each)} ${options.for === "delete" ? "deleted" : "condition met"}`);
  return EXIT.ok;
}

function timeout(wanted: readonly Followed[], goal: Goal, { objects }: Sight, options: WaitOptions): Failure {
  const late = wanted.find((each) => !goal(objects.get(keyOf(each)))) ?? wanted[0];
  if (!late) throw new Error("nothing was waited for");
  const ready = conditionsOf(objects.get(keyOf(late)) ?? ({ metadata: {} } as ServedObject)).find(
    (condition) => condition.type === "Ready" && condition.status !== "True",
  );
  const blocking = ready ? `: ${ready.message} (${ready.reason})` : "";
  return new Failure(
    EXIT.timeout,
    `${refOf(late)} was not as asked for (${options.for}) after ${options.timeoutMs / 1000} s${blocking}`,
    `fossora describe ${refOf(late)}`,
  );
}

/** Throws Failure. */
function parseGoal(text: string): Goal {
  if (text === "delete") return (object) => object === undefined;
  const [form, ...rest] = text.split("=");
  if (form === "condition" && rest[0]) {
    const [type, status = "True"] = rest;
    return (object) =>
      object !== undefined &&
      conditionsOf(object).some(
        (condition) =>
          condition.type.toLowerCase() === type?.toLowerCase() &&
          condition.status.toLowerCase() === status.toLowerCase() &&
          isCurrent(object, condition.observedGeneration),
      );
  }
  const path = /^jsonpath='?(\{.*\})'?(?:=(.*))?$/s.exec(text);
  if (path?.[1] !== undefined) {
    const [values, expected] = [compilePath(path[1]), path[2]];
    return (object) =>
      object !== undefined &&
      values(object).some((value) => (expected === undefined ? plainText(value) !== "" : plainText(value) === expected));
  }
  throw new Failure(
    EXIT.usage,
    `Cannot wait for "${text}": --for takes condition=TYPE[=STATUS], delete or jsonpath={PATH}=VALUE.`,
    "fossora wait svc/NAME --for=condition=Ready",
  );
}

/** What was said of an older generation is no answer. */
function isCurrent(object: ServedObject, observed: number | undefined): boolean {
  return observed === undefined || !("generation" in object.metadata) || observed >= object.metadata.generation;
}
