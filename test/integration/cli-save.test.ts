// What `get -o yaml` and `-o json` print is a manifest: applied again it changes nothing, and brings back what is gone.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { parseManifests } from "../../src/api/manifest.ts";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { READY_NODE, READY_ROUTE, readyService } from "../support/transcript-statuses.ts";

const examples = path.join(import.meta.dirname, "../../manifests");
const OTHERS = `apiVersion: fossora.dev/v1
kind: Membership
metadata: { name: nas, labels: { room: attic } }
spec: { schedulable: false }
---
apiVersion: fossora.dev/v1
kind: Route
metadata: { name: router }
spec: { host: router, to: "https://192.168.1.1" }
---
apiVersion: fossora.dev/v1
kind: DnsRecord
metadata: { name: printer }
spec: { values: [192.168.1.40] }
`;
const FILES = {
  ...Object.fromEntries(
    globSync("*.yaml", { cwd: examples }).map((name) => [`apps/${name}`, readFileSync(path.join(examples, name), "utf8")]),
  ),
  "apps/others.yaml": OTHERS,
};
const KINDS = "services,routes,dnsrecords,nodes,houses,instances,events";

let house: TranscriptHouse;
/** Every object that was applied, as `service/jellyfin`. */
let all: readonly string[];

before(async () => {
  house = await TranscriptHouse.start();
  const { code, stdout, stderr } = await run({}, "apply", "-f", "apps");
  assert.equal(code, 0, stderr);
  all = stdout
    .trim()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .sort();
  const { manifests } = parseManifests(Object.entries(FILES).map(([file, text]) => ({ file, text })));
  assert.deepEqual([...new Set(manifests.map(({ object }) => object.kind))].sort(), [
    "DnsRecord",
    "House",
    "Membership",
    "Route",
    "Service",
  ]);
  house.setStatus("Membership", "nas", READY_NODE);
  house.setStatus("Service", "jellyfin", readyService());
  house.setStatus("Route", "jellyfin", READY_ROUTE);
  house.addEvent({ kind: "Service", name: "jellyfin", type: "Normal", reason: "Pulled", message: "the image is there" });
});
after(() => house.close());

function run(files: Readonly<Record<string, string>>, ...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: { ...FILES, ...files } }, ...argv);
}

async function printed(format: string, ...what: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run({}, "get", ...what, "-o", format);
  assert.equal(code, 0, stderr);
  return stdout;
}

function applied(text: string): Promise<Outcome> {
  return run({ "saved.yaml": text }, "apply", "-f", "saved.yaml");
}

const became = ({ stdout }: Outcome): readonly string[] => stdout.trim().split("\n").sort();

for (const format of ["yaml", "json"])
  describe(`what -o ${format} prints`, () => {
    test("of every kind at once is applied again and changes nothing", async () => {
      const text = await printed(format, KINDS);
      for (const kind of ["Instance", "Event", "owner"]) assert.match(text, new RegExp(`\\b${kind}\\b`));
      const outcome = await applied(text);
      assert.deepEqual([outcome.code, became(outcome)], [0, all.map((name) => `${name} unchanged`)], outcome.stderr);
    });

    test("of one object is applied again and changes nothing", async () => {
      for (const name of all) {
        const outcome = await applied(await printed(format, name));
        assert.deepEqual([outcome.code, outcome.stdout], [0, `${name} unchanged\n`], outcome.stderr);
      }
    });

    test("brings back what was deleted, as it was", async () => {
      const gone = all.filter((name) => !/^(?:node|house)\//.test(name));
      const specs = (text: string): unknown =>
        parseManifests([{ file: "", text }]).manifests.map(({ object: { kind, metadata, spec } }) => ({ kind, metadata, spec }));
      const [one, text] = [await printed(format, "svc/jellyfin"), await printed(format, KINDS)];
      await run({ "saved.yaml": one }, "delete", "-f", "saved.yaml");
      expectOutcome(await applied(one), { stdout: "service/jellyfin created\n" });
      const before = await printed(format, KINDS);
      for (const name of gone) assert.equal((await run({}, "delete", name)).code, 0);
      const outcome = await applied(before);
      assert.deepEqual(
        [outcome.code, became(outcome)],
        [0, all.map((name) => `${name} ${gone.includes(name) ? "created" : "unchanged"}`)],
        outcome.stderr,
      );
      assert.deepEqual(specs(await printed(format, KINDS)), specs(text));
    });
  });
