import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { AnyManifestObject } from "../../src/api/document.ts";
import { parseManifests, type ParsedManifests } from "../../src/api/manifest.ts";
import { renderProblems } from "../../src/api/problem.ts";
import type { Kind } from "../../src/api/resource.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import { mutate, mutation, objectOf } from "./language-generator.ts";
import { brokenStored, brokenWritten } from "./language-oracle.ts";

/** Millions in the soak; the tests run what a minute of one core allows. */
const CASES = Number(process.env["FOSSORA_FUZZ"] ?? 100_000);
/** No manifest of this size may keep the server busy for longer. */
const CASE_LIMIT_MS = 2_000;
const KINDS: readonly Kind[] = ["Service", "Service", "Service", "Route", "DnsRecord", "Membership", "House"];

const folder = path.join(import.meta.dirname, "../../manifests");
const examples = globSync("*.yaml", { cwd: folder })
  .sort()
  .map((file) => readFileSync(path.join(folder, file), "utf8"));

/** What must hold of every text, whatever it is. */
function check(text: string): ParsedManifests {
  const begun = process.cpuUsage();
  const parsed = parseManifests([{ file: "fuzz.yaml", text }]);
  const { manifests, problems } = parsed;
  const rendered = problems.length > 0 ? renderProblems(problems) : "";
  // The processor's time: how busy the machine is says nothing about the reader.
  const { user, system } = process.cpuUsage(begun);
  assert.ok((user + system) / 1000 < CASE_LIMIT_MS, `it took longer than ${CASE_LIMIT_MS} ms`);
  for (const { line, column, message } of problems) {
    assert.ok(line >= 1 && column >= 1 && message !== "", `a problem has no place: ${line}:${column} ${message}`);
    assert.ok(rendered.includes(`:${line}:${column}`));
  }
  if (problems.length === 0) for (const { object } of manifests) checkStored(object);
  return parsed;
}

/** It is as its schema says without shorthands, and reading it again changes nothing. */
function checkStored(object: AnyManifestObject): void {
  const text = JSON.stringify({ ...object, written: undefined, cleared: undefined });
  assert.equal(brokenStored(object.kind, JSON.parse(text)), undefined);
  const again = parseManifests([{ file: "stored.json", text }]);
  assert.equal(again.problems.length > 0 ? renderProblems(again.problems) : "", "");
  assert.equal(canonicalJson(again.manifests[0]?.object.spec), canonicalJson(object.spec), "expanding is not idempotent");
}

function seeded(): { readonly seed?: number } {
  const seed = process.env["FOSSORA_SEED"];
  return seed === undefined ? {} : { seed: Number(seed) };
}

test("generated manifests are refused with places, or accepted as their schemas say, and stay as they are when read again", () => {
  const kind = fc.constantFrom(...KINDS);
  const objects = new Map(KINDS.map((each) => [each, objectOf(each)]));
  const text = kind.chain((each) => objects.get(each) ?? fc.constant({})).map((object) => JSON.stringify(object, null, 1));
  let accepted = 0;
  const each = (manifest: string): void => {
    const { manifests, problems } = check(manifest);
    if (problems.length > 0) return;
    const [accepts] = manifests;
    assert.ok(accepts, "an object that is not accepted has a problem");
    accepted += 1;
    // An empty field counts as absent, which JSON Schema cannot say.
    if (!manifest.includes("null")) assert.equal(brokenWritten(accepts.object.kind, JSON.parse(manifest)), undefined);
  };
  fc.assert(fc.property(text, each), { numRuns: Math.ceil(CASES / 2), ...seeded() });
  assert.ok(accepted > CASES / 100, `only ${accepted} of ${CASES / 2} were accepted: the generator tests refusals alone`);
});

test("mutated manifests never crash or stall the reader, and nothing is accepted that breaks its schema", () => {
  const text = fc
    .tuple(fc.constantFrom(...examples), fc.array(mutation, { minLength: 1, maxLength: 5 }))
    .map(([base, mutations]) => mutations.reduce(mutate, base));
  let accepted = 0;
  const each = (manifest: string): void => {
    accepted += check(manifest).problems.length === 0 ? 1 : 0;
  };
  fc.assert(fc.property(text, each), { numRuns: Math.floor(CASES / 2), ...seeded() });
  assert.ok(accepted > CASES / 100, `only ${accepted} of ${CASES / 2} were accepted: the mutations destroy everything`);
});
