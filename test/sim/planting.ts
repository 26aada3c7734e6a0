// How a bug is planted: in the one part of a node that it is in.
import { dnsRecordController } from "../../controllers/dnsrecord/controller.ts";
import { houseController } from "../../controllers/house/controller.ts";
import { membershipController } from "../../controllers/membership/controller.ts";
import { routeController as makeRouteController } from "../../controllers/route/controller.ts";
import { serviceController } from "../../controllers/service/controller.ts";
import type { NodeFacts } from "../../controllers/service/facts.ts";
import { plan } from "../../controllers/service/plan.ts";
import { whyNowhere } from "../../controllers/service/scheduling.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec, Update } from "../../src/api/types.ts";
import type { StoreMirror } from "../../src/engine/mirror.ts";
import { runnable } from "../../src/engine/runnable.ts";
import type { Containers } from "../../src/container-ports.ts";
import type { Store } from "../../src/ports.ts";
import { patched } from "./patched.ts";
import type { Wiring } from "./wiring.ts";

export const inStore = (methods: (store: Store) => Partial<Store>): Partial<Wiring> => ({ store: (store) => patched(store, methods) });
export const inDocker = (methods: (containers: Containers) => Partial<Containers>): Partial<Wiring> => ({
  containers: (containers) => patched(containers, methods),
});
export const inMirror = (Mirror: typeof StoreMirror): Partial<Wiring> => ({ mirror: (options) => new Mirror(options) });

export const routeController = makeRouteController(whyNowhere);

interface Controllers {
  readonly service?: Partial<typeof serviceController>;
  readonly route?: Partial<typeof routeController>;
  readonly membership?: Partial<typeof membershipController>;
  readonly house?: Partial<typeof houseController>;
}

export const inControllers = ({ service, route, membership, house }: Controllers): Partial<Wiring> => ({
  controllers: () => [
    runnable({ ...serviceController, ...service }),
    runnable({ ...routeController, ...route }),
    runnable({ ...membershipController, ...membership }),
    runnable(dnsRecordController),
    runnable({ ...houseController, ...house }),
  ],
});

/** The plan takes the update of every revision for another one, and writes down the right one. */
export const inUpdate = (update: Partial<Update>): Partial<Wiring> =>
  inControllers({
    service: {
      plan: (desired, facts, context) => {
        const revisions = facts.house.decided?.value.revisions ?? {};
        const decided = facts.house.decided && {
          ...facts.house.decided,
          value: {
            ...facts.house.decided.value,
            revisions: mapSpecs(revisions, (spec) => ({ ...spec, update: { ...spec.update, ...update } })),
          },
        };
        const planned = plan(desired, { ...facts, house: { ...facts.house, decided } }, context);
        const restore = (spec: ServiceSpec, hash: string): ServiceSpec => ({
          ...spec,
          update: (revisions[hash]?.spec ?? desired?.spec ?? spec).update,
        });
        return {
          ...planned,
          actions: planned.actions.map((action) =>
            action.kind === "Decide" && action.next
              ? { ...action, next: { ...action.next, revisions: mapSpecs(action.next.revisions, restore) } }
              : action,
          ),
        };
      },
    },
  });

function mapSpecs(
  revisions: DecidedService["revisions"],
  change: (spec: ServiceSpec, hash: string) => ServiceSpec,
): DecidedService["revisions"] {
  return Object.fromEntries(
    Object.entries(revisions).map(([hash, revision]) => [hash, { ...revision, spec: change(revision.spec, hash) }]),
  );
}

/** The plan of a Service takes the nodes for others than they are. */
export const inNodes = (change: (node: NodeFacts) => NodeFacts): Partial<Wiring> =>
  inControllers({
    service: {
      plan: (desired, facts, context) =>
        plan(desired, { ...facts, house: { ...facts.house, nodes: facts.house.nodes.map(change) } }, context),
    },
  });
