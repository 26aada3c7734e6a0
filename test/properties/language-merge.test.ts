import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { planApply, keysToRead, type ApplyContext, type ApplyPlan, type ReadEntry } from "../../src/api/apply.ts";
import { children } from "../../src/api/children.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import { parseManifests, type Manifest } from "../../src/api/manifest.ts";
import { merge } from "../../src/api/merge.ts";
import { isDnsLabel } from "../../src/api/names.ts";
import type { AnyResource, StoredResource } from "../../src/api/resource.ts";
import { objectOf } from "./language-generator.ts";
import { brokenStored } from "./language-oracle.ts";

const RUNS = Math.min(Number(process.env["FOSSORA_FUZZ"] ?? 2_000), 100_000);

const name = fc.constantFrom("a", "b", "c", "d");
const fields: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer({ max: 9 }),
    fc.constantFrom("x", "y"),
    fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
    tie("entries"),
    tie("fields"),
  ),
  fields: fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  entries: fc.uniqueArray(fc.record({ name, image: tie("value") }, { noNullPrototype: true }), {
    selector: (entry) => entry.name,
    maxLength: 3,
  }),
})).fields;

test("merging the same again changes nothing, and what is applied is there afterwards", () => {
  fc.assert(
    fc.property(fields, fields, fields, (last, live, next) => {
      const merged = merge(last, live, next);
      assert.deepEqual(merge(next, merged, next), merged);
      assert.deepEqual(merge(merged, merged, next), next, "what was applied and is no longer must go");
    }),
    { numRuns: RUNS },
  );
});

test("applying over nothing gives what was applied, and applying nothing takes it away again", () => {
  fc.assert(
    fc.property(fields, fields, (next, others) => {
      assert.deepEqual(merge({}, {}, next), next);
      assert.deepEqual(merge(next, merge({}, {}, next), {}), {});
      assert.deepEqual(merge({}, others, {}), others, "what others set stays");
    }),
    { numRuns: RUNS },
  );
});

/** A store in memory, as far as an apply needs one. */
class Memory {
  readonly entries = new Map<string, ReadEntry>();
  #revision = 0;

  apply(manifests: readonly Manifest[], context: ApplyContext): ApplyPlan {
    const wanted = new Set(keysToRead(manifests, context.manager));
    const plan = planApply(manifests, new Map([...this.entries].filter(([key]) => wanted.has(key))), context);
    if (plan.refusals.length > 0) return plan;
    this.#revision += 1;
    for (const { put, value } of plan.transaction.writes) {
      this.entries.set(put, { key: put, value, version: (this.entries.get(put)?.version ?? 0) + 1, modRevision: this.#revision });
    }
    return plan;
  }
}

const person: ApplyContext = {
  manager: "cli",
  force: false,
  now: "2026-01-01T00:00:00Z",
  newUid: () => "uid",
  ownerOfDerived: () => undefined,
  order: new Map(),
  volumes: new Map(),
  zone: "home.internal",
};
const service = objectOf("Service")
  .map((object) => parseManifests([{ file: "a.json", text: JSON.stringify(object) }]))
  .filter(({ problems }) => problems.length === 0);

test("an apply that is repeated is unchanged and writes nothing; one after another gives what the last one says", () => {
  fc.assert(
    fc.property(service, service, (first, second) => {
      const [one, two] = [
        first.manifests,
        second.manifests.map((manifest) => ({
          ...manifest,
          object: { ...manifest.object, metadata: first.manifests[0]?.object.metadata ?? { name: "x" } },
        })),
      ];
      const store = new Memory();
      assert.deepEqual(
        store.apply(one, person).results.map(({ action }) => action),
        ["created"],
      );
      const again = store.apply(one, person);
      assert.deepEqual(
        again.results.map(({ action }) => action),
        ["unchanged"],
      );
      assert.deepEqual(again.transaction.writes, []);
      const changed = store.apply(two, person);
      if (changed.refusals.length > 0) return;
      assert.equal(canonicalJson(storedSpec(changed)), canonicalJson(two[0]?.object.spec));
      const back = store.apply(one, person);
      assert.equal(canonicalJson(storedSpec(back)), canonicalJson(one[0]?.object.spec));
    }),
    { numRuns: Math.ceil(RUNS / 4) },
  );
});

function storedSpec(plan: ApplyPlan): unknown {
  return plan.results[0]?.stored.spec;
}

const routes = fc.constantFrom("Service", "Route").chain((kind) => objectOf(kind));

test("children have names, owners and specs as if they were applied, and are the same each time", () => {
  fc.assert(
    fc.property(routes, (object) => {
      const { manifests, problems } = parseManifests([{ file: "a.json", text: JSON.stringify(object) }]);
      fc.pre(problems.length === 0);
      for (const { object: parsed } of manifests) checkChildren(resource(parsed), 0);
    }),
    { numRuns: RUNS },
  );
});

function resource(stored: Pick<StoredResource, "apiVersion" | "kind" | "spec"> & { readonly metadata: object }): AnyResource {
  const { apiVersion, kind, spec } = stored;
  return {
    apiVersion,
    kind,
    spec,
    metadata: { ...stored.metadata, uid: "uid", generation: 1, resourceVersion: "5", creationTimestamp: "" },
  } as AnyResource; // from a checked manifest
}

function checkChildren(owner: AnyResource, depth: number): void {
  assert.ok(depth < 3, "children must end");
  const derived = children(owner, "home.internal");
  assert.deepEqual(children(owner, "home.internal"), derived);
  assert.equal(new Set(derived.map((child) => `${child.kind}/${child.metadata.name}`)).size, derived.length);
  for (const child of derived) {
    assert.ok(isDnsLabel(child.metadata.name), child.metadata.name);
    assert.equal(child.metadata.owner, `${owner.kind}/${owner.metadata.name}`);
    assert.equal(child.metadata.resourceVersion, owner.metadata.resourceVersion);
    assert.equal(brokenStored(child.kind, child), undefined);
    checkChildren(child, depth + 1);
  }
}
