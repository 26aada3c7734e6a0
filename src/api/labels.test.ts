import assert from "node:assert/strict";
import { test } from "node:test";
import { containerName, isOwnContainer, LABEL } from "./labels.ts";

const labels = { [LABEL.kind]: "Service", [LABEL.name]: "app", [LABEL.instance]: "aaaa", [LABEL.container]: "db" };

test("containerName() spares the container's name where it is the Service's", () => {
  assert.equal(containerName("app", "aaaa", "app"), "app-aaaa");
  assert.equal(containerName("app", "aaaa", "db"), "app-aaaa-db");
});

test("a container with labels of another one, as a copy made from its commit has, is not Fossora's", () => {
  assert.equal(isOwnContainer("app-aaaa-db", labels), true);
  assert.equal(isOwnContainer("try-out", labels), false);
  assert.equal(isOwnContainer("app-aaaa-db", { [LABEL.kind]: "Service" }), false);
});
