import assert from "node:assert/strict";
import { test } from "node:test";
import { resolversIn } from "./resolvers.ts";

test("only servers that a container can ask are name servers, two at most", () => {
  const text =
    "# by hand\nnameserver 127.0.0.53\nnameserver 192.168.1.1\n  nameserver 1.1.1.1 \nnameserver fe80::1%eth0\nnameserver 9.9.9.9\nsearch fritz.box\n";
  assert.deepEqual(resolversIn(text), ["192.168.1.1", "1.1.1.1"]);
  assert.deepEqual(resolversIn("nameserver 127.0.0.53\noptions edns0\n"), []);
});
