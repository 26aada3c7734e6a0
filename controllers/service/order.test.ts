import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Name } from "../../src/api/resource.ts";
import type { ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { decided, docker, houseFacts, instance, localFacts, nodeFacts, observed, observedInstance, seen } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import type { HouseFacts, LocalFacts, OtherService } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { HEARD_AFTER_MS, orderOf, orderProblem, ORDER_WAIT_MS } from "./order.ts";
import type { Reason } from "./reasons.ts";

const NOW = 10_000_000;
const dbSpec = serviceSpec("db", "db:1");
const appSpec = serviceSpec("app", "app:1", { after: ["db"] });

/** `db` runs on pi and says this of itself; undefined: nothing yet. */
function db(said: Partial<ObservedInstance> | undefined, over: Partial<OtherService> = {}): OtherService {
  return {
    replicas: 1,
    after: [],
    decided: decided("db", dbSpec, [instance("dddd", "pi", dbSpec)]),
    observed: new Map(said === undefined ? [] : [observed("pi", [observedInstance("dddd", { ready: false, ...said })])]),
    ...over,
  };
}

const nodes = [nodeFacts("nas"), nodeFacts("pi")];
const with_ = (other: OtherService | undefined, more: Readonly<Record<Name, OtherService>> = {}): Partial<HouseFacts> => ({
  nodes,
  others: new Map(Object.entries({ ...more, ...(other && { db: other }) })),
});
/** It has waited for so long. */
const since = (ms: number): Partial<LocalFacts> => ({ jobs: { [jobKeys.order("app", "aaaa")]: { state: "done", atMs: NOW - ms } } });
const says = (reason: string): Partial<ObservedInstance> => ({
  conditions: [{ type: "Ready", status: "False", reason, message: `it says ${reason}` }],
});

function order(house: Partial<HouseFacts>, local: Partial<LocalFacts> = {}, spec = appSpec) {
  return orderOf({ service: "app", instance: "aaaa", spec, house: houseFacts(house), local: localFacts(local), node: "nas", now: NOW });
}

test("who comes after nobody, or after what is ready, starts", () => {
  assert.deepEqual(order(with_(db(undefined)), {}, serviceSpec("app", "app:1")), {});
  assert.deepEqual(order(with_(db({ ready: true }))), {});
});

test("who comes after what is not ready says what it waits for, how that stands and where", () => {
  const said = (...args: Parameters<typeof db>) => order(with_(db(...args))).waits?.message;
  assert.equal(said(undefined), "waits for db (Starting on pi)");
  assert.equal(said({ containers: [{ name: "db", phase: "pulling", health: "none", restarts: 0 }] }), "waits for db (Pulling on pi)");
  assert.equal(said(says("ImagePullFailed")), "waits for db (ImagePullFailed on pi)");
  assert.equal(said(undefined, { decided: undefined }), "waits for db (no node runs it yet)");
  const two = serviceSpec("app", "app:1", { after: ["db", "cache"] });
  assert.match(order(with_(db(undefined), { cache: db(undefined) }), {}, two).waits?.message ?? "", /^waits for db \(.*\) and cache \(/);
});

test("what a computer said that is lost, silent or was booted since does not count", () => {
  const ready = db({ ready: true });
  const said = (pi: ReturnType<typeof nodeFacts>) => order({ ...with_(ready), nodes: [nodeFacts("nas"), pi] }).waits?.message;
  assert.equal(said(nodeFacts("pi", { downSinceMs: 1 })), "waits for db (its node pi is lost)");
  assert.equal(said(nodeFacts("pi", { record: undefined })), "waits for db (its node pi is not back)");
  assert.equal(said(nodeFacts("pi", {}, { bootId: "another" })), "waits for db (Starting on pi)");
});

test("a record that is older than this node's first own may be of before a power cut, until its lease would have run out", () => {
  const at = (modRevision: number, seenAtMs: number, announcedAtMs = 0) => {
    const pi = nodeFacts("pi");
    const record = pi.record && { ...pi.record, modRevision, seenAtMs };
    return order(
      { ...with_(db({ ready: true })), nodes: [nodeFacts("nas"), { ...pi, record }] },
      { announced: { revision: 7, atMs: announcedAtMs } },
    );
  };
  assert.equal(at(6, NOW - 1_000).waits?.message, "waits for db (its node pi is not back)");
  assert.equal(at(6, NOW - 1_000).recheckAfterMs, HEARD_AFTER_MS - 1_000);
  assert.deepEqual(at(6, NOW - HEARD_AFTER_MS), {});
  assert.deepEqual(at(8, NOW - 1_000), {});
  // A copy from disk shows it long before the store is there, from when on its lease runs.
  assert.equal(at(6, NOW - HEARD_AFTER_MS, NOW - 1_000).recheckAfterMs, HEARD_AFTER_MS - 1_000);
});

test("one of several that is ready is enough", () => {
  const two = decided("db", dbSpec, [instance("cccc", "nas", dbSpec), instance("dddd", "pi", dbSpec)]);
  assert.deepEqual(order(with_(db({ ready: true }, { decided: two }))), {});
});

test("nobody waits for what fails for good, is stopped or is not there", () => {
  const goes = (other: OtherService | undefined) => order(with_(other)).without;
  assert.equal(goes(undefined), "there is no Service 'db'");
  assert.equal(goes(db(undefined, { replicas: undefined })), "there is no Service 'db'");
  assert.equal(goes(db(undefined, { replicas: 0 })), "db is stopped");
  assert.equal(goes(db(says("CrashLoop"))), "db failed: CrashLoop: it says CrashLoop");
  const failed = { generation: 1, revision: decided("db", dbSpec, []).target, reason: "Unhealthy", message: "no answer" };
  assert.equal(
    goes(db(undefined, { decided: decided("db", dbSpec, [instance("dddd", "pi", dbSpec)], { failed }) })),
    "db failed: no answer",
  );
  for (const reason of ["DockerUnavailable", "ImagePullFailed", "DiskFull", "Unhealthy"] satisfies readonly Reason[])
    assert.equal(goes(db(says(reason))), undefined, reason);
});

test("of several that fail for good and one that may come, it is waited for", () => {
  const two = decided("db", dbSpec, [instance("cccc", "nas", dbSpec), instance("dddd", "pi", dbSpec)]);
  assert.ok(order(with_(db(says("CrashLoop"), { decided: two }))).waits);
});

test("in a circle nobody waits, and who merely comes after a circle does", () => {
  const circular = db(undefined, { after: ["app"] });
  assert.equal(order(with_(circular)).without, "they wait for each other: db waits for app waits for db");
  const other = db(undefined, { after: ["cache"] });
  assert.match(
    order(with_(other, { cache: db(undefined, { after: ["db"] }) })).without ?? "",
    /^they wait for each other: db waits for cache/,
  );
});

test("many ways may lead to one of a chain, and each of it is looked at once", () => {
  const names = Array.from({ length: 40 }, (_, index) => `s${index}`);
  const all = Object.fromEntries(names.map((name, index) => [name, db(says("Waiting"), { after: names.slice(0, index) })]));
  assert.ok(order(with_(db(says("Waiting"), { after: names }), all), since(41 * ORDER_WAIT_MS - 1_000)).waits);
  assert.ok(order(with_(db(says("Waiting"), { after: names }), all), since(41 * ORDER_WAIT_MS)).without);
});

test("it waits for two minutes from when it could have started, and then starts and says without what", () => {
  const house = with_(db(undefined));
  assert.equal(order(house).recheckAfterMs, ORDER_WAIT_MS);
  assert.equal(order(house, since(ORDER_WAIT_MS - 1_000)).recheckAfterMs, 1_000);
  assert.deepEqual(order(house, since(ORDER_WAIT_MS)), { without: "db is not ready after 120 s (Starting on pi)" });
});

test("one that waits itself is given the time of its own wait, and two minutes from then on", () => {
  const chain = (said: Partial<ObservedInstance>, newsAgoMs: number): Partial<HouseFacts> => {
    const told = new Map([observed("pi", [observedInstance("dddd", { ready: false, ...said })], NOW - newsAgoMs)]);
    return with_(db(undefined, { after: ["disk"], observed: told }), { disk: db(undefined) });
  };
  assert.ok(order(chain(says("Waiting"), ORDER_WAIT_MS), since(ORDER_WAIT_MS + 5_000)).waits);
  assert.equal(order(chain({}, 10_000), since(ORDER_WAIT_MS + 5_000)).recheckAfterMs, ORDER_WAIT_MS - 10_000);
  assert.ok(order(chain({}, ORDER_WAIT_MS), since(ORDER_WAIT_MS + 5_000)).without);
  assert.ok(order(chain(says("Waiting"), 0), since(2 * ORDER_WAIT_MS)).without, "in all no longer than the chain");
});

test("what was started since the boot is no first start, whatever became of it", () => {
  const house = with_(db(undefined));
  const told = (bootId: string, said: Partial<ObservedInstance>): Partial<LocalFacts> => ({
    reported: seen({ bootId, instances: [observedInstance("aaaa", { ready: false, ...said })] }) satisfies Seen<ObservedService>,
  });
  const exited = { name: "app", phase: "exited" as const, health: "none" as const, restarts: 0 };
  for (const local of [
    { containers: [docker("app", "aaaa", appSpec)] },
    { containers: [docker("app", "aaaa", appSpec, { state: "restarting" })] },
    { jobs: { [jobKeys.start("app-aaaa")]: { state: "done", atMs: 1 } } },
    told("boot-nas", { ready: true }),
    told("boot-nas", { containers: [{ ...exited, phase: "running" }] }),
    told("boot-nas", says("CrashLoop")),
  ] satisfies readonly Partial<LocalFacts>[])
    assert.deepEqual(order(house, local), {}, JSON.stringify(local));
  for (const local of [
    { containers: [docker("app", "aaaa", appSpec, { state: "exited" })] },
    { containers: [docker("app", "bbbb", appSpec)] },
    told("an earlier boot", { ready: true }),
    told("boot-nas", { ...says("Waiting"), containers: [exited] }),
  ] satisfies readonly Partial<LocalFacts>[])
    assert.ok(order(house, local).waits, JSON.stringify(local));
});

test("whatever the others say, in whatever chain or circle, nobody waits longer than its chain is long", () => {
  const names = ["app", "a", "b", "c"] as const;
  const other = fc.record({
    replicas: fc.constantFrom<OtherService["replicas"]>(0, 1, "all", undefined),
    after: fc.uniqueArray(fc.constantFrom(...names)),
    said: fc.option(fc.constantFrom<Partial<ObservedInstance>>({}, { ready: true }, says("Waiting"), says("CrashLoop"), says("DiskFull"))),
    newsAgoMs: fc.nat(2 * ORDER_WAIT_MS),
  });
  fc.assert(
    fc.property(fc.tuple(other, other, other), fc.nat(5 * ORDER_WAIT_MS), (facts, waitedMs) => {
      const others = new Map(
        facts.map(({ replicas, after, said, newsAgoMs }, index): readonly [Name, OtherService] => {
          const told = said === null ? [] : [observed("pi", [observedInstance("dddd", { ready: false, ...said })], NOW - newsAgoMs)];
          return [names[index + 1] ?? "", db(undefined, { replicas, after, observed: new Map(told) })];
        }),
      );
      const spec = serviceSpec("app", "app:1", { after: ["a", "b", "c"] });
      const { waits, without, recheckAfterMs } = order({ nodes, others }, since(waitedMs), spec);
      assert.ok(waits === undefined || without === undefined);
      if (waits === undefined) return;
      assert.ok(waitedMs < names.length * ORDER_WAIT_MS);
      assert.ok(recheckAfterMs !== undefined && recheckAfterMs > 0 && recheckAfterMs <= names.length * ORDER_WAIT_MS);
    }),
  );
});

test("people are told of a circle and of names that are nobody's", () => {
  const tell = (others: Readonly<Record<Name, OtherService>>) => orderProblem("app", appSpec, new Map(Object.entries(others)));
  assert.equal(tell({ db: db(undefined) }), undefined);
  assert.match(tell({ db: db(undefined, { after: ["app"] }) })?.message ?? "", /^app waits for db waits for app: none of them waits/);
  assert.equal(tell({})?.message, "It comes after 'db', which does not exist, and does not wait for it");
});
