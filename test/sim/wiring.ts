// The parts that a simulated node is made of, each in a place where a test can put a broken one.
import type { Engine, EngineOptions } from "../../src/engine/engine.ts";
import type { StoreMirror } from "../../src/engine/mirror.ts";
import type { Runnable } from "../../src/engine/runnable.ts";
import type { Containers } from "../../src/container-ports.ts";
import type { NodeId } from "../../src/liveness/liveness.ts";
import type { SignOfLife } from "../../src/mesh-ports.ts";
import type { Clock, Log, Store } from "../../src/ports.ts";

export interface Wiring {
  controllers(): readonly Runnable[];
  store(store: Store): Store;
  containers(containers: Containers): Containers;
  mirror(options: { readonly store: Store; readonly clock: Clock; readonly log: Log }): StoreMirror;
  engine(options: EngineOptions): Engine;
  /** As the kernel ends what runs in containers. */
  killProcesses(kill: (containers: readonly string[]) => number): (containers: readonly string[]) => number;
  /** As the others hear it. */
  hear(sign: SignOfLife): SignOfLife;
  /** Whose majority a node must hear that condemns another. */
  voters(self: NodeId, voters: readonly NodeId[]): readonly NodeId[];
}
