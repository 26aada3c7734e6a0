// What the cases of the `Containers` contract share: an engine to try, and how to look at it.
import assert from "node:assert/strict";
import { EngineError, type EngineFault } from "../../src/api/errors.ts";
import type { Container, ContainerEvent, Containers, ContainerSpec, LogChunk, NetworkSpec } from "../../src/container-ports.ts";
import { containerSpec } from "../fakes/containers-spec.ts";

/** Each engine says how it does these. */
export type Program =
  | "runs"
  | "runs, and ends with 143"
  | "exits 0"
  | "exits 3"
  | "runs out of memory"
  | "ignores the stop signal"
  | "says hello";

export interface Bench {
  readonly containers: Containers;
  /** Present, without a health check. */
  readonly image: string;
  /** Made, with `icc` off; the bench's alone. */
  readonly network: NetworkSpec;
  /** Not made yet. */
  readonly otherNetwork: NetworkSpec;
  readonly command: (program: Program) => readonly string[];
  /** An existing directory of the host. */
  directory(): string;
  /** Makes a running container that lacks our labels. */
  addForeign(name: string): Promise<void>;
  foreignRuns(name: string): Promise<boolean>;
  /** Stops the daemon as an upgrade does, or as a power loss does, and starts it; absent where it is not ours to restart. */
  readonly restart?: (how: "stopped" | "powerLoss") => Promise<void>;
  /** Lets time pass until it holds; fails after a deadline. */
  until(holds: () => Promise<boolean>, what: string): Promise<void>;
}

export const signal = new AbortController().signal;

let made = 0;

/** Addresses and names are used once: cases do not meet. */
export function spec({ image, network, command }: Bench, name: string, program: Program, over: Partial<ContainerSpec> = {}): ContainerSpec {
  made += 1;
  const address = `${network.subnet.split(".").slice(0, 3).join(".")}.${made + 9}`;
  return containerSpec(`${name}-${made}`, {
    image,
    command: command(program),
    network: { kind: "bridge", network: network.name, address, aliases: [] },
    ...over,
  });
}

export function addressOf({ network }: ContainerSpec): string {
  return network.kind === "bridge" ? network.address : assert.fail();
}

export async function nextOf(events: AsyncIterator<ContainerEvent, unknown>): Promise<ContainerEvent> {
  const next = await events.next();
  return next.done === true ? assert.fail("the events ended") : next.value;
}

export async function started(bench: Bench, each: ContainerSpec): Promise<string> {
  const id = await bench.containers.create(each, signal);
  await bench.containers.start(id, signal);
  return id;
}

export async function look(bench: Bench, id: string): Promise<Container> {
  const found = (await bench.containers.list(undefined, signal)).find((each) => each.id === id);
  assert(found, `container ${id} is not listed`);
  return found;
}

export async function untilState(bench: Bench, id: string, state: Container["state"]): Promise<Container> {
  await bench.until(async () => (await look(bench, id)).state === state, `container is ${state}`);
  return look(bench, id);
}

export async function rejectsWith(fault: EngineFault, promise: Promise<unknown>, message = /./): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert(error instanceof EngineError, String(error));
    assert.equal(error.fault, fault, error.message);
    assert.match(error.message, message);
    return true;
  });
}

export async function text(chunks: AsyncIterable<LogChunk>): Promise<string> {
  return Buffer.concat((await Array.fromAsync(chunks)).map(({ data }) => data)).toString();
}
