// Services and nodes for the laws of the Service's plan.
import fc from "fast-check";
import type { NodeFacts } from "../../controllers/service/facts.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { nodeFacts } from "../fakes/facts.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { SERVICE } from "./service-model.ts";

export const RUNS = 150;
export const ROUNDS_MAX = 400;
const NAMES = ["n1", "n2", "n3", "n4"];

const tag = fc.constantFrom("1", "2", "3", "deaf", "crashing", "missing");
const goodTag = fc.constantFrom("1", "2", "3");
const traits = fc.constantFrom<Partial<Container>>(
  {},
  {},
  { env: { CHANGED: "1" } },
  { volumes: [{ type: "volume", name: "data", path: "/data", readOnly: false }] },
  { volumes: [{ type: "host", source: "/srv", path: "/srv", readOnly: false }] },
  { devices: [{ class: "stick" }] },
);

const specOf = (tags: fc.Arbitrary<string>): fc.Arbitrary<ServiceSpec> =>
  fc
    .record({
      main: tags,
      over: traits,
      second: fc.option(fc.constantFrom("beside", "before"), { nil: undefined }),
      replicas: fc.constantFrom<ServiceSpec["replicas"]>(0, 1, 1, 2, 3, "all"),
      order: fc.constantFrom("start-first" as const, "stop-first" as const, undefined),
      parallel: fc.constantFrom(1, 2),
      onFailure: fc.constantFrom("rollback" as const, "pause" as const, "continue" as const),
      nodes: fc.option(fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }), { nil: undefined, freq: 4 }),
    })
    .map(({ main, over, second, replicas, order, parallel, onFailure, nodes }) => {
      const app = containerSpec("app", `app:${main}`, { ...over, ...(second === "before" && { after: ["db"] }) });
      const spec = serviceSpec(SERVICE, "", {
        containers: second === undefined ? [app] : [app, containerSpec("db", "db:1")],
        replicas,
        update: { ...(order && { order }), parallel, monitor: "5s", onFailure },
        placement: { spread: "node", ...(nodes && { require: { nodes } }) },
      });
      // Admission refuses start-first for what cannot run twice.
      return cannotRunTwice(spec) ? { ...spec, update: { parallel, monitor: "5s", onFailure } } : spec;
    });

export const anySpec = specOf(tag);
export const goodSpec = specOf(goodTag);

export const node = (name: NodeName): fc.Arbitrary<NodeFacts> =>
  fc.record({ schedulable: fc.boolean(), hasStick: fc.boolean(), instances: fc.nat(5) }).map(({ schedulable, hasStick, instances }) => {
    const devices = hasStick ? [{ class: "stick", paths: ["/dev/ttyACM0"], groups: [] }] : [];
    return nodeFacts(name, { schedulable, load: { instances, memoryBytes: instances * 2 ** 28, cpus: 0 } }, { devices });
  });
export const someNodes = fc.integer({ min: 1, max: NAMES.length }).chain((count) => fc.tuple(...NAMES.slice(0, count).map(node)));
