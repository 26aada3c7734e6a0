// The laws of the Service's plan, asked of generated houses.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ServiceAction } from "../../controllers/service/actions.ts";
import type { NodeFacts } from "../../controllers/service/facts.ts";
import { fitness } from "../../controllers/service/placement.ts";
import { plan } from "../../controllers/service/plan.ts";
import { cannotRunTwice, updateOrder } from "../../controllers/service/traits.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { anySpec, goodSpec, node, ROUNDS_MAX, RUNS, someNodes } from "./service-generator.ts";
import { behaviourOf, SERVICE, ServiceModel } from "./service-model.ts";

/** People change their minds, and each time the house comes to rest, or is still on its way. */
const story = fc.record({
  nodes: someNodes,
  specs: fc.array(fc.record({ spec: anySpec, rounds: fc.nat(40) }), { minLength: 1, maxLength: 4 }),
  last: goodSpec,
});

function live(
  model: ServiceModel,
  { specs, last }: { readonly specs: readonly { readonly spec: ServiceSpec; readonly rounds: number }[]; readonly last: ServiceSpec },
): number {
  for (const { spec, rounds } of specs) {
    model.apply(spec);
    try {
      model.settle(rounds);
    } catch {
      // Still on its way: the next change comes meanwhile.
    }
  }
  model.apply(last);
  return model.settle(ROUNDS_MAX);
}

test("every house comes to rest in a bounded number of rounds, and runs what was asked for where it can", () => {
  fc.assert(
    fc.property(story, (told) => {
      const model = new ServiceModel(told.nodes);
      live(model, told);
      const { spec } = model.desired ?? assert.fail();
      const instances = model.decided?.value.instances ?? [];
      const volumes = model.decided?.value.volumes ?? {};
      const wanted = { service: SERVICE, spec, volumes: cannotRunTwice(spec) ? volumes : {} };
      const fit = fitness(wanted, model.nodes).filter(({ fits }) => fits);
      const limit = spec.replicas === "all" ? model.nodes.length : spec.replicas;
      assert.ok(instances.length <= limit, `${instances.length} of ${limit}`);
      if (fit.length > 0)
        assert.ok(
          instances.length >= (spec.replicas === "all" ? fit.length : spec.replicas),
          `${instances.length} of ${String(spec.replicas)}`,
        );
      const serving = new Set(model.serving().map(({ instance }) => instance));
      for (const { id, revision } of instances)
        if (revision === model.decided?.value.target) assert.ok(serving.has(id), `${id} does not serve`);
    }),
    { numRuns: RUNS },
  );
});

test("what is at rest stays at rest, however long", () => {
  fc.assert(
    fc.property(story, (told) => {
      const model = new ServiceModel(told.nodes);
      live(model, told);
      model.nowMs += 3_600_000;
      for (const { name } of model.nodes) assert.deepEqual(effective(model.planOn(name).actions), []);
    }),
    { numRuns: RUNS },
  );
});

test("a deleted Service leaves nothing behind: no container, nothing decided, nothing observed", () => {
  fc.assert(
    fc.property(story, (told) => {
      const model = new ServiceModel(told.nodes);
      live(model, told);
      model.apply(undefined);
      model.settle(ROUNDS_MAX);
      assert.deepEqual(
        [...model.machines.values()].flatMap(({ containers }) => containers),
        [],
      );
      assert.equal(model.decided, undefined);
      assert.deepEqual([...model.observed.keys()], []);
    }),
    { numRuns: RUNS },
  );
});

test("there are never more instances than replicas and the surge of the update", () => {
  const limitOf = (spec: ServiceSpec, nodes: number): number =>
    (spec.replicas === "all" ? nodes : spec.replicas) + (updateOrder(spec) === "start-first" ? spec.update.parallel : 0);
  fc.assert(
    fc.property(someNodes, fc.array(goodSpec, { minLength: 2, maxLength: 4 }), (nodes, specs) => {
      let before = 0;
      const witness = (model: ServiceModel, _: NodeName, action: ServiceAction): void => {
        if (action.kind !== "Decide") return;
        const spec = model.desired?.spec ?? assert.fail();
        const count = model.decided?.value.instances.length ?? 0;
        // Scaled down, a Service may have too many for a moment, but never more than it had.
        assert.ok(count <= Math.max(before, limitOf(spec, model.nodes.length)), `${count} instances`);
        before = count;
      };
      const model = new ServiceModel(nodes, witness);
      for (const spec of specs) {
        model.apply(spec);
        model.settle(ROUNDS_MAX);
      }
    }),
    { numRuns: RUNS },
  );
});

test("under start-first the last that serves is never taken away", () => {
  // 'all' of no node is none, so nothing is required of the nodes.
  const alone = (spec: ServiceSpec): ServiceSpec => ({
    ...spec,
    containers: spec.containers.slice(0, 1).map((container) => ({ ...container, after: [] })),
    placement: { spread: "node" },
  });
  const meant = (specs: fc.Arbitrary<ServiceSpec>): fc.Arbitrary<ServiceSpec> =>
    specs.map(alone).filter((spec) => updateOrder(spec) === "start-first" && spec.replicas !== 0);
  fc.assert(
    fc.property(someNodes, meant(goodSpec), fc.array(meant(anySpec), { minLength: 1, maxLength: 3 }), (nodes, first, specs) => {
      let served = false;
      const witness = (model: ServiceModel, _: NodeName, action: ServiceAction): void => {
        const serves = model.serving().length > 0;
        if (action.kind === "RemoveContainer") assert.ok(serves || !served, "nothing serves any more");
        served = serves;
      };
      const model = new ServiceModel(nodes, witness);
      for (const spec of [first, ...specs]) {
        model.apply(spec);
        model.settle(ROUNDS_MAX * 4);
      }
    }),
    { numRuns: RUNS },
  );
});

test("what must not run twice never does", () => {
  fc.assert(
    fc.property(
      someNodes,
      fc.array(
        anySpec.filter((spec) => cannotRunTwice(spec) && spec.replicas === 1),
        { minLength: 2, maxLength: 4 },
      ),
      (nodes, specs) => {
        const witness = (model: ServiceModel): void => {
          const running = new Set(
            [...model.machines].flatMap(([, { containers }]) =>
              containers.filter(({ state }) => state !== "created").map(({ instance }) => instance),
            ),
          );
          assert.ok(running.size <= 1, `${[...running].join(" and ")} run at once`);
        };
        const model = new ServiceModel(nodes, witness);
        for (const spec of specs) {
          model.apply({ ...spec, update: { ...spec.update, onFailure: "continue" } });
          try {
            model.settle(60);
          } catch {
            // One that loops never rests.
          }
        }
      },
    ),
    { numRuns: RUNS },
  );
});

test("nothing is placed on a node that is Down, silent, cordoned or unfit", () => {
  const state = fc.constantFrom<Partial<NodeFacts>>({}, { downSinceMs: 0 }, { record: undefined }, { schedulable: false });
  fc.assert(
    fc.property(someNodes, fc.array(state, { minLength: 4, maxLength: 4 }), goodSpec, (nodes, states, spec) => {
      const facts = nodes.map((each, index) => ({ ...each, ...states[index] }));
      const witness = (model: ServiceModel, _: NodeName, action: ServiceAction): void => {
        if (action.kind !== "Decide") return;
        const placed = new Set(action.next?.instances.map((instance) => instance.node));
        for (const { node: name, fits } of fitness({ service: SERVICE, spec, volumes: {} }, model.nodes))
          if (!fits) assert.ok(!placed.has(name), `placed on ${name}`);
      };
      const model = new ServiceModel(facts, witness);
      model.apply(spec);
      model.settle(ROUNDS_MAX);
    }),
    { numRuns: RUNS },
  );
});

test("a node that joins or leaves moves nothing that does not want to be everywhere", () => {
  fc.assert(
    fc.property(
      someNodes,
      goodSpec.filter(({ replicas }) => replicas !== "all"),
      node("n9"),
      (nodes, spec, other) => {
        const model = new ServiceModel(nodes);
        model.apply(spec);
        model.settle(ROUNDS_MAX);
        const before = model.decided?.value.instances ?? [];
        fc.pre(before.length === spec.replicas);
        const later = new ServiceModel([...nodes, other]);
        Object.assign(later, { desired: model.desired, decided: model.decided, nowMs: model.nowMs });
        for (const [name, value] of model.observed) later.observed.set(name, value);
        for (const { name } of nodes)
          assert.deepEqual(
            plan(later.desired, { ...later.factsOn(name), local: model.factsOn(name).local }, { node: name, now: model.nowMs }).actions,
            [],
          );
        const used = new Set(before.map((instance) => instance.node));
        const left = new ServiceModel(nodes.map((each) => (used.has(each.name) ? each : { ...each, record: undefined })));
        Object.assign(left, { desired: model.desired, decided: model.decided, nowMs: model.nowMs });
        for (const name of used)
          assert.deepEqual(
            plan(
              left.desired,
              { ...model.factsOn(name), house: { ...model.factsOn(name).house, nodes: left.nodes } },
              { node: name, now: model.nowMs },
            ).actions,
            [],
          );
      },
    ),
    { numRuns: RUNS },
  );
});

test("equal facts give an equal plan, frozen or not, and whatever the order of lists", () => {
  fc.assert(
    fc.property(story, fc.nat(60), (told, rounds) => {
      const model = new ServiceModel(told.nodes);
      model.apply(told.last);
      try {
        model.settle(rounds);
      } catch {
        // Somewhere on its way: there are actions to compare.
      }
      for (const { name } of model.nodes) {
        const facts = model.factsOn(name);
        const once = model.planOn(name);
        assert.deepEqual(plan(freeze(model.desired), freeze(facts), { node: name, now: model.nowMs }), once);
        const shuffled = {
          ...facts,
          house: { ...facts.house, nodes: facts.house.nodes.toReversed(), observed: new Map([...facts.house.observed].toReversed()) },
          local: { ...facts.local, containers: facts.local.containers?.toReversed() },
        };
        assert.deepEqual(sorted(plan(model.desired, shuffled, { node: name, now: model.nowMs }).actions), sorted(once.actions));
      }
    }),
    { numRuns: RUNS },
  );
});

test("the plan touches no container of another Service, and none that is not ours", () => {
  // What a plan may touch comes from the list of this Service's labelled containers: everything else is not even shown to it.
  fc.assert(
    fc.property(story, (told) => {
      const known = new Set<string>();
      const witness = (model: ServiceModel, name: NodeName, action: ServiceAction): void => {
        for (const { id } of model.machines.get(name)?.containers ?? []) known.add(id);
        if (action.kind === "RemoveContainer" || action.kind === "StartContainer") assert.ok(known.has(action.id), action.id);
      };
      live(new ServiceModel(told.nodes, witness), told);
    }),
    { numRuns: RUNS },
  );
});

test("a change that needs no restart touches no container", () => {
  const touched = new Set(["CreateContainer", "StartContainer", "RemoveContainer"]);
  fc.assert(
    fc.property(someNodes, goodSpec, (nodes, spec) => {
      let calm = false;
      const model = new ServiceModel(nodes, (_model, _name, action) => assert.ok(!calm || !touched.has(action.kind), action.kind));
      model.apply(spec);
      model.settle(ROUNDS_MAX);
      calm = true;
      const containers = spec.containers.map((container) => ({ ...container, stopGrace: "42s" }));
      model.apply({ ...spec, containers, routes: [], update: { ...spec.update, monitor: "7s" } });
      model.settle(ROUNDS_MAX);
      assert.equal(model.decided?.value.revisions[model.decided.value.target]?.generation, 2);
    }),
    { numRuns: RUNS },
  );
});

test("containers that run as decided are adopted: an agent without a memory does nothing", () => {
  fc.assert(
    fc.property(story, (told) => {
      const model = new ServiceModel(told.nodes);
      live(model, told);
      for (const { name } of model.nodes) {
        const facts = model.factsOn(name);
        const { actions } = plan(
          model.desired,
          { ...facts, local: { ...facts.local, jobs: {}, pulled: [] } },
          { node: name, now: model.nowMs },
        );
        assert.deepEqual(
          effective(actions).filter(({ kind }) => kind !== "Report"),
          [],
        );
      }
    }),
    { numRuns: RUNS },
  );
});

/** An image that does not exist is asked for again and again: it may exist one day. */
function effective(actions: readonly ServiceAction[]): readonly ServiceAction[] {
  return actions.filter((action) => action.kind !== "PullImage" || behaviourOf(action.image) !== "missing");
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !(value instanceof Map) && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}

function sorted(actions: readonly ServiceAction[]): readonly string[] {
  return actions.map((action) => JSON.stringify(action)).sort();
}
