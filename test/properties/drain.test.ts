// The law of a planned move, asked of generated houses.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ServiceAction } from "../../controllers/service/actions.ts";
import { fitness } from "../../controllers/service/placement.ts";
import { updateOrder } from "../../controllers/service/traits.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { goodSpec, ROUNDS_MAX, RUNS, someNodes } from "./service-generator.ts";
import { SERVICE, ServiceModel } from "./service-model.ts";

test("a drained node is left by all that others can run, under start-first without a gap, and nothing goes back", () => {
  const bare = (spec: ServiceSpec): ServiceSpec => ({
    ...spec,
    containers: spec.containers.map((each) => ({ ...each, after: [] })).slice(0, 1),
  });
  fc.assert(
    fc.property(someNodes, goodSpec.map(bare), fc.nat(), (nodes, spec, index) => {
      let served = false;
      const witness = (model: ServiceModel, _: NodeName, action: ServiceAction): void => {
        const serves = model.serving().length > 0;
        if (action.kind === "RemoveContainer" && updateOrder(spec) === "start-first") assert.ok(serves || !served, "nothing serves");
        served = serves;
      };
      const model = new ServiceModel(nodes, witness);
      model.apply(spec);
      model.settle(ROUNDS_MAX);
      fc.pre(model.decided?.value.instances.length === spec.replicas);
      const left = nodes[index % nodes.length]?.name ?? assert.fail();
      model.nodes.splice(0, nodes.length, ...nodes.map((each) => (each.name === left ? { ...each, leaving: "drained" as const } : each)));
      model.settle(ROUNDS_MAX);
      const after = model.decided?.value ?? assert.fail();
      const fit = fitness({ service: SERVICE, spec, volumes: after.volumes ?? {} }, model.nodes).filter(({ fits }) => fits);
      const remain = after.instances.filter((instance) => instance.node === left);
      assert.ok(remain.length === 0 || fit.length === 0, `${remain.length} are left there`);
      assert.equal(after.instances.length, spec.replicas);
      model.nodes.splice(0, nodes.length, ...nodes);
      model.settle(ROUNDS_MAX);
      assert.deepEqual(model.decided?.value.instances, after.instances);
    }),
    { numRuns: RUNS },
  );
});

test("what becomes of a node without any of a Service's instances moves none of them", () => {
  const fates = [
    { leaving: "drained" },
    { leaving: "stopping" },
    { schedulable: false },
    { record: undefined },
    { downSinceMs: 0 },
  ] as const;
  fc.assert(
    fc.property(
      someNodes,
      goodSpec.filter(({ replicas }) => replicas !== "all"),
      fc.constantFrom(...fates),
      (nodes, spec, fate) => {
        const model = new ServiceModel(nodes);
        model.apply(spec);
        model.settle(ROUNDS_MAX);
        const before = model.decided?.value.instances ?? [];
        fc.pre(before.length === spec.replicas);
        const used = new Set(before.map((instance) => instance.node));
        for (const changed of [fate, {}]) {
          model.nodes.splice(0, nodes.length, ...nodes.map((each) => (used.has(each.name) ? each : { ...each, ...changed })));
          model.settle(ROUNDS_MAX);
          assert.deepEqual(model.decided?.value.instances, before);
        }
      },
    ),
    { numRuns: RUNS },
  );
});
