// A house on lab hosts for the tests of one `describe`: made before the first, gone after the last, and asked how it was where one fails.
import { after, before, test as nodeTest, type TestContext } from "node:test";
import { Lab, type LabHost } from "./lab.ts";
import { LabHouse } from "./lab-house.ts";

const LOG_LINES = 60;
const LINES_MAX = 300;
/** On a host that may hang. */
const ASKED_FOR_S = "15";
const LOOKS: readonly (readonly string[])[] = [["status"], ["get", "nodes,svc"]];

interface SuiteOptions {
  readonly share?: readonly string[];
  /** False: no computer is in any. */
  readonly tailnet?: boolean;
  /** Once there are hosts with the program on them: what the tests begin with. */
  readonly prepare?: () => Promise<void>;
  /** What the tests hold open, while there still are hosts. */
  readonly close?: () => Promise<void>;
}

export interface LabSuite {
  readonly house: LabHouse;
  /** As `test` of node:test; skipped where this machine cannot have such hosts. */
  readonly test: (name: string, run: (t: TestContext) => Promise<void>) => void;
}

/** In a `describe`. */
export function labSuite(hosts: number, { share, tailnet, prepare, close }: SuiteOptions = {}): LabSuite {
  const house = new LabHouse(new Lab());
  let absent: string | undefined;
  before(async () => {
    absent = await house.up(hosts, { ...(share !== undefined && { share }), ...(tailnet !== undefined && { tailnet }) });
    // Nobody shows what a hook says by the test's own way.
    if (absent === undefined)
      await explained(
        house.lab,
        () => prepare?.(),
        (text) => void process.stderr.write(`${text}\n`),
      );
  });
  after(async () => {
    await close?.();
    await house.lab.down();
  });
  return {
    house,
    test: (name, run) =>
      void nodeTest(name, async (t) => {
        if (absent !== undefined) return t.skip(absent);
        return explained(
          house.lab,
          () => run(t),
          (text) => t.diagnostic(text),
        );
      }),
  };
}

async function explained(lab: Lab, run: () => Promise<void> | undefined, say: (text: string) => void): Promise<void> {
  try {
    await run();
  } catch (error) {
    say(await houseState(lab).catch((silent: unknown) => `nothing can be said of the house: ${String(silent)}`));
    throw error;
  }
}

/** What each living host says of its house, and the end of its agent's log. */
export async function houseState(lab: Pick<Lab, "hosts" | "tryExec" | "logs">): Promise<string> {
  const hosts = await lab.hosts();
  const said = await Promise.all(
    hosts.map(async (host) => (host.state === "up" ? stateOf(lab, host) : [`--- ${host.name} is ${host.state}`])),
  );
  return said.flatMap((lines) => lines.slice(0, Math.floor(LINES_MAX / hosts.length))).join("\n");
}

async function stateOf(lab: Pick<Lab, "tryExec" | "logs">, { name }: LabHost): Promise<readonly string[]> {
  const looks = LOOKS.map(async (look) => {
    const { code, stdout, stderr } = await lab.tryExec(name, "timeout", "-s", "KILL", ASKED_FOR_S, "fossora", ...look);
    return [`--- ${name}: fossora ${look.join(" ")} (exit ${code})`, ...linesOf(stdout), ...linesOf(stderr)];
  });
  const log = lab.logs(name, "fossora").then(
    (text) => [`--- ${name}: the end of its log`, ...linesOf(text).slice(-LOG_LINES)],
    () => [`--- ${name} has no log`],
  );
  return (await Promise.all([...looks, log])).flat();
}

function linesOf(text: string): readonly string[] {
  return text.split("\n").filter((line) => line !== "");
}
