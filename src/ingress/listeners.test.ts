import assert from "node:assert/strict";
import { test } from "node:test";
import { isSame, wishes } from "./listeners.ts";

test("each address is wished for once", () => {
  const wanted = wishes({
    http: { addresses: ["::"], ports: [80, 8080] },
    dns: { addresses: ["127.0.0.1", "127.0.0.1", "10.0.0.1"], ports: [53] },
  });
  assert.deepEqual(
    wanted.map(({ protocol, address }) => `${protocol} ${address}`),
    ["http ::", "dns 127.0.0.1", "dns 10.0.0.1"],
  );
});

test("a listener is another one when protocol, address or ports differ", () => {
  const wish = { protocol: "http", address: "::", ports: [80, 8080] } as const;
  assert.ok(isSame(wish, { ...wish, ports: [80, 8080] }));
  for (const other of [
    { ...wish, protocol: "dns" as const },
    { ...wish, address: "0.0.0.0" },
    { ...wish, ports: [80] },
  ])
    assert.ok(!isSame(wish, other));
});
