import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { SCHEMA_FILES } from "../schemas/schema.ts";
import * as rules from "./support/house-rules.ts";
import type { SourceFile } from "./support/source-file.ts";

const root = path.join(import.meta.dirname, "..");
const house: readonly SourceFile[] = globSync("{src,controllers,schemas,tools,test}/**/*.ts", { cwd: root, exclude: ["test/lab/**"] })
  .sort()
  .map((file) => ({ path: file, text: readFileSync(path.join(root, file), "utf8") }));

describe("the house", () => {
  test("has its rooms", () => assert.ok(house.length > 20, `only ${house.length} source files were found`));
  test("imports what its table allows", () => assert.deepEqual(rules.brokenImports(house), []));
  test("keeps clocks, chance and waiting out of pure files", () => assert.deepEqual(rules.impureFiles(house), []));
  test("takes time and chance from Clock and Random in the engine and the controllers", () => assert.deepEqual(rules.ownClocks(house), []));
  test("has the tests of pure files beside them", () => assert.deepEqual(rules.missingTests(house), []));
  test("knows each npm package in one place", () => assert.deepEqual(rules.sharedPackages(house), []));
  test("has names that say something", () => assert.deepEqual(rules.emptyNames(house), []));
  test("has no file over 400 lines", () => assert.deepEqual(rules.longFiles(house), []));
  test("has no barrels but the list of controllers", () => assert.deepEqual(rules.barrels(house), []));
  test("has no notes about unfinished work", () => assert.deepEqual(rules.unfinishedWork(house), []));
  test("opens each file with its place in the house", () => assert.deepEqual(rules.unintroducedFiles(house), []));
  test("does something by every field that a manifest may have", () => assert.deepEqual(rules.unreadFields(SCHEMA_FILES, house), []));
  test("has types that are generated from its schemas", () => {
    execFileSync(process.execPath, ["schemas/generate.ts", "--check"], { cwd: root, encoding: "utf8" });
  });
});

describe("a rule of the house", () => {
  const broken = (
    rule: (files: readonly SourceFile[]) => readonly string[],
    path: string,
    text: string,
    ...others: SourceFile[]
  ): boolean => rule([{ path, text }, ...others]).length > 0;

  const forbidden: readonly (readonly [string, string])[] = [
    ["src/api/keys.ts", 'import path from "node:path";'],
    ["src/api/keys.ts", 'import { Engine } from "../engine/engine.ts";'],
    ["src/api/keys.ts", 'import type { Clock } from "../ports.ts";'],
    ["src/ports.ts", 'import { keys } from "./api/keys.ts";'],
    ["src/engine/mirror.ts", 'import { plan } from "../../controllers/service/plan.ts";'],
    ["src/engine/mirror.ts", 'import { store } from "../adapters/etcd3/store.ts";'],
    ["src/engine/mirror.ts", 'import { value } from "../ports.ts";'],
    ["src/cli/get.ts", 'import https from "node:https";'],
    ["src/cli/get.ts", 'const { Etcd3 } = await import("etcd3");'],
    ["src/cli/get.ts", 'import { agent } from "../agent/agent.ts";'],
    ["src/joining/voters.ts", 'import { once } from "node:events";'],
    ["src/joining/voters.ts", 'import { store } from "../adapters/etcd3/store.ts";'],
    ["src/server/server.ts", 'import { plan } from "../../controllers/service/plan.ts";'],
    ["src/ingress/match.ts", 'import { createServer } from "node:http";'],
    ["src/ingress/main.ts", 'import { Etcd3 } from "etcd3";'],
    ["src/adapters/dns/server.ts", 'import { proxy } from "../http-proxy/proxy.ts";'],
    ["src/agent/agent.ts", 'import Docker from "dockerode";'],
    ["controllers/service/plan.ts", 'import type { Store } from "../../src/ports.ts";'],
    ["controllers/service/plan.ts", 'import { other } from "../route/plan.ts";'],
    ["controllers/service/controller.ts", 'import { docker } from "../../src/adapters/dockerode/containers.ts";'],
    ["src/elsewhere/thing.ts", 'import path from "node:path";'],
  ];
  for (const [file, text] of forbidden) {
    test(`forbids ${file} to say ${text}`, () => assert.ok(broken(rules.brokenImports, file, text)));
  }

  const allowed: readonly (readonly [string, string])[] = [
    ["src/api/manifest.ts", 'import Ajv from "ajv/dist/2020.js";\nimport schema from "../../schemas/service.json" with { type: "json" };'],
    [
      "src/engine/mirror.ts",
      'import type { Clock } from "../ports.ts";\nimport PQueue from "p-queue";\nimport { index } from "./index.ts";',
    ],
    ["src/adapters/dockerode/containers.ts", 'import Docker from "dockerode";\nimport { spec } from "./spec/spec.ts";'],
    [
      "controllers/service/controller.ts",
      'import {\n  plan,\n} from "./plan.ts";\nimport type { Controller } from "../../src/engine/contract.ts";',
    ],
    ["src/main.ts", 'const { runCli } = await import("./cli/main.ts");'],
    ["src/cli/main.test.ts", 'import { fake } from "../../test/fakes/store.ts";'],
  ];
  for (const [file, text] of allowed)
    test(`lets ${file} import what its room may`, () => assert.deepEqual(rules.brokenImports([{ path: file, text }]), []));

  test("sees a clock in a pure file, and not the word in a comment or a text", () => {
    assert.ok(broken(rules.impureFiles, "src/api/age.ts", "export const now = Date.now();"));
    assert.ok(broken(rules.impureFiles, "controllers/route/plan.ts", "export async function plan() {}"));
    assert.ok(!broken(rules.impureFiles, "src/api/age.ts", '// await nothing\nexport const text = "process.env";'));
    assert.ok(!broken(rules.impureFiles, "src/cli/age.ts", "await ready;"));
  });

  test("sees a timer of its own in the engine", () => {
    assert.ok(broken(rules.ownClocks, "src/engine/loop.ts", "setTimeout(again, 5);"));
    assert.ok(!broken(rules.ownClocks, "src/server/server.ts", "setTimeout(again, 5);"));
  });

  test("misses the test of a plan and of a pure function", () => {
    assert.ok(broken(rules.missingTests, "controllers/route/plan.ts", ""));
    assert.ok(broken(rules.missingTests, "src/api/merge.ts", "export function merge() {}"));
    assert.ok(!broken(rules.missingTests, "src/api/merge.ts", "export function merge() {}", { path: "src/api/merge.test.ts", text: "" }));
    assert.ok(!broken(rules.missingTests, "src/api/table.ts", "export interface Table {}"));
  });

  test("misses who reads a field, where its name is only spoken of", () => {
    const schemas = { "thing.json": { properties: { depth: { type: "integer" } } } };
    const reads = (path: string, text: string): readonly string[] => rules.unreadFields(schemas, [{ path, text }]);
    assert.deepEqual(reads("src/api/fill.ts", "spec.depth;"), []);
    for (const [path, text] of [
      ["src/api/types.ts", "depth?: number;"],
      ["src/api/rules.ts", "spec.depth;"],
      ["src/api/fill.ts", '// depth\nreport("depth");'],
    ] as const)
      assert.deepEqual(reads(path, text), ["schemas/thing.json has the field 'depth', which nothing reads"], path);
  });

  test("sees a package in two adapters", () => {
    const other = { path: "src/adapters/b/b.ts", text: 'import Docker from "dockerode";' };
    assert.ok(broken(rules.sharedPackages, "src/adapters/a/a.ts", 'import type Docker from "dockerode";', other));
    assert.ok(!broken(rules.sharedPackages, "src/adapters/b/c.ts", 'import Docker from "dockerode";', other));
  });

  test("sees names that say nothing", () => {
    assert.ok(broken(rules.emptyNames, "src/agent/child-manager.ts", ""));
    assert.ok(broken(rules.emptyNames, "src/agent/childProcess.ts", ""));
    assert.ok(broken(rules.emptyNames, "src/agent/child.ts", "export class ChildManager {}"));
    assert.ok(broken(rules.emptyNames, "src/agent/child.ts", "interface IChild {}"));
    assert.ok(!broken(rules.emptyNames, "src/agent/child.ts", "export interface Instance { readonly manager: string }"));
  });

  test("sees long files, barrels, unfinished work and files without a place", () => {
    assert.ok(broken(rules.longFiles, "src/agent/long.ts", "x;\n".repeat(401)));
    assert.ok(!broken(rules.longFiles, "src/agent/long.ts", "x;\n".repeat(400)));
    assert.ok(broken(rules.barrels, "src/api/index.ts", 'export * from "./keys.ts";'));
    assert.ok(broken(rules.barrels, "src/api/index.ts", 'export {\n  key,\n} from "./keys.ts";'));
    assert.ok(broken(rules.unfinishedWork, "src/api/keys.ts", ["// TO", "DO: later"].join("")));
    assert.ok(broken(rules.unintroducedFiles, "src/api/keys.ts", "export const x = 1;"));
  });
});
