import assert from "node:assert/strict";
import { test } from "node:test";
import { resolversIn } from "./resolvers.ts";

test("name servers of others come before a resolver on loopback, those of IPv4 first", () => {
  const text =
    "# by hand\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\nnameserver 192.168.1.1\n  nameserver 1.1.1.1 \nnameserver nonsense\nnameserver 9.9.9.9\nsearch fritz.box\n";
  assert.deepEqual(resolversIn([text]), ["192.168.1.1", "1.1.1.1", "9.9.9.9", "fe80::1%eth0"]);
  assert.deepEqual(resolversIn(["# nobody known\n", "nameserver 192.168.1.1\n"]), ["192.168.1.1"]);
  assert.deepEqual(resolversIn(["nameserver 127.0.0.1\n", "nameserver 192.168.1.1\n"]), ["192.168.1.1"]);
});

test("a host that has no other name server than one on its loopback, or one of IPv6, has that", () => {
  assert.deepEqual(resolversIn(["", "nameserver 127.0.0.53\nnameserver ::1\noptions edns0\n"]), ["127.0.0.53", "::1"]);
  assert.deepEqual(resolversIn(["nameserver 127.0.0.1\n", "nameserver 127.0.0.53\n"]), ["127.0.0.1"]);
  assert.deepEqual(resolversIn(["nameserver fd00::1\n"]), ["fd00::1"]);
  assert.deepEqual(resolversIn(["", "search fritz.box\n"]), []);
});
