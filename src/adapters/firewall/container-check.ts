// Asks the house for a name as an app does: from inside its network namespace.
import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

export interface ContainerCheck {
  readonly pid: number;
  /** Where its DNS server should be. */
  readonly gateway: string;
  readonly port: number;
  readonly zone: string;
}

/** A datagram may be lost, and a name server that has just started may be busy. */
export interface Patience {
  readonly tries: number;
  /** From the moment when it was asked. */
  readonly answerSeconds: number;
  /** Who was refused may be heard a moment later. */
  readonly pauseMs: number;
}

const usual: Patience = { tries: 3, answerSeconds: 3, pauseMs: 2_000 };
/** On a busy machine programs take seconds to start. */
const startLimitMs = 15_000;
/** What the script ends with. Whatever else it ends with, it could not ask. */
const silent = 10;
const refused = 11;

/** True also where it cannot be tried: no nsenter, no bash, and the app has ended. */
export async function answersContainer({ pid, gateway, port, zone }: ContainerCheck, patience = usual): Promise<boolean> {
  const { tries, answerSeconds, pauseMs } = patience;
  // bash's own printf would send a datagram a line: a label of ten letters begins with the end of one.
  const script = `exec 3<>/dev/udp/${gateway}/${port} && env printf '${question(zone)}' >&3 || exit 1
    read -r -N 1 -t ${answerSeconds} -u 3 && exit 0
    [ $? -gt 128 ] && exit ${silent}
    exit ${refused}`;
  const limitMs = startLimitMs + answerSeconds * 1_000;
  for (let left = tries; left > 0; left--) {
    const code = await codeOf(["nsenter", "--net", `--target=${pid}`, "bash", "-c", script], limitMs);
    if (code !== silent && code !== refused) return true;
    if (code === refused && left > 1) await setTimeout(pauseMs);
  }
  return false;
}

/** Undefined: it did not start, or did not end in time. */
async function codeOf([program, ...args]: readonly [string, ...string[]], limitMs: number): Promise<number | undefined> {
  try {
    await promisify(execFile)(program, args, { timeout: limitMs });
    return 0;
  } catch (error) {
    return error instanceof Error && "code" in error && typeof error.code === "number" ? error.code : undefined;
  }
}

/** RFC 1035, 4.1, in printf's octal: one question, for the addresses of a name. Its id is letters: bash reads on past a byte of 0. */
function question(name: string): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
  const bytes = (...values: readonly number[]): string => values.map(octal).join("");
  const labels = name.split(".").map((label) => octal(label.length) + label);
  return `id${bytes(0, 0, 0, 1, 0, 0, 0, 0, 0, 0)}${labels.join("")}${bytes(0, 0, 1, 0, 1)}`;
}
