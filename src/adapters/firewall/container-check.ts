// Asks the house for a name as an app does: from inside its network namespace.
import { execFile } from "node:child_process";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";

const answerSeconds = 2;
/** A datagram may be lost, and a name server that has just started may be busy. */
const tries = 3;
const headerBytes = 12;
/** timeout(1) */
const timedOut = 124;

export interface ContainerCheck {
  readonly pid: number;
  /** Where its DNS server should be. */
  readonly gateway: string;
  readonly zone: string;
}

/** True also where it cannot be tried: no nsenter, no bash. */
export async function answersContainer({ pid, gateway, zone }: ContainerCheck): Promise<boolean> {
  const ask = `exec 3<>/dev/udp/${gateway}/53 && printf '${question(zone)}' >&3 && [ "$(dd bs=512 count=1 <&3 2>/dev/null | wc -c)" -ge ${headerBytes} ]`;
  for (let left = tries; left > 0; left--) {
    try {
      await promisify(execFile)("nsenter", ["--net", `--target=${pid}`, "timeout", String(answerSeconds), "bash", "-c", ask]);
      return true;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && (error.code === 1 || error.code === timedOut))) return true;
      if (error.code === 1) await setTimeout(answerSeconds * 1_000); // refused at once: it may listen again a moment later
    }
  }
  return false;
}

/** RFC 1035, 4.1, in printf's octal: id 1, one question, for the addresses of a name. */
function question(name: string): string {
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, "0")}`;
  const bytes = (...values: readonly number[]): string => values.map(octal).join("");
  const labels = name.split(".").map((label) => octal(label.length) + label);
  return bytes(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + labels.join("") + bytes(0, 0, 1, 0, 1);
}
