import assert from "node:assert/strict";
import { test } from "node:test";
import { addressProblems, isIpv4, isIpv6 } from "./addresses.ts";

test("addresses are told from what only looks like one", () => {
  assert.deepEqual(
    ["192.168.1.40", "0.0.0.0", "255.255.255.255"].filter((text) => !isIpv4(text)),
    [],
  );
  assert.deepEqual(["256.1.1.1", "1.2.3", "1.2.3.4.", "01.2.3.4", "1.2.3.4.5", ""].filter(isIpv4), []);
  assert.deepEqual(
    ["::", "::1", "fd00::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4"].filter((text) => !isIpv6(text)),
    [],
  );
  assert.deepEqual(["1::2::3", "1:2:3:4:5:6:7", "12345::", "g::", "1.2.3.4", ""].filter(isIpv6), []);
});

test("what may come in is a name of ours, an address or a network", () => {
  assert.deepEqual(addressProblems({ allow: ["lan", "tailnet", "apps", "10.0.0.1", "10.0.0.0/8", "fd00::/8"] }), []);
  assert.deepEqual(
    addressProblems({ allow: ["10.0.0.0/33", "::/129", "10.0.0.0/8/8", "home"] }).map(({ at }) => at),
    ["allow[0]", "allow[1]", "allow[2]", "allow[3]"],
  );
  assert.deepEqual(addressProblems({ address: "10.0.0" }), [
    { at: "address", message: "must be an address such as '192.168.1.10', not '10.0.0'" },
  ]);
});
