// How busy the house is now: each node measures itself when it is asked. One that does not answer is said to be silent, and holds up nobody.
import { houseLoad, type HouseLoad, type NodeLoad, type NodeLoadReport } from "../api/load.ts";
import { isDown } from "./instances.ts";
import type { ServerPorts } from "./ports.ts";

/** A measurement takes a second. */
const ANSWERS_WITHIN_MS = 5_000;

type Ports = Pick<ServerPorts, "identity" | "peers" | "load" | "statusReader">;

export async function top(ports: Ports, signal: AbortSignal): Promise<HouseLoad> {
  const { identity, peers } = ports;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
  const own = report(identity.node, ports.load(limit), "its Docker does not answer");
  const others = peers.names().map((node): Promise<NodeLoadReport> => {
    if (isDown(ports, node)) return Promise.resolve({ node, unknown: "it is down" });
    return report(node, peers.ask(node, "load", null, limit), "it does not answer");
  });
  return houseLoad(await Promise.all([own, ...others]));
}

async function report(node: string, asked: Promise<unknown>, unknown: string): Promise<NodeLoadReport> {
  try {
    return { node, load: (await asked) as NodeLoad }; // a member's own answer
  } catch {
    return { node, unknown };
  }
}
