import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { permanentAddresses, readMachineHints } from "./machine-hints.ts";

/** A folder like the kernel's, with these files. */
function fakeSys(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-sys-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

const noIp = (): Promise<string> => Promise.reject(new Error("there is no ip"));
const nic = (name: string, address: string, type = "0"): Readonly<Record<string, string>> => ({
  [`class/net/${name}/device/vendor`]: "0x8086\n",
  [`class/net/${name}/address`]: `${address}\n`,
  [`class/net/${name}/addr_assign_type`]: `${type}\n`,
});

test("a machine is told by the permanent addresses of its hardware and by its board, not by what software made", async (t) => {
  const sys = fakeSys(t, {
    ...nic("eth1", "aa:00:00:00:00:02"),
    ...nic("eth0", "aa:00:00:00:00:01"),
    "class/net/docker0/address": "02:42:00:00:00:01\n",
    "class/net/docker0/addr_assign_type": "0\n",
    "class/dmi/id/product_uuid": "4C4C4544-0042-3510-8052-B4C04F303232\n",
  });
  assert.deepEqual(await readMachineHints({ sys, ipLink: noIp }), {
    macs: ["aa:00:00:00:00:01", "aa:00:00:00:00:02"],
    productUuid: "4c4c4544-0042-3510-8052-b4c04f303232",
  });
});

test("of a Wi-Fi with a private address the permanent one counts; without `ip` it has none", async (t) => {
  const sys = fakeSys(t, nic("wlan0", "f6:12:34:56:78:9a", "3"));
  const ipLink = async (): Promise<string> =>
    JSON.stringify([{ ifname: "lo" }, { ifname: "wlan0", address: "f6:12:34:56:78:9a", permaddr: "AA:00:00:00:00:03" }]);
  assert.deepEqual((await readMachineHints({ sys, ipLink })).macs, ["aa:00:00:00:00:03"]);
  assert.deepEqual((await readMachineHints({ sys, ipLink: noIp })).macs, []);
});

test("addresses that are none are left out, and no board is no reason to fail", async (t) => {
  const sys = fakeSys(t, {
    ...nic("ib0", "80:00:02:08:fe:80:00:00"),
    ...nic("usb0", "00:00:00:00:00:00"),
    ...nic("x0", "01:00:5e:00:00:01"),
  });
  assert.deepEqual(await readMachineHints({ sys, ipLink: noIp }), { macs: [], productUuid: "" });
  assert.deepEqual(await readMachineHints({ sys: path.join(sys, "nowhere") }), { macs: [], productUuid: "" });
});

test("what `ip` says in another form is nothing", () => {
  assert.equal(permanentAddresses(`[null, 1, {"ifname": 1, "permaddr": "a"}, {"ifname": "eth0"}]`).size, 0);
  assert.equal(permanentAddresses("{}").size, 0);
});

test("this machine answers the same twice", async () => {
  assert.deepEqual(await readMachineHints(), await readMachineHints());
});
