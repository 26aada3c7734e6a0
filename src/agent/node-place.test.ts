import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { NODE_KEY } from "./files.ts";
import { writeInstallation } from "./installation.ts";
import { keepPlace, otherNode, refuseMissing, refuseOtherNode, withPlace } from "./node-place.ts";
import { systemdUnit } from "./unit.ts";

interface Computer {
  readonly places: { readonly defaultDir: string; readonly unitFile: string };
  readonly disk: string;
}

function computer(t: TestContext): Computer {
  const folder = mkdtempSync(path.join(tmpdir(), "fossora-place-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return { places: { defaultDir: path.join(folder, "default"), unitFile: path.join(folder, "unit") }, disk: path.join(folder, "disk") };
}

/** As `up` and the first start leave it. */
function install(dataDir: string, { places }: Computer, { unit }: { readonly unit: boolean }): void {
  mkdirSync(dataDir, { recursive: true });
  writeInstallation(dataDir, { options: {} });
  writeFileSync(path.join(dataDir, NODE_KEY), "");
  const flags = dataDir === places.defaultDir ? [] : ["--data-dir", dataDir];
  if (unit) writeFileSync(places.unitFile, systemdUnit({ command: ["/usr/local/bin/fossora", "agent", ...flags] }));
  else keepPlace(dataDir, places);
}

for (const unit of [true, false]) {
  const how = unit ? "by its unit" : "without systemd";

  test(`a node in a folder of its own is found again ${how}`, (t) => {
    const here = computer(t);
    assert.deepEqual(withPlace({ nodeName: "nas" }, here.places), { nodeName: "nas" });
    install(here.disk, here, { unit });
    assert.deepEqual(withPlace({ nodeName: "nas" }, here.places), { nodeName: "nas", dataDir: here.disk });
    assert.deepEqual(withPlace({ dataDir: "/elsewhere" }, here.places), { dataDir: "/elsewhere" });
  });

  test(`another folder is refused while the node is there ${how}, and both are named`, (t) => {
    const here = computer(t);
    const { places, disk } = here;
    install(disk, here, { unit });
    for (const other of [places.defaultDir, "/elsewhere"])
      assert.throws(
        () => refuseOtherNode("start", other, places),
        ({ message }: Error) => message.includes(`Cannot start a node in ${other}: this computer's node is in ${disk}.`),
      );
    refuseOtherNode("start", disk, places);
    symlinkSync(disk, `${disk}.link`);
    refuseOtherNode("start", `${disk}.link`, places);
    renameSync(disk, `${disk}.moved`);
    refuseOtherNode("start", `${disk}.moved`, places);
  });

  test(`nothing begins where the node's disk is not mounted ${how}`, (t) => {
    const here = computer(t);
    const { places, disk } = here;
    refuseMissing(disk, places);
    install(disk, here, { unit });
    refuseMissing(disk, places);
    rmSync(disk, { recursive: true });
    mkdirSync(disk); // the mount point
    assert.throws(() => refuseMissing(disk, places), /this computer's node is in .*disk, and nothing of it is there\. Mount its disk\./);
    refuseMissing("/elsewhere", places);
  });
}

test("a node in the default folder is no less one", (t) => {
  const here = computer(t);
  const { places, disk } = here;
  install(places.defaultDir, here, { unit: false });
  assert.equal(otherNode(disk, places), places.defaultDir);
  assert.deepEqual(withPlace({}, places), {});
  assert.deepEqual(withPlace({ dataDir: places.defaultDir }, places), {});
});

test("a node that moved into the default folder is found there", (t) => {
  const here = computer(t);
  const { places, disk } = here;
  install(disk, here, { unit: false });
  rmSync(disk, { recursive: true });
  install(places.defaultDir, here, { unit: false });
  assert.deepEqual(withPlace({}, places), {});
  assert.equal(otherNode(disk, places), places.defaultDir);
});
