import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { measureFitness, type MeasuredFitness } from "./fitness.ts";

function folder(t: TestContext): string {
  const made = mkdtempSync(path.join(tmpdir(), "fossora-fitness-"));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** On a machine with these files below /sys. */
async function fitnessOf(
  t: TestContext,
  defaultInterface: string | undefined,
  files: Readonly<Record<string, string>>,
): Promise<MeasuredFitness> {
  const sys = folder(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(sys, name)), { recursive: true });
    writeFileSync(path.join(sys, name), text);
  }
  return measureFitness(folder(t), { sys, defaultInterface: async () => defaultInterface });
}

const net = "class/net";
const wire = { [`${net}/eth0/device/vendor`]: "" };
const radio = { [`${net}/wlan0/device/vendor`]: "", [`${net}/wlan0/phy80211/name`]: "" };

test("the link is that of the default route, also below a bridge or a bond", async (t) => {
  assert.equal((await fitnessOf(t, "eth0", { ...wire, ...radio })).link, "wired");
  assert.equal((await fitnessOf(t, "wlan0", { ...wire, ...radio })).link, "wireless");
  assert.equal((await fitnessOf(t, "br0", { ...radio, [`${net}/br0/lower_wlan0/x`]: "" })).link, "wireless");
  assert.equal(
    (await fitnessOf(t, "bond0", { ...wire, ...radio, [`${net}/bond0/lower_wlan0/x`]: "", [`${net}/bond0/lower_eth0/x`]: "" })).link,
    "wired",
  );
});

test("without a default route a cable counts if there is one, and of nothing known the best is thought", async (t) => {
  assert.equal((await fitnessOf(t, undefined, { ...wire, ...radio })).link, "wired");
  assert.equal((await fitnessOf(t, undefined, radio)).link, "wireless");
  assert.equal((await fitnessOf(t, "veth7", { [`${net}/veth7/address`]: "" })).link, "wired");
});

test("a battery is the machine's own: not its mouse's, not one that was taken out, and no UPS", async (t) => {
  const supply = (name: string, said: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
    Object.fromEntries(Object.entries(said).map(([file, text]) => [`class/power_supply/${name}/${file}`, `${text}\n`]));
  const battery = async (files: Readonly<Record<string, string>>): Promise<boolean> => (await fitnessOf(t, "eth0", files)).battery;
  assert.equal(await battery({ ...supply("AC", { type: "Mains" }), ...supply("BAT0", { type: "Battery", present: "1" }) }), true);
  assert.equal(await battery(supply("hid-mouse", { type: "Battery", scope: "Device", present: "1" })), false);
  assert.equal(await battery(supply("BAT0", { type: "Battery", present: "0" })), false);
  assert.equal(await battery(supply("ups", { type: "UPS" })), false);
});

test("the disk is measured for a moment, and nothing is left on it", async (t) => {
  const dataDir = folder(t);
  const startedAtMs = performance.now();
  const { fsyncP99Ms } = await measureFitness(dataDir);
  assert.ok(fsyncP99Ms >= 0 && performance.now() - startedAtMs < 6_000, `${fsyncP99Ms} ms`);
  assert.deepEqual(readdirSync(dataDir), []);
  await assert.rejects(measureFitness(path.join(dataDir, "nowhere")), /ENOENT/);
});
