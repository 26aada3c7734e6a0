// Trust by a real tailnet: real tailscaled of several users on lab hosts, our LocalAPI client, 733 and the call-back between them.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test, type TestContext } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Lab, labReason } from "../support/lab.ts";
import { until } from "../support/until.ts";

const program = path.join(import.meta.dirname, "../support/mesh-node.ts");
const reason = labReason();
/** How often our client looks without being told. */
const pollMs = 15_000;

interface Verdict {
  readonly trust: "trusted" | "needs approval" | "refused";
  readonly because: string;
}

interface TailnetNode {
  readonly host: string;
  readonly ip: string;
}

describe("a tailnet of two people", { skip: reason ?? false }, () => {
  const lab = new Lab();
  let absent: string | undefined;
  const ips = new Map<string, string>();

  const remember = (text: string): void => {
    const { nodes } = JSON.parse(text) as { readonly nodes: readonly TailnetNode[] }; // the lab's documented form
    for (const { host, ip } of nodes) ips.set(host, ip);
  };
  const run = async (host: string, ...args: readonly string[]): Promise<unknown> => {
    const text = await lab.exec(host, process.execPath, program, ...args);
    return JSON.parse(text) as unknown;
  };
  /** Asks from one host at another's tailnet address. */
  const join = async (from: string, to: string, ...more: readonly string[]) =>
    (await run(from, "join", "/var/lib/mesh", ips.get(to) ?? to, ...more)) as { readonly they: Verdict; readonly we: Verdict }; // what the program prints
  const serve = (host: string, ...args: readonly string[]): Promise<void> =>
    lab.start(host, "mesh", [process.execPath, program, "serve", "/var/lib/mesh", ...args]);
  const needs = (t: TestContext): boolean => {
    if (absent !== undefined) t.skip(absent);
    return absent === undefined;
  };

  before(async () => {
    await lab.down();
    await lab.up(3);
    absent = await lab.startTailnet();
    if (absent !== undefined) return;
    remember(await lab.tailnet("join", "h1", "h2"));
    remember(await lab.tailnet("join", "h3", "--user", "bob"));
    await serve("h1", "--house");
    await Promise.all([serve("h2"), serve("h3")]);
    for (const host of ["h1", "h2", "h3"])
      await until(`port 733 of ${host}`, async () => (await lab.logs(host, "mesh")).includes("listening"));
  });
  after(() => lab.down());

  test("a machine finds those of the same person in its tailnet, and no others", async (t) => {
    if (!needs(t)) return;
    assert.deepEqual(await run("h1", "peers"), { state: "running", peers: ["h2.tail.lab"], splitDns: {} });
    assert.deepEqual(await run("h3", "peers"), { state: "running", peers: [], splitDns: {} });
  });

  test("two machines of one person trust each other without a word", async (t) => {
    if (!needs(t)) return;
    const trusted = { trust: "trusted", because: "both belong to alice@lab.test" };
    assert.deepEqual(await join("h2", "h1"), { they: trusted, we: trusted });
  });

  test("another person's machine is refused, and would not trust the house either", async (t) => {
    if (!needs(t)) return;
    assert.deepEqual(await join("h3", "h1"), {
      they: { trust: "refused", because: "it belongs to bob@lab.test, another user" },
      we: { trust: "refused", because: "it belongs to alice@lab.test, another user" },
    });
  });

  test("another person's machine is let in where the tailnet's policy grants the capability to join", async (t) => {
    if (!needs(t)) return;
    const all = { src: ["*"], dst: ["*"], ip: ["*"] };
    const policyOf = (grant: object): object => ({ grants: [{ ...all, app: { "fossora.dev/cap/fossora": [grant] } }] });
    const setPolicy = async (policy: object): Promise<void> => {
      const file = path.join(mkdtempSync(path.join(tmpdir(), "fossora-policy-")), "policy.json");
      t.after(() => rmSync(path.dirname(file), { recursive: true }));
      writeFileSync(file, JSON.stringify(policy));
      await lab.tailnet("policy", file);
    };
    await setPolicy(policyOf({ role: "admin" }));
    const granted = { trust: "trusted", because: "the tailnet's policy grants it fossora.dev/cap/fossora" };
    await until("the grant", async () => (await join("h3", "h1")).they.because === granted.because);
    await setPolicy(policyOf({ role: "viewer" }));
    await until("its end", async () => (await join("h3", "h1")).they.trust !== "trusted");
  });

  test("a change of the tailnet is a reason to look long before the next look is due, and split DNS is seen", async (t) => {
    if (!needs(t)) return;
    const looking = lab.spawn("h1", process.execPath, program, "looks");
    const lines: { readonly afterMs: number }[] = [];
    createInterface({ input: looking.stdout }).on("line", (line) => lines.push(JSON.parse(line) as { readonly afterMs: number })); // what it prints
    try {
      await until("the first look", () => lines.length > 0);
      await until("some quiet", () => lines.length > 1, 60_000); // the bus begins with what there is, or 15 s are over
      const before = lines.length;
      await lab.tailnet("dns", "home.internal", "h1", "h2");
      await until("another look", () => lines.length > before);
      assert.ok((lines[before]?.afterMs ?? Infinity) < pollMs, "it came no earlier than it was due");
    } finally {
      looking.kill();
    }
    const dns = async () => ((await run("h1", "peers")) as { readonly splitDns?: object }).splitDns; // what it prints
    await until("split DNS", async () => isDeepStrictEqual(await dns(), { "home.internal": [ips.get("h1"), ips.get("h2")] }));
    await lab.tailnet("dns");
  });

  test("the LAN address of a trusted machine proves nothing", async (t) => {
    if (!needs(t)) return;
    const { ip } = await lab.host("h1");
    const { they, we } = await join("h2", ip);
    assert.deepEqual([they.trust, we.trust], ["needs approval", "needs approval"]);
    assert.match(they.because, /does not know this address/);
  });

  test("a program on a trusted machine that is not its agent is called back and found out", async (t) => {
    if (!needs(t)) return;
    const asked = (await run("h2", "join", "/var/lib/mesh-of-somebody", ips.get("h1") ?? "")) as { readonly they: Verdict }; // what it prints
    assert.deepEqual(asked.they, { trust: "refused", because: "another program than the agent of h2.tail.lab asked" });
    await lab.stop("h2", "mesh");
    const alone = await join("h2", "h1");
    assert.equal(alone.they.trust, "refused");
    assert.match(alone.they.because, /^h2.tail.lab cannot be called back: /);
    await lab.restart("h2", "mesh");
  });

  test("a tagged machine is trusted by a house that names the tag, and by no other", async (t) => {
    if (!needs(t)) return;
    await lab.tailnet("leave", "h3");
    remember(await lab.tailnet("join", "h3", "--tag", "tag:fossora"));
    const untold = await until("the tagged machine's way to h1", () => join("h3", "h1"));
    assert.deepEqual(untold.they, { trust: "refused", because: "it is tagged tag:fossora, which the house does not name" });
    await lab.stop("h1", "mesh");
    await serve("h1", "--house", "--tag", "tag:fossora");
    const told = await until("h1 again", () => join("h3", "h1"));
    assert.deepEqual(told.they, { trust: "trusted", because: "it has the tag tag:fossora" });
    assert.deepEqual(await run("h1", "peers", "--tag", "tag:fossora"), {
      state: "running",
      peers: ["h2.tail.lab", "h3.tail.lab"],
      splitDns: {},
    });
  });

  test("without its control server a machine that starts anew knows nothing, which is not nobody", async (t) => {
    if (!needs(t)) return;
    await lab.kill("control");
    await lab.stop("h2", "tailscaled");
    assert.deepEqual(await run("h2", "peers"), { state: "absent", peers: [] });
    await lab.restart("h2", "tailscaled");
    await until("tailscaled's answer", async () => (await run("h2", "peers")) as { readonly state: string }); // what it prints
    const { state } = await until("a state", async () => {
      const found = (await run("h2", "peers")) as { readonly state: string }; // what it prints
      return found.state === "absent" ? undefined : found;
    });
    assert.match(state, /^(NoState|Starting)$/);
    assert.notEqual((await join("h2", "h1").catch(() => undefined))?.they.trust, "trusted");
  });
});
