import assert from "node:assert/strict";
import { test } from "node:test";
import { LABEL } from "../../src/api/labels.ts";
import { decided, docker, instance } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { containerJobs, findPart, isOf, mayHaveNetworks, nameOf, networksOf, partsOn, pullsOf } from "./parts.ts";

const alone = serviceSpec("app", "app:1");
const two = serviceSpec("app", "", { containers: [containerSpec("app", "app:1"), containerSpec("db", "db:1", { pull: "always" })] });

test("partsOn() are the containers of the instances that are decided for a node", () => {
  const parts = partsOn("nas", "app", decided("app", two, [instance("aaaa", "nas", two), instance("bbbb", "pi", two)]));
  assert.deepEqual(parts.map(nameOf), ["app-aaaa", "app-aaaa-db"]);
  assert.deepEqual(partsOn("nas", "app", undefined), []);
});

test("isOf() knows a container by its instance and its name inside it", () => {
  const [part] = partsOn("nas", "app", decided("app", alone, [instance("aaaa", "nas", alone)]));
  assert.ok(part);
  assert.ok(isOf(part, docker("app", "aaaa", alone)));
  assert.ok(!isOf(part, docker("app", "bbbb", alone)));
});

test("pullsOf() names one pull for each image of an instance", () => {
  const parts = partsOn("nas", "app", decided("app", two, [instance("aaaa", "nas", two), instance("bbbb", "nas", two)]));
  const names = new Set(pullsOf(parts).map(({ key }) => key));
  assert.deepEqual([...names], ["pull app aaaa app:1", "pull app aaaa db:1", "pull app bbbb app:1", "pull app bbbb db:1"]);
});

test("containerJobs() are all that may be under way for a container", () => {
  assert.deepEqual(containerJobs("app-aaaa"), ["create app-aaaa", "start app-aaaa", "remove app-aaaa"]);
});

test("networksOf() leaves out other Services' networks and the shared one", () => {
  const labels = { [LABEL.name]: "app", [LABEL.instance]: "aaaa" };
  const all = [
    { name: "fossora", labels: {} },
    { name: "fossora-app-aaaa", labels },
    { name: "fossora-web-bbbb", labels: { ...labels, [LABEL.name]: "web" } },
  ];
  assert.deepEqual(networksOf("app", all), [{ name: "fossora-app-aaaa", instance: "aaaa" }]);
});

test("mayHaveNetworks() spares the question for Services of one container", () => {
  assert.ok(!mayHaveNetworks(decided("app", alone, [])));
  assert.ok(mayHaveNetworks(decided("app", two, [])));
  assert.ok(mayHaveNetworks(undefined));
});

test("findPart() finds what an action names, while it is decided", () => {
  const value = decided("app", two, [instance("aaaa", "nas", two)]);
  assert.equal(findPart({ service: "app", instance: "aaaa", container: "db" }, value)?.container.name, "db");
  assert.equal(findPart({ service: "app", instance: "bbbb", container: "db" }, value), undefined);
  assert.equal(findPart({ service: "app", instance: "aaaa", container: "db" }, undefined), undefined);
});
