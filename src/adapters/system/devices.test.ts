import assert from "node:assert/strict";
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { findDevices } from "./devices.ts";

const isRoot = process.getuid?.() === 0;

test(
  "graphics and serial ports are found with the groups that own them",
  { skip: isRoot ? false : "not root: files cannot be given to a group" },
  async (t) => {
    const dev = mkdtempSync(path.join(tmpdir(), "fossora-dev-"));
    t.after(() => rmSync(dev, { recursive: true }));
    const make = (name: string, gid: number): string => {
      const file = path.join(dev, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, "");
      chownSync(file, 0, gid);
      return file;
    };
    const [card, render, zigbee] = [make("dri/card0", 44), make("dri/renderD128", 104), make("serial/by-id/usb-Sonoff", 20)];
    make("dri/by-path", 0);
    const graphics = { paths: [card, render], groups: [44, 104] };
    assert.deepEqual(await findDevices(dev, ["runc"]), [
      { class: "gpu", ...graphics },
      { class: "gpu/dri", ...graphics },
      { class: zigbee, paths: [zigbee], groups: [20] },
    ]);
  },
);

test("a runtime of Nvidia's is a class without paths, and a gpu where there is no other", async () => {
  assert.deepEqual(await findDevices("/nowhere", ["runc", "nvidia"]), [
    { class: "gpu", paths: [], groups: [] },
    { class: "gpu/nvidia", paths: [], groups: [] },
  ]);
});

test("a machine without any has none", async () => {
  assert.deepEqual(await findDevices("/nowhere", ["runc"]), []);
});
