import assert from "node:assert/strict";
import { test } from "node:test";
import { fill } from "./fill.ts";

const values = { url: "http://app.home.internal", host: "app.home.internal", zone: "home.internal", node: "nas", proxies: "10.201.0.1" };

test("fill() puts values in for the names it knows", () => {
  assert.equal(
    fill("${url}/x on ${node}, ${host}, ${zone}, ${proxies}", values),
    "http://app.home.internal/x on nas, app.home.internal, home.internal, 10.201.0.1",
  );
});

test("fill() makes a dollar of two and leaves other dollars to the app", () => {
  assert.equal(fill("$$5 $${url} $HOME ${other} $", values), "$5 ${url} $HOME ${other} $");
});
