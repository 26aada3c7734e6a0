// `npm run soak`: what takes too long for every run of the tests. A million manifests, a hundred thousand mDNS packets, ten thousand
// seeds of the simulator, clients and apps that send the ingress nearly anything, attacks on port 733, an hour of a house under load
// whose processes are killed in turn, and what befalls houses of several computers more rarely. `npm run soak -- fuzz` for one of them;
// `--seed N` repeats one, `--part 0.01` does a hundredth of each.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { commit } from "./build.ts";
import { projectRoot } from "./machine.ts";
import { setUpTests } from "./test-setup.ts";

const options = { seed: { type: "string" }, part: { type: "string", default: "1" } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const seed = values.seed ?? String(randomInt(2 ** 31));
const part = Number(values.part);
if (!(part > 0 && part <= 1)) throw new Error(`Cannot soak a part of "${values.part}": it is a number above 0 and up to 1, such as 0.01`);
/** That part of it. */
const of = (whole: number): string => String(Math.ceil(whole * part));

interface Job {
  readonly what: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const jobs: Readonly<Record<string, Job>> = {
  fuzz: {
    what: "1,000,000 manifests",
    args: ["--test", "test/properties/language.test.ts", "test/properties/language-merge.test.ts"],
    env: { FOSSORA_FUZZ: of(1_000_000), FOSSORA_SEED: seed },
  },
  dns: {
    what: "1,000,000 DNS packets",
    args: ["--test", "test/properties/names.test.ts", "test/integration/dns-fuzz.test.ts"],
    env: { FOSSORA_DNS_PACKETS: of(1_000_000), FOSSORA_SEED: seed },
  },
  mdns: {
    what: "100,000 mDNS packets",
    args: ["--test", "test/properties/local-names.test.ts"],
    env: { FOSSORA_MDNS_FUZZ: of(100_000), FOSSORA_SEED: seed },
  },
  tls: {
    what: "1,000,000 first bytes of TLS",
    args: ["--test", "src/ingress/client-hello.test.ts"],
    env: { FOSSORA_HELLOS: of(1_000_000), FOSSORA_SEED: seed },
  },
  sim: { what: "10,000 houses", args: ["test/sim/run.ts", "--seeds", of(10_000), "--from", seed] },
  http: {
    what: "150,000 raw HTTP exchanges, 2 GiB each way",
    args: ["--test", "test/integration/ingress-fuzz.test.ts", "test/integration/ingress-flows.test.ts"],
    env: { FOSSORA_HTTP_EXCHANGES: of(100_000), FOSSORA_FLOW_MIB: of(2048), FOSSORA_SEED: seed },
  },
  ingress: {
    what: "10 minutes of an ingress with 500 clients",
    args: ["test/support/ingress-soak.ts", "--seconds", of(600), "--seed", seed],
  },
  mesh: {
    what: "100,000 attacks on port 733, and on 734",
    args: ["--test", "test/integration/mesh-fuzz.test.ts", "test/integration/mesh-ways.test.ts"],
    env: { FOSSORA_MESH_ATTACKS: of(100_000), FOSSORA_SEED: seed },
  },
  houses: {
    what: "joining, updates, power cuts and hung engines on lab hosts",
    args: ["tools/test.ts", ...globSync("test/houses-long/*.test.ts", { cwd: projectRoot }).sort()],
  },
  house: { what: "an hour of a house under load", args: ["test/support/house-hour.ts", "--minutes", of(60)] },
};

const unknown = positionals.find((name) => !(name in jobs));
if (unknown !== undefined) throw new Error(`Cannot soak "${unknown}": it is none of ${Object.keys(jobs).join(", ")}`);
const [built] = await setUpTests((text) => process.stderr.write(`${text}\n`), { program: true });
if (built?.outcome === "failed") throw new Error(built.reason);
for (const [name, { what, args, env }] of Object.entries(jobs)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const began = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd: projectRoot, env: { ...process.env, ...env }, stdio: "inherit" });
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  process.stdout.write(
    `${name}: ${part === 1 ? "" : `${values.part} of `}${what}, seed ${seed}, commit ${commit() ?? "none"}: ${status === 0 ? "passed" : "FAILED"} in ${minutes} min\n`,
  );
  if (status !== 0) process.exitCode = 1;
}
