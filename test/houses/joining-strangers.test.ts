// Whom a house and a newcomer do not believe: a man in the middle, and a computer that a person has removed. On lab hosts on one LAN.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe } from "node:test";
import { memberStatus } from "../../src/adapters/etcd3/member.ts";
import { programReason, type HouseNode } from "../support/house.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";
import { until } from "../support/until.ts";

const skip = labReason() ?? programReason() ?? false;
const program = path.join(import.meta.dirname, "../support/mesh-between.ts");
const LIMIT_MS = 300_000;
const ANSWER_MS = 5_000;
/** For a join that is to fail. */
const PATIENCE = "5s";
const DATA_DIR = "/var/lib/fossora";
/** etcd closes the connection once it has seen the certificate; one that is away, or silent, would not show that. */
const TURNED_AWAY = /UNAVAILABLE: No connection established\. (?!.*ECONNREFUSED)/;

interface Answer {
  readonly method: string;
  readonly answer?: unknown;
  readonly error?: string;
}

describe("on one LAN", { skip }, () => {
  let nas: HouseNode;
  let pi4: HouseNode;
  let nuc: HouseNode;
  const { house, test } = labSuite(3, {
    tailnet: false,
    prepare: async () => {
      [nas, pi4, nuc] = [house.node(1), house.node(2), house.node(3)];
      await nas.run("up", "--node-name", "nas", "--mdns", "off");
    },
  });
  const { lab } = house;

  const between = (): Promise<string> => lab.logs(nuc.name, "between");
  const nodes = async (): Promise<string> => nas.run("get", "nodes");
  const invite = async (): Promise<string> => (await nas.run("invite", "-q")).trim();

  test("a man in the middle learns nothing of a newcomer's token, and the newcomer says why", async () => {
    await lab.start(nuc.name, "between", [process.execPath, program, "serve", "/var/lib/between", nas.address]);
    await until("he listens", async () => (await between()).includes("listening"));
    const rules = `table ip between {
      chain output {
        type nat hook output priority -100;
        ip daddr ${nas.address} tcp dport 733 dnat to ${nuc.address}
      }
    }`;
    await lab.exec(pi4.name, "sh", "-c", `echo '${rules}' | nft -f -`);
    const joined = await pi4.try("join", await invite(), "--node-name", "pi4", "--mdns", "off", "--timeout", PATIENCE);
    assert.notEqual(joined.code, 0);
    const reason = new RegExp(`nas at ${nas.address}:733 is somebody else's, or of another house than the token's`);
    await until("it says why", async () => reason.test((await pi4.try("status")).stdout), LIMIT_MS);
    assert.doesNotMatch(await between(), /told/);
    assert.doesNotMatch(await nodes(), /pi4/);
  });

  test("without a token the six words on the two screens differ", async () => {
    const asks = async (): Promise<string> => (await pi4.try("join", nas.address, "--timeout", PATIENCE)).stderr;
    await until("it waits for a person", async () => (await asks()).includes("No person has let this computer in yet"), LIMIT_MS);
    const line = await until("somebody waits", async () => (await nas.run("node", "approve")).split("\n")[1] || undefined, LIMIT_MS);
    const [, shown = ""] = /^pi4 .*Waits +(.+)$/.exec(line) ?? [];
    const own = await until(
      "the newcomer's own words",
      async () => /six words of this computer: (.+)/.exec((await pi4.try("status")).stdout)?.[1],
      LIMIT_MS,
    );
    assert.equal(shown.split(" ").length, 6, line);
    assert.notEqual(own.trim(), shown.trim());
    await lab.stop(nuc.name, "between");
    await lab.exec(pi4.name, "nft", "delete", "table", "ip", "between");
  });

  test("once he is gone the newcomer is let in by a token", async () => {
    const joined = await pi4.try("join", await invite());
    assert.equal(joined.code, 0, joined.stderr);
    await until("the first one lists it", async () => (await nodes()).includes("pi4"), LIMIT_MS);
  });

  test("a removed computer that returns learns that it was removed, and nothing else, and begins a house of its own", async () => {
    const joined = await nuc.try("join", await invite(), "--node-name", "nuc", "--mdns", "off");
    assert.equal(joined.code, 0, joined.stderr);
    const { root } = await nuc.host();
    const read = (file: string): Buffer => readFileSync(path.join(root, DATA_DIR, file));
    const credentials = { ca: read("trust/ca.crt"), cert: read("trust/agent.crt"), key: read("node.key") };
    const askStore = () => memberStatus({ host: `${nas.address}:2379`, credentials, signal: AbortSignal.timeout(ANSWER_MS) });
    await until("the store answers it", askStore, LIMIT_MS);
    await lab.kill(nuc.name);
    const refusals: string[] = [];
    const isRemoved = async (): Promise<boolean> => {
      const { code, stderr } = await nas.try("node", "remove", "nuc", "--confirm=nuc");
      if (code !== 0) refusals.push(stderr);
      return code === 0;
    };
    await until("it is removed", isRemoved, LIMIT_MS);
    for (const refusal of refusals) assert.match(refusal, /too few voters/);
    assert.doesNotMatch(await nodes(), /nuc/);
    const nasDir = path.join((await nas.host()).root, DATA_DIR);
    await until("its certificates are struck off", () => readFileSync(path.join(nasDir, "trust/removed.json"), "utf8") !== "[]", LIMIT_MS);
    await lab.boot(nuc.name);
    const methods = ["hello", "join", "links", "authority", "state", "come-again", "restart-store", "traffic", "renew", "present", "moved"];
    const said = await lab.exec(nuc.name, process.execPath, program, "ask", DATA_DIR, nas.address, ...methods);
    const answers = said
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Answer); // what the program prints
    assert.deepEqual(
      answers.map(({ method, answer }) => [method, answer]),
      methods.map((method) => [method, undefined]),
    );
    for (const told of ["hello", "join"])
      assert.match(answers.find(({ method }) => method === told)?.error ?? "", /it was removed from this house/);
    const outcome = await until(
      "the store answers it, or turns it away",
      async () => {
        const told = await askStore().then(() => "answered", String);
        return told === "answered" || TURNED_AWAY.test(told) ? told : undefined;
      },
      LIMIT_MS,
    );
    assert.match(outcome, TURNED_AWAY);
    await nuc.run("up");
    await until(
      "it is alone in its own",
      async () => {
        const { code, stdout } = await nuc.try("get", "nodes");
        return code === 0 && !stdout.includes("nas");
      },
      LIMIT_MS,
    );
    assert.doesNotMatch(await nodes(), /nuc/);
  });

  test("it comes back as a new computer once its data was moved away", async () => {
    const id = async (): Promise<string> => lab.exec(nuc.name, "sh", "-c", `sha256sum < ${DATA_DIR}/node.key`);
    const before = await id();
    await nuc.run("down");
    await lab.exec(nuc.name, "mv", DATA_DIR, `${DATA_DIR}.old`);
    const joined = await nuc.try("join", await invite(), "--node-name", "nuc", "--mdns", "off");
    assert.equal(joined.code, 0, joined.stderr);
    assert.match(await nodes(), /nuc/);
    assert.notEqual(await id(), before);
  });
});
