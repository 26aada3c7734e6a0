import assert from "node:assert/strict";
import { test } from "node:test";
import { observed } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { preparedNodes } from "./prepared.ts";

test("who pulled all images of a spec is prepared for it, who pulled some is not", () => {
  const spec = serviceSpec("app", "app:1");
  const pulled = (node: string, images: readonly string[]) => {
    const [name, seen] = observed(node, []);
    return [name, { ...seen, value: { ...seen.value, pulled: images } }] as const;
  };
  const found = preparedNodes(spec, new Map([pulled("nas", ["app:1", "db:1"]), pulled("nuc", ["db:1"]), observed("pi4", [])]));
  assert.deepEqual([...found], ["nas"]);
});
