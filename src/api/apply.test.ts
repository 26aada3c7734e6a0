import assert from "node:assert/strict";
import { test } from "node:test";
import { keysToRead, planApply, type ApplyContext, type ApplyPlan, type ReadEntry } from "./apply.ts";
import { keys } from "./keys.ts";
import { parseManifests, type Manifest } from "./manifest.ts";
import type { StoredResource } from "./resource.ts";
import type { ServiceSpec } from "./types.ts";

const context: ApplyContext = {
  manager: "cli",
  force: false,
  now: "2026-11-22T20:00:00Z",
  newUid: () => "u1",
  ownerOfDerived: () => undefined,
  order: new Map(),
  volumes: new Map(),
  zone: "home.internal",
};

function manifests(...specs: readonly string[]): readonly Manifest[] {
  const text = specs
    .map((spec, index) => `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: app${index || ""} }\nspec: ${spec}\n`)
    .join("---\n");
  const { manifests: parsed, problems } = parseManifests([{ file: "app.yaml", text }]);
  assert.deepEqual(problems, []);
  return parsed;
}

/** The entries that a plan leaves behind. */
function after(plan: ApplyPlan, before: ReadonlyMap<string, ReadEntry> = new Map()): Map<string, ReadEntry> {
  const entries = new Map(before);
  for (const { put, value } of plan.transaction.writes)
    entries.set(put, { key: put, value, version: (entries.get(put)?.version ?? 0) + 1, modRevision: 100 + entries.size });
  return entries;
}

function change(
  entries: ReadonlyMap<string, ReadEntry>,
  edit: (stored: StoredResource<"Service">) => StoredResource,
): ReadonlyMap<string, ReadEntry> {
  const key = keys.desired("Service", "app");
  const entry = entries.get(key);
  assert.ok(entry);
  return new Map([...entries, [key, { ...entry, value: JSON.stringify(edit(JSON.parse(entry.value) as StoredResource<"Service">)) }]]);
}

const specOf = (plan: ApplyPlan): ServiceSpec => plan.results[0]?.stored.spec as ServiceSpec;
const actions = (plan: ApplyPlan): readonly string[] => plan.results.map(({ action, generation }) => `${action} ${generation}`);

test("the keys to read are the object's and what this manager applied last", () => {
  assert.deepEqual(keysToRead(manifests('{ image: "a:1" }'), "cli"), ["/fossora/desired/Service/app", "/fossora/applied/Service/app/cli"]);
});

test("what is new is created in one transaction, which fails if somebody else was quicker", () => {
  const plan = planApply(manifests('{ image: "a:1" }', '{ image: "b:1" }'), new Map(), context);
  assert.deepEqual(actions(plan), ["created 1", "created 1"]);
  assert.deepEqual(plan.transaction.compare, [
    { key: "/fossora/desired/Service/app", modRevision: 0 },
    { key: "/fossora/applied/Service/app/cli", modRevision: 0 },
    { key: "/fossora/desired/Service/app1", modRevision: 0 },
    { key: "/fossora/applied/Service/app1/cli", modRevision: 0 },
  ]);
  assert.deepEqual(
    plan.transaction.writes.map(({ put }) => put),
    [
      "/fossora/desired/Service/app",
      "/fossora/history/Service/app/0000000001",
      "/fossora/applied/Service/app/cli",
      "/fossora/desired/Service/app1",
      "/fossora/history/Service/app1/0000000001",
      "/fossora/applied/Service/app1/cli",
    ],
  );
  const [first] = plan.results;
  assert.deepEqual(
    [first?.stored.metadata, first?.stored.manager],
    [{ name: "app", uid: "u1", creationTimestamp: "2026-11-22T20:00:00Z" }, "cli"],
  );
});

test("what is the same is unchanged, and nothing is written", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), context));
  const plan = planApply(manifests('{ image: "a:1" }'), entries, { ...context, now: "later", newUid: () => "u2" });
  assert.deepEqual([actions(plan), plan.transaction.writes], [["unchanged 1"], []]);
});

test("history has what the manifest said of a generation, also where another says the same", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), context));
  const plan = planApply(manifests('{ image: "a:1", replicas: 1 }'), entries, context);
  assert.deepEqual(
    plan.transaction.writes.map(({ put }) => put),
    ["/fossora/history/Service/app/0000000001", "/fossora/applied/Service/app/cli"],
  );
  assert.equal((JSON.parse(plan.transaction.writes[0]?.value ?? "") as { applied: { replicas: number } }).applied.replicas, 1);
});

test("what differs is configured with the next generation, and keeps who it is", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), context));
  const plan = planApply(manifests('{ image: "a:2" }'), entries, { ...context, now: "later", newUid: () => "u2" });
  assert.deepEqual([actions(plan), plan.results[0]?.stored.metadata.uid], [["configured 2"], "u1"]);
  assert.equal(plan.transaction.compare[0]?.modRevision, entries.get("/fossora/desired/Service/app")?.modRevision);
});

test("what was scaled stays scaled while the manifest does not say a number", () => {
  const entries = change(after(planApply(manifests('{ image: "a:1" }'), new Map(), context)), (stored) => ({
    ...stored,
    spec: { ...stored.spec, replicas: 3 },
  }));
  assert.equal(specOf(planApply(manifests('{ image: "a:2" }'), entries, context)).replicas, 3);
  assert.equal(specOf(planApply(manifests('{ image: "a:1", replicas: 2 }'), entries, context)).replicas, 2);
});

test("what the manifest no longer says becomes the default again", () => {
  const entries = after(planApply(manifests('{ image: "a:1", replicas: 2, tty: true, env: { A: a } }'), new Map(), context));
  const { replicas, containers } = specOf(planApply(manifests('{ image: "a:1" }'), entries, context));
  assert.deepEqual([replicas, containers[0]?.tty, containers[0] && "env" in containers[0]], [1, false, false]);
});

test("a default of this release does not change what an earlier one stored", () => {
  const entries = change(after(planApply(manifests('{ image: "a:1" }'), new Map(), context)), (stored) => ({
    ...stored,
    spec: { ...stored.spec, update: { ...stored.spec.update, monitor: "5s" } },
  }));
  const plan = planApply(manifests('{ image: "a:1" }'), entries, context);
  assert.deepEqual([actions(plan), specOf(plan).update.monitor], [["unchanged 1"], "5s"]);
});

test("another manager's object is refused, naming it, and taken over by force", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }', '{ image: "b:1" }'), new Map(), { ...context, manager: "git/home" }));
  const plan = planApply(manifests('{ image: "a:2" }'), entries, context);
  assert.deepEqual(
    plan.refusals.map(({ reason, problem }) => `${reason} ${problem.file}:${problem.line} ${problem.field} ${problem.message}`),
    [
      "ManagedElsewhere app.yaml:1 metadata.name is managed by 'git/home', which would set it back: change it there, or take it over with --force",
    ],
  );
  assert.deepEqual(plan.transaction.writes, []);
  const forced = planApply(manifests('{ image: "a:2" }'), entries, { ...context, force: true });
  assert.deepEqual([actions(forced), forced.results[0]?.stored.manager], [["configured 2"], "cli"]);
});

test("what the house made itself may be taken over without force", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), { ...context, manager: "agent" }));
  assert.deepEqual(planApply(manifests('{ image: "a:1" }'), entries, context).refusals, []);
});

test("a version that is given must be the one that is there", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), context));
  const [manifest] = manifests('{ image: "a:2" }');
  assert.ok(manifest);
  const withVersion = (resourceVersion: string): ApplyPlan =>
    planApply([{ ...manifest, object: { ...manifest.object, resourceVersion } }], entries, context);
  assert.deepEqual(
    withVersion("7").refusals.map(({ reason }) => reason),
    ["Conflict"],
  );
  assert.deepEqual(withVersion(String(entries.get("/fossora/desired/Service/app")?.modRevision)).refusals, []);
});

test("what was saved with its version is created anew where it is gone", () => {
  const [manifest] = manifests('{ image: "a:1" }');
  assert.ok(manifest);
  const plan = planApply([{ ...manifest, object: { ...manifest.object, resourceVersion: "7" } }], new Map(), context);
  assert.deepEqual([plan.refusals, actions(plan)], [[], ["created 1"]]);
  assert.deepEqual(plan.transaction.compare[0], { key: "/fossora/desired/Service/app", modRevision: 0 });
});

test("what does not fit what others set is refused with its field", () => {
  const entries = change(after(planApply(manifests('{ image: "a:1" }'), new Map(), context)), (stored) => ({
    ...stored,
    spec: { ...stored.spec, update: { ...stored.spec.update, order: "start-first" } },
  }));
  const { refusals } = planApply(manifests('{ image: "a:1", volumes: ["d:/d"] }'), entries, context);
  assert.deepEqual(
    refusals.map(({ reason, problem }) => `${reason} ${problem.field}`),
    ["Invalid spec.update.order"],
  );
});

test("one that is refused keeps all from being written", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), { ...context, manager: "git/home" }));
  const plan = planApply(manifests('{ image: "a:2" }', '{ image: "b:1" }'), entries, context);
  assert.equal(plan.refusals.length, 1);
  assert.deepEqual([plan.results, plan.transaction], [[], { compare: [], writes: [] }]);
});

test("warnings say what is as mighty as root, and what takes the place of a derived object", () => {
  const plan = planApply(manifests('{ image: "a:1", privileged: true }'), new Map(), { ...context, ownerOfDerived: () => "Service/other" });
  assert.deepEqual(plan.results[0]?.warnings, [
    "has the rights of root on its node: container 'app' is privileged",
    "takes the place of the one that follows from Service/other",
  ]);
});

test("several that write into one folder are a warning: they run as they were wished for", () => {
  const [result] = planApply(manifests('{ image: "a:1", replicas: 2, volumes: [pg:/data] }'), new Map(), context).results;
  assert.deepEqual(result?.warnings, [
    "is to run 2 times at once, as 'replicas' says, and that may do harm: 'pg:/data' may be written by one instance at a time",
  ]);
});

test("a secret that is named is a warning, once: what names one waits", () => {
  const containers =
    "{ containers: [{ name: a, image: a, env: { P: { secret: app/db } } }, { name: b, image: b, env: { P: { secret: app/db } } }] }";
  const [result] = planApply(manifests(containers), new Map(), context).results;
  assert.deepEqual(result?.warnings, ["names the secret 'app/db', and this release keeps no secrets: it waits for it"]);
});

test("the manifest is kept as it was written, with its place", () => {
  const plan = planApply(manifests('{ image: "a:1" }'), new Map(), context);
  const record: unknown = JSON.parse(plan.transaction.writes[2]?.value ?? "");
  assert.deepEqual(record, {
    file: "app.yaml",
    line: 1,
    spec: { containers: [{ name: "app", image: "a:1" }] },
    text: 'apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: app }\nspec: { image: "a:1" }',
  });
});

test("who would wait for whom in a circle is refused with the circle, whoever wrote the rest of it", () => {
  const problems = (order: ApplyContext["order"], ...specs: readonly string[]) =>
    planApply(manifests(...specs), new Map(), { ...context, order }).refusals.map(
      ({ problem }) => `${problem.name} ${problem.field}: ${problem.message}`,
    );
  const circle = "app spec.after: must not go in a circle: app waits for app1 waits for app";
  assert.deepEqual(problems(new Map(), '{ image: "a:1", after: [app1] }', '{ image: "b:1", after: [app] }'), [circle]);
  assert.deepEqual(problems(new Map([["app1", ["app"]]]), '{ image: "a:1", after: [app1] }'), [circle]);
  // What is applied along with it counts, not what was there before.
  assert.deepEqual(problems(new Map([["app1", ["app"]]]), '{ image: "a:1", after: [app1] }', '{ image: "b:1" }'), []);
});

test("a circle that is there already stands in nobody's way who changes nothing of it", () => {
  const order = new Map([["db", ["app"]]]);
  const entries = after(planApply(manifests('{ image: "a:1", after: [db] }'), new Map(), context));
  const plan = planApply(manifests('{ image: "a:1", after: [db] }'), entries, { ...context, order });
  assert.deepEqual([plan.refusals, actions(plan)], [[], ["unchanged 1"]]);
});

test("to come after what is not there yet is a warning, since manifests come in any order", () => {
  const [result] = planApply(manifests('{ image: "a:1", after: [postgers, app1] }', '{ image: "b:1" }'), new Map(), {
    ...context,
    order: new Map([["postgres", []]]),
  }).results;
  assert.deepEqual(result?.warnings, ["comes after 'postgers', and there is no such Service yet: did you mean 'postgres'?"]);
});

test("a mount whose Volume is called as another Service's is refused, wherever that one stands", () => {
  const problems = (volumes: ApplyContext["volumes"], ...specs: readonly string[]) =>
    planApply(manifests(...specs), new Map(), { ...context, volumes }).refusals.map(
      ({ reason, problem }) => `${reason} ${problem.name} ${problem.field}: ${problem.message}`,
    );
  const message = (other: string, mount: string): string =>
    `its Volume would be 'app1-data', which is that of the Service '${other}': two apps would write into one folder; take another name than '${mount}'`;
  const refusal = `Invalid app1 spec.containers[0].volumes[1]: ${message("app", "data")}`;
  const mounting = '{ image: "b:1", volumes: [own:/own, data:/data] }';
  const living = new Map([["app", ["app1-data"]]]);
  assert.deepEqual(problems(living, '{ image: "a:1", volumes: [data:/data] }', mounting), [], "what is applied along with it counts");
  assert.deepEqual(problems(new Map([["app1", ["app1-data"]]]), '{ image: "a:1" }', mounting), [], "its own");
  assert.deepEqual(problems(new Map([["ap", ["app1-data"]]]), '{ image: "a:1" }', mounting), [refusal.replace("'app'", "'ap'")]);
  assert.deepEqual(problems(living, '{ image: "a:1" }', '{ image: "b:1", volumes: [volume/app1-data:/data] }'), [], "named on purpose");
});

test("two of one apply that would share a Volume are told once, and one that is there already stands in nobody's way who changes nothing", () => {
  const text = (name: string, mount: string): string =>
    `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "a:1", volumes: ["${mount}:/data"] }\n`;
  const parsed = (...texts: readonly string[]) => parseManifests([{ file: "cloud.yaml", text: texts.join("---\n") }]).manifests;
  const cloud = text("nextcloud", "db-data");
  const both = planApply(parsed(cloud, text("nextcloud-db", "data")), new Map(), context);
  assert.deepEqual(
    both.refusals.map(({ problem }) => [problem.name, problem.line]),
    [["nextcloud", 1]],
  );
  const entries = after(planApply(parsed(cloud), new Map(), context));
  const again = planApply(parsed(cloud), entries, { ...context, volumes: new Map([["nextcloud-db", ["nextcloud-db-data"]]]) });
  assert.deepEqual([again.refusals, actions(again)], [[], ["unchanged 1"]]);
});

test("a record whose name does not fit before the zone is refused, as the zone will be", () => {
  const name = `${"a.".repeat(100)}a`;
  const head = "apiVersion: fossora.dev/v1\nkind: ";
  const record = (written: string): string => `${head}DnsRecord\nmetadata: { name: far }\nspec: { name: ${written} }\n`;
  const problems = (text: string, zone: string) =>
    planApply(parseManifests([{ file: "far.yaml", text }]).manifests, new Map(), { ...context, zone }).refusals.map(
      ({ problem }) => `${problem.line} ${problem.field}: ${problem.message}`,
    );
  const zone = `${"b".repeat(50)}.internal`;
  const refusal = `1 spec.name: must have 253 characters at most, has 261 with the zone '${zone}' after it`;
  assert.deepEqual(problems(record(name), zone), [refusal]);
  assert.deepEqual(problems(record(name), "home.internal"), []);
  assert.deepEqual(problems(record(`${name}.`), zone), []);
  const house = `---\n${head}House\nmetadata: { name: house }\nspec: { zone: ${zone} }\n`;
  assert.deepEqual(problems(record(name) + house, "home.internal"), [refusal]);
});

test("an object whose stored value is no JSON is mended by what is applied, as a new generation of it", () => {
  const entries = after(planApply(manifests('{ image: "a:1" }'), new Map(), context));
  const spoilt = new Map([...entries].map(([key, entry]) => [key, { ...entry, value: "{" }]));
  const plan = planApply(manifests('{ image: "a:1" }'), spoilt, {
    ...context,
    newUid: () => "u2",
    ownerOfDerived: () => assert.fail("it is there"),
  });
  assert.deepEqual(plan.refusals, []);
  assert.deepEqual(actions(plan), ["configured 2"]);
  assert.equal(plan.results[0]?.stored.metadata.uid, "u2");
  assert.deepEqual(
    plan.transaction.compare.map(({ key, modRevision }) => [key, modRevision]),
    [keys.desired("Service", "app"), keys.applied("Service", "app", "cli")].map((key) => [key, entries.get(key)?.modRevision]),
  );
});

test("a House changes the fields that it names, each as a whole, and null takes one away", () => {
  const house = (entries: ReadonlyMap<string, ReadEntry>, spec: string): [ApplyPlan, ReadonlyMap<string, ReadEntry>] => {
    const text = `apiVersion: fossora.dev/v1\nkind: House\nmetadata: { name: house }\nspec: ${spec}\n`;
    const { manifests: parsed, problems } = parseManifests([{ file: "house.yaml", text }]);
    assert.deepEqual(problems, []);
    const plan = planApply(parsed, entries, context);
    return [plan, after(plan, entries)];
  };
  const told = ({ results: [result] }: ApplyPlan) => [result?.action, result?.stored.spec, result?.warnings];
  const own = { zone: "home.example.com", joining: "approve", tailnet: { tags: ["tag:nas"] } };
  const written = JSON.stringify(own);
  const resolver = { serve: ["lan"], upstream: ["service/pihole"], fallback: "host" };
  const [, first] = house(new Map(), written);
  const [pihole, second] = house(first, `{ resolver: ${JSON.stringify(resolver)} }`);
  assert.deepEqual(told(pihole), ["configured", { ...own, resolver }, ["keeps 'joining', 'tailnet', 'zone' of an earlier file"]]);
  const [again, third] = house(second, written);
  assert.deepEqual(told(again), ["unchanged", { ...own, resolver }, ["keeps 'resolver' of an earlier file"]]);
  const [other, fourth] = house(third, "{ resolver: { serve: [lan], upstream: 9.9.9.9 }, tailnet: null, zone: null, joining: approve }");
  assert.deepEqual(told(other), [
    "configured",
    { zone: "home.internal", joining: "approve", resolver: { serve: ["lan"], upstream: ["9.9.9.9"] } },
    [],
  ]);
  const [none] = house(fourth, "{ joining: ~, resolver: }");
  assert.deepEqual(told(none), ["configured", { zone: "home.internal", joining: "auto" }, []]);
});
