// `npm run demo`: from a fresh machine to an app that answers by its name. A second run changes nothing;
// `npm run demo -- stop` removes what it made, and nothing else: where a household has its own in that house, nothing at all.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { resolveSettings } from "../src/agent/settings.ts";
import type { HouseSummary } from "../src/api/wire.ts";
import { build } from "./build.ts";
import { askHouse, commandName, fetchByName, fossora, houseSummary, listenerOf, type Listener } from "./demo-house.ts";
import { removeEverything } from "./demo-stop.ts";
import { ensureEngine, engineVersion } from "./engine.ts";
import { debianEtcd } from "./debian.ts";
import { ensureHelloImage, helloImage } from "./hello-image.ts";
import { isAlive, writeState } from "./machine.ts";
import { ownedThings, type Made } from "./demo-made.ts";

/** Of this machine and person, not of this clone. */
const folder = path.join(process.env["XDG_STATE_HOME"] ?? path.join(homedir(), ".local/state"), "fossora-demo");
const stateFile = path.join(folder, "made.json");
const engineLog = path.join(folder, "dockerd.log");
const manifest = "manifests/hello.yaml";
const service = "hello";

const columns = 72;
const note = (text: string): void => void process.stderr.write(`  ${text}\n`);
const seconds = (sinceMs: number): string => ((performance.now() - sinceMs) / 1000).toFixed(1);

/** What a step came to, as a sentence and as what the next steps need. */
interface Done<T> {
  readonly text: string;
  readonly value: T;
}

let made = readMade();

async function start(): Promise<void> {
  const began = performance.now();
  await step(startEngine);
  const upFlags = await step(buildProgram);
  await step(makeImage);
  const house = await step(() => startHouse(upFlags));
  const [web, dns] = [listenerOf(house, "http"), listenerOf(house, "dns")];
  for (const { problem } of [web, dns]) if (problem !== undefined) note(problem);
  await step(applyManifest);
  const name = `${service}.${house.zone}`;
  const address = await step(() => askDns(name, dns));
  const page = await step(() => fetchPage(name, address, web));
  process.stdout.write(`\n    ${page.trimEnd().replaceAll("\n", "\n    ")}\n\n${seconds(began)} s in all. The house goes on running. `);
  process.stdout.write(`What to try next:\n${nextSteps(name, address, web, dns)}`);
}

/** One line for each step: what came of it, and how long it took. */
async function step<T>(run: () => Promise<Done<T>>): Promise<T> {
  const began = performance.now();
  const { text, value } = await run();
  process.stdout.write(`✓ ${text.padEnd(columns)} ${seconds(began).padStart(6)}s\n`);
  return value;
}

async function startEngine(): Promise<Done<void>> {
  const engine = await ensureEngine(engineLog, note);
  // One that died is started again: what was here before the first is what counts.
  if (engine) remember({ engine: { ...engine, before: made.engine?.before ?? engine.before } });
  const isOurs = made.engine !== undefined && isAlive(made.engine.process);
  const how = engine ? ` started, its log is ${engineLog}` : isOurs ? ", started by an earlier run" : "";
  return { text: `Docker ${await engineVersion()}${how}`, value: undefined };
}

/** Answers the flags that `up` needs. */
async function buildProgram(): Promise<Done<readonly string[]>> {
  const { file, changed, etcd } = await build(note);
  const text = `${path.relative(".", file)} ${changed ? "built" : "is built"}${etcd ? ", etcd inside" : ", without etcd: Debian's is used"}`;
  return { text, value: etcd ? [] : ["--etcd", debianEtcdOrThrow()] };
}

async function makeImage(): Promise<Done<void>> {
  const isNew = await ensureHelloImage();
  if (isNew) remember({ image: true });
  return { text: `image ${helloImage} ${isNew ? "made of busybox" : "is here"}`, value: undefined };
}

/** A house that was here and runs is used as it is. */
async function startHouse(upFlags: readonly string[]): Promise<Done<HouseSummary>> {
  const before = await houseSummary();
  if (!before && !made.house) {
    const { dataDir, runDir } = resolveSettings({});
    const isHere = existsSync(dataDir);
    remember({ house: isHere ? { kind: "started" } : { kind: "made", dataDir, runDir, before: await ownedThings() } });
  }
  if (made.house) await fossora("up", ...upFlags);
  const house = await houseSummary();
  if (!house) throw new Error("`fossora up` ended well and `fossora status` does not answer");
  return { text: before ? "the house runs already" : `a house of one runs, this node is '${house.node}'`, value: house };
}

async function applyManifest(): Promise<Done<void>> {
  const applied = await fossora("apply", "-f", manifest);
  if (applied.includes(`service/${service} created`)) remember({ service: true });
  await fossora("wait", "service", service, "--for=condition=Ready", "--timeout", "2m");
  return { text: `${manifest}: ${applied.includes("unchanged") ? "unchanged, " : ""}${service} is ready`, value: undefined };
}

async function askDns(name: string, dns: Listener): Promise<Done<string>> {
  const address = await askHouse(name, dns);
  return { text: `the house's DNS says ${name} is ${address}`, value: address };
}

async function fetchPage(name: string, address: string, { port }: Listener): Promise<Done<string>> {
  return { text: `http://${name}${portText(port)}/ answers`, value: await fetchByName(name, address, port) };
}

function nextSteps(name: string, address: string, web: Listener, dns: Listener): string {
  const command = commandName();
  const lines = [
    [`${command} get services`, "what runs, and its address"],
    [`${command} describe service ${service}`, "why it runs where it runs"],
    [`${command} logs ${service}`, "what it says"],
    [`dig @${dns.address} -p ${dns.port} ${name} +short`, "ask the house's DNS"],
    [`curl -H 'Host: ${name}' http://${address}${portText(web.port)}/`, "the page, without its DNS"],
    ["npm run demo -- stop", "remove what this made"],
  ];
  return lines.map(([line = "", why = ""]) => `  ${line.padEnd(64)} ${why}\n`).join("");
}

function portText(port: number): string {
  return port === 80 ? "" : `:${port}`;
}

async function stop(): Promise<void> {
  if (!existsSync(stateFile)) {
    process.stdout.write("There is nothing of the demo here.\n");
    return;
  }
  await removeEverything(made, service, (line) => void process.stdout.write(`${line}\n`));
  rmSync(folder, { recursive: true });
  process.stdout.write("What was built (dist, node_modules, ~/.cache/fossora) stays, and so do Debian packages\n");
}

function debianEtcdOrThrow(): string {
  const file = debianEtcd();
  if (file === undefined) throw new Error("there is no store: neither Go 1.21 to build etcd with, nor Debian's package etcd-server");
  return file;
}

/** Written down at once, so that `stop` knows it also after a run that failed. */
function remember(more: Partial<Made>): void {
  made = { ...made, ...more };
  writeState(stateFile, made);
}

function readMade(): Made {
  return existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, "utf8")) as Made) : {}; // written by writeState alone
}

const [action, ...rest] = process.argv.slice(2);
try {
  if (rest.length > 0 || (action !== undefined && action !== "stop"))
    throw new Error(`the demo knows "stop" and nothing else, got "${process.argv.slice(2).join(" ")}"`);
  await (action === "stop" ? stop() : start());
} catch (error) {
  process.stderr.write(`✗ ${error instanceof Error ? error.message : String(error)}\n`);
  if (action !== "stop") process.stderr.write("\nWhat was made so far stays for the next run; `npm run demo -- stop` removes it.\n");
  process.exitCode = 1;
}
