// After a computer was taken out of the house: it may still have to vote until the house's store counts on it no more.
import type { HouseSummary } from "../api/wire.ts";
import { EXIT, Failure, isPassing } from "./failure.ts";
import type { CliPorts } from "./verb.ts";

const LOOK_EVERY_MS = 500;

/** Throws Failure when time is over and when the person interrupts: it goes on leaving all the same. */
export async function untilOut(name: string, timeoutMs: number, ports: CliPorts): Promise<void> {
  const beganMs = ports.now();
  if (!(await isLeaving(name, ports))) return;
  if (!ports.quiet) ports.stderr.line(`${name} belongs to the house no more. Keep it on until this ends: it may still have to vote.`);
  try {
    do {
      if (ports.now() - beganMs >= timeoutMs) throw notOut(name, timeoutMs);
      await ports.sleep(LOOK_EVERY_MS, ports.interrupted);
    } while (await isLeaving(name, ports));
  } catch (error) {
    if (ports.interrupted.aborted) ports.stderr.line(`${name} goes on leaving by itself. Keep it on as long as fossora status names it.`);
    throw error;
  }
}

/** Also while nobody can tell: the store may be changing hands just now. */
async function isLeaving(name: string, ports: CliPorts): Promise<boolean> {
  try {
    const { house } = await ports.client.json<HouseSummary>("GET", "/api/v1/status");
    return house !== undefined && (house.leaving === undefined || house.leaving.includes(name));
  } catch (error) {
    if (isPassing(error)) return true;
    throw error;
  }
}

function notOut(name: string, timeoutMs: number): Failure {
  const message = `node/${name} belongs to the house no more, but after ${timeoutMs / 1000} s its part in it is not wound up. Keep it on`;
  return new Failure(EXIT.timeout, message, "fossora status");
}
