import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { fillValues } from "./fill-values.ts";

const node = { zone: "home.internal", node: "nas", proxies: "10.201.0.1", httpPort: 80 };

test("fillValues() names the app by its own name in the zone", () => {
  const values = fillValues("app", serviceSpec("app", "app:1"), node);
  assert.deepEqual(values, {
    url: "http://app.home.internal",
    host: "app.home.internal",
    zone: "home.internal",
    node: "nas",
    proxies: "10.201.0.1",
  });
});

test("fillValues() names the app by its first route, and shows the port where 80 was busy", () => {
  const port = { container: "app", port: 80 };
  const spec = serviceSpec("app", "app:1", {
    routes: [
      { host: "photos.example.com", path: "/", port },
      { host: "other", path: "/", port },
    ],
  });
  assert.equal(fillValues("app", spec, { ...node, httpPort: 8080 }).url, "http://photos.example.com:8080");
});
