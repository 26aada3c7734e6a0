import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservedContainer } from "../../src/api/state.ts";
import { docker, localFacts, observedInstance, seen } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { unheldCondition, withUnheld } from "./unheld.ts";

const running: ObservedContainer = { name: "app", phase: "running", id: "c1", health: "none", restarts: 0 };
const keeping = (name: string, ...unheld: readonly string[]): ObservedContainer => ({ ...running, name, unheld });

test("what no volume holds is told with each container, as Docker says now, or as was told before", () => {
  const spec = serviceSpec("app", "app:1");
  const made = docker("app", "aaaa", spec, { id: "c1", unheld: ["/config"] });
  const told = observedInstance("aaaa", { containers: [running, { ...running, id: "c2", name: "db" }] });
  const containers = [
    { ...running, unheld: ["/config"] },
    { ...running, id: "c2", name: "db" },
  ];
  assert.deepEqual(withUnheld(told, localFacts({ containers: [made] })).containers, containers);
  const reported = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { containers })] });
  assert.deepEqual(withUnheld(told, localFacts({ containers: undefined, reported })).containers, containers);
});

test("it is one sentence for people, and names what to write", () => {
  const one = unheldCondition([observedInstance("aaaa", { containers: [keeping("app", "/config", "/cache")] })]);
  assert.deepEqual([one?.type, one?.status, one?.reason], ["DataHeld", "False", "NoVolume"]);
  assert.match(one?.message ?? "", /^What it keeps in \/cache and \/config is in no volume: .*volumes: \["config:\/config"\]/);
  const several = [keeping("web"), keeping("db", "/var/lib/postgresql/data")];
  assert.match(
    unheldCondition([observedInstance("aaaa", { containers: several })])?.message ?? "",
    /in \/var\/lib\/postgresql\/data of 'db' is.*"data:\/var\/lib\/postgresql\/data"/,
  );
  assert.equal(unheldCondition([observedInstance("aaaa", { containers: [keeping("app"), running] })]), undefined);
  assert.match(unheldCondition([observedInstance("aaaa", { containers: [keeping("app", "/_x")] })])?.message ?? "", /"data:\/_x"/);
});
