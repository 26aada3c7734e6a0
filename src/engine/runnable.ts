// Closes over a controller's own types, so that the engine can hold controllers of every kind in one list.
import type { Condition, Kind, Name } from "../api/resource.ts";
import type { Change, Controller, Mirror, Plan, Ports } from "./contract.ts";

export interface Action {
  readonly kind: string;
}

/** One look at a name: what its plan says, and how to carry out the head of it. */
export interface Look {
  /** The whole plan, the head first. */
  readonly actions: readonly Action[];
  readonly conditions: readonly Condition[];
  readonly recheckAfterMs: number | undefined;
  /** Undefined at rest. Two heads with the same id are the same action. */
  readonly head: { readonly id: string; readonly act: () => Promise<void> } | undefined;
}

export interface Runnable {
  readonly kind: Kind;
  wakes(change: Change, mirror: Mirror): readonly Name[];
  names(ports: Ports, signal: AbortSignal): Promise<readonly Name[]>;
  /** Undefined: a plan from the mirror would be a guess. */
  look(name: Name, ports: Ports, signal: AbortSignal): Promise<Look | undefined>;
}

export function runnable<D, O, A extends Action>(controller: Controller<D, O, A>): Runnable {
  const { kind } = controller;
  return {
    kind,
    wakes: (change, mirror) => controller.wakes(change, mirror),
    names: (ports, signal) => controller.names(ports, signal),
    look: async (name, ports, signal) => {
      const observed = await controller.observe(name, ports, signal);
      const { standing } = ports.mirror;
      if (standing.kind === "none") return undefined;
      const desired = ports.mirror.desired(kind, name) as D | undefined; // D is the resource of the controller's kind
      const copy = standing.kind === "copy" && { copy: { isFromDisk: standing.isFromDisk } };
      const plan = controller.plan(desired, observed, { node: ports.identity.node, now: ports.clock.now(), ...copy });
      return toLook(plan, (action) => carryOut(controller, action, ports, signal));
    },
  };
}

function toLook<A extends Action>(plan: Plan<A>, act: (action: A) => Promise<void>): Look {
  const [head] = plan.actions;
  return {
    actions: plan.actions,
    conditions: plan.conditions,
    recheckAfterMs: plan.recheckAfterMs,
    head: head && { id: JSON.stringify(head), act: () => act(head) },
  };
}

function carryOut<D, O, A extends Action>(controller: Controller<D, O, A>, action: A, ports: Ports, signal: AbortSignal): Promise<void> {
  const kind: A["kind"] = action.kind;
  const verb = controller.act[kind] as (action: A, ports: Ports, signal: AbortSignal) => Promise<void>; // the verb of this very action
  return verb(action, ports, signal);
}

/** `StartContainer container=web id=4f2a`: the verb and what it is applied to, without whole objects. */
export function actionText(action: Action): string {
  const fields = Object.entries(action).filter(([field, value]) => field !== "kind" && typeof value !== "object");
  return [action.kind, ...fields.map(([field, value]) => `${field}=${value}`)].join(" ");
}
