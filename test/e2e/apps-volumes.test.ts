// People's data outlives the app, its versions and its deletion, and is never replaced by an empty folder. On a lab host.
import assert from "node:assert/strict";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { HouseNode, programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";
import { startLoad } from "../support/load.ts";

const host = "photos.home.internal";
const photo = "/data/holiday.jpg";

function photos(version: number, ...lines: readonly string[]): string {
  return `apiVersion: fossora.dev/v1
kind: Service
metadata: { name: photos }
spec:
  image: "lab/data:${version}"
  port: 80
  volumes: ["album:/data"]
${lines.map((line) => `  ${line}\n`).join("")}`;
}

const lab = new Lab();
const skip = labReason() ?? programReason() ?? false;

describe("an app with data", { skip }, () => {
  let node: HouseNode;
  let folder = "";

  before(async () => {
    node = await HouseNode.alone(lab);
    await node.apply(photos(1), "--wait");
    const put = await node.request(host, photo, { method: "PUT", body: "the sea" });
    assert.equal(put.status, 201, put.body);
    folder = path.join((await node.host()).root, "var/lib/fossora/volumes/photos-album");
  });
  after(() => lab.down());

  async function assertKept(): Promise<void> {
    assert.deepEqual(await node.request(host, photo), { status: 200, body: "the sea" });
  }

  /** What Docker started and what ended, in order. */
  async function containerEvents(since: string): Promise<readonly string[]> {
    const now = (await lab.exec(node.name, "date", "+%s.%N")).trim();
    const format = "{{.Action}} {{.Actor.Attributes.name}}";
    const filters = ["type=container", "event=start", "event=die"].flatMap((filter) => ["--filter", filter]);
    return (await node.docker("events", "--since", since, "--until", now, ...filters, "--format", format)).split("\n").filter(Boolean);
  }

  test("is updated by stopping the old one first; requests wait meanwhile, and the data is there", async () => {
    const [old] = await node.containersOf("photos");
    const since = (await lab.exec(node.name, "date", "+%s.%N")).trim();
    const load = startLoad({ address: node.address, httpPort: 80, dnsPort: 53, host, requestsPerSecond: 20, queriesPerSecond: 5 });
    try {
      await load.answers(10);
      await node.apply(photos(2, "update: { monitor: 1s }"), "--wait");
      await load.answers(10);
    } finally {
      assert.deepEqual((await load.stop()).failures, []);
    }
    const [current, ...others] = await node.containersOf("photos");
    assert.ok(current !== old && others.length === 0);
    assert.deepEqual(await containerEvents(since), [`die ${old}`, `start ${current}`]);
    await assertKept();
    const starts = (await node.request(host, "/data/starts")).body.trimEnd().split("\n");
    assert.deepEqual(
      starts.map((line) => line.split(" ")[1]),
      ["1", "2"],
    );
  });

  test("is not let run twice: asking for start-first is refused with the reason", async () => {
    await assert.rejects(node.apply(photos(2, "update: { order: start-first }")), /exit 3\n[^]*start-first[^]*(volume|data)/);
  });

  test("loses nothing when it is deleted, which says so, and has its data when it is applied again", async () => {
    const { stderr } = await node.try("delete", "svc/photos", "--dry-run");
    assert.match(stderr, /stays: .*photos-album/);
    await node.deleteService("photos");
    await node.apply(photos(2), "--wait");
    await assertKept();
  });

  test("shares a Volume of its own name with other Services, which may only read it if they say so", async () => {
    const service = (name: string, suffix: string): string =>
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "lab/data:1", port: 80, volumes: ["volume/media:/data${suffix}"] }\n`;
    await node.apply(`${service("writer", "")}---\n${service("reader", ":ro")}`, "--wait");
    await node.request("writer.home.internal", "/data/film", { method: "PUT", body: "a film" });
    assert.equal((await node.request("reader.home.internal", "/data/film")).body, "a film");
    assert.notEqual((await node.request("reader.home.internal", "/data/film", { method: "PUT", body: "x" })).status, 201);
  });

  test("does not start on a folder that is not its own, names the remedy, and starts when the data is back", async () => {
    await node.deleteService("photos");
    await rename(path.join(folder, "volume.json"), `${folder}.marker`);
    await node.apply(photos(2));
    const unmarked = await node.condition("photos", { type: "Ready", reason: "VolumeLost" });
    assert.match(unmarked.message, /photos-album.*marker.*backup/s);
    assert.deepEqual(await node.containersOf("photos"), []);
    await rename(`${folder}.marker`, path.join(folder, "volume.json"));
    await node.isReady("photos");
    await assertKept();
  });

  test("does not start on an empty folder in place of one that is gone", async () => {
    await node.deleteService("photos");
    await rename(folder, `${folder}.elsewhere`);
    await node.apply(photos(2));
    const gone = await node.condition("photos", { type: "Ready", reason: "VolumeLost" });
    assert.match(gone.message, /was made before, and is gone/);
    assert.match(await node.run("get", "svc", "photos"), /0\/1 +VolumeLost/);
    await assert.rejects(rm(folder), { code: "ENOENT" });
    await rename(`${folder}.elsewhere`, folder);
    await node.isReady("photos");
    await assertKept();
  });
});
