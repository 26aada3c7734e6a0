// What the plan of a Service may do: each is one effect and safe to repeat. What may take long goes on in the background.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { Placement } from "./room.ts";

export type LocalAction =
  | {
      readonly kind: "PullImage";
      readonly service: Name;
      readonly image: string;
      readonly platform?: string;
      readonly key: string;
      /** Nobody waits for it: one after the other. */
      readonly isEarly?: true;
    }
  /** From now on it counts how long an instance waits for other Services. */
  | { readonly kind: "BeginWait"; readonly service: Name; readonly instance: string }
  | {
      readonly kind: "CreateContainer";
      readonly name: string;
      readonly service: Name;
      readonly instance: string;
      readonly container: string;
    }
  | {
      readonly kind: "StartContainer";
      readonly name: string;
      readonly id: string;
      readonly service: Name;
      readonly instance: string;
      readonly container: string;
      /** Of the Services that it comes after: which it does not wait for, and why. */
      readonly without?: string;
    }
  /** A container that its node is to end must not be started again by Docker. */
  | {
      readonly kind: "SetRestartPolicy";
      readonly name: string;
      readonly id: string;
      readonly service: Name;
      readonly policy: "on-failure" | "no";
    }
  | { readonly kind: "RemoveContainer"; readonly name: string; readonly id: string; readonly service: Name; readonly graceMs: number }
  | { readonly kind: "RemoveNetwork"; readonly name: string; readonly service: Name }
  | { readonly kind: "ReleaseAddress"; readonly key: string }
  | { readonly kind: "RemoveImage"; readonly image: string; readonly service: Name };

export interface Decide {
  readonly kind: "Decide";
  readonly service: Name;
  /** Undefined: forget the Service. */
  readonly next: DecidedService | undefined;
  /** Mod revisions of what the decision was made from, 0: there was none. */
  readonly over: number;
  readonly desired: number;
  /** Of the Memberships of the nodes that take something new: one may be cordoned while the decision is on its way. */
  readonly memberships: Readonly<Record<NodeName, number>>;
  /** Nodes that are taken for Down and gone, with the mod revision of that verdict: one may be back while the decision is on its way. */
  readonly countedOut: Readonly<Record<NodeName, number>>;
  readonly placement: Placement;
  /** Whether each Volume existed when it was looked at. */
  readonly newVolumes: readonly Name[];
}

export interface Report {
  readonly kind: "Report";
  readonly service: Name;
  readonly node: NodeName;
  /** Undefined: there is nothing more to say. */
  readonly observed: ObservedService | undefined;
}

export type ServiceAction = LocalAction | Decide | Report;
