// `npm run demo`: from a fresh machine to an app that answers by its name. A second run changes nothing;
// `npm run demo -- stop` removes what it made, and nothing else.
import { existsSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { resolveSettings } from "../src/agent/settings.ts";
import { build } from "./build.ts";
import { askHouse, fetchByName, fossora, houseSummary, listenerOf, program } from "./demo-house.ts";
import { removeEverything } from "./demo-stop.ts";
import { ensureEngine, engineVersion } from "./engine.ts";
import { debianEtcd } from "./debian.ts";
import { ensureHelloImage, helloImage } from "./hello-image.ts";
import { isAlive, projectRoot, writeState } from "./machine.ts";
import { hasGroup, ownedThings, type Made } from "./demo-made.ts";

const folder = path.join(projectRoot, "out/demo");
const stateFile = path.join(folder, "made.json");
const engineLog = path.join(folder, "dockerd.log");
const manifest = "manifests/hello.yaml";
const service = "hello";

const columns = 72;
const note = (text: string): void => void process.stderr.write(`  ${text}\n`);

/** One line for each step: what came of it, and how long it took. */
async function step<T>(run: () => Promise<{ readonly text: string; readonly value: T }>): Promise<T> {
  const began = performance.now();
  const { text, value } = await run();
  process.stdout.write(`✓ ${text.padEnd(columns)} ${((performance.now() - began) / 1000).toFixed(1).padStart(6)}s\n`);
  return value;
}

async function start(): Promise<void> {
  const began = performance.now();
  let made = readMade();
  const remember = (more: Partial<Made>): void => writeState(stateFile, (made = { ...made, ...more }));

  await step(async () => {
    const engine = await ensureEngine(engineLog, note);
    // One that died is started again: what was here before the first is what counts.
    if (engine) remember({ engine: { ...engine, before: made.engine?.before ?? engine.before } });
    const isOurs = made.engine !== undefined && isAlive(made.engine.process);
    return {
      text: `Docker ${await engineVersion()}${engine ? ` started, its log is ${path.relative(".", engineLog)}` : isOurs ? ", started by an earlier run" : ""}`,
      value: undefined,
    };
  });

  const upFlags = await step(async () => {
    const { file, changed, etcd } = await build(note);
    const text = `${path.relative(".", file)} ${changed ? "built" : "is built"}${etcd ? ", etcd inside" : ", without etcd: Debian's is used"}`;
    return { text, value: etcd ? [] : ["--etcd", debianEtcdOrThrow()] };
  });

  await step(async () => {
    const isNew = await ensureHelloImage();
    if (isNew) remember({ image: true });
    return { text: `image ${helloImage} ${isNew ? "made of busybox" : "is here"}`, value: undefined };
  });

  const house = await step(async () => {
    const before = await houseSummary();
    if (!before && !made.house) {
      const { dataDir, runDir } = resolveSettings({});
      remember({
        house: existsSync(dataDir)
          ? { kind: "started" }
          : { kind: "made", dataDir, runDir, group: hasGroup(), before: await ownedThings() },
      });
    }
    await fossora("up", ...upFlags);
    const after = await houseSummary();
    if (!after) throw new Error("`fossora up` ended well and `fossora status` does not answer");
    return { text: before ? "the house runs already" : `a house of one runs, this node is '${after.node}'`, value: after };
  });
  const [web, dns] = [listenerOf(house, "http"), listenerOf(house, "dns")];
  for (const { problem } of [web, dns]) if (problem !== undefined) note(problem);

  await step(async () => {
    const applied = await fossora("apply", "-f", manifest);
    if (applied.includes(`service/${service} created`)) remember({ service: true });
    await fossora("wait", "service", service, "--for=condition=Ready", "--timeout", "2m");
    return { text: `${manifest}: ${/unchanged/.test(applied) ? "unchanged, " : ""}${service} is ready`, value: undefined };
  });

  const name = `${service}.${house.zone}`;
  const address = await step(async () => {
    const answer = await askHouse(name, dns);
    return { text: `the house's DNS says ${name} is ${answer}`, value: answer };
  });
  const portText = web.port === 80 ? "" : `:${web.port}`;
  const page = await step(async () => ({ text: `http://${name}${portText}/ answers`, value: await fetchByName(name, address, web.port) }));

  process.stdout.write(`\n    ${page.trimEnd().replaceAll("\n", "\n    ")}\n\n`);
  process.stdout.write(`${((performance.now() - began) / 1000).toFixed(1)} s in all. The house goes on running. What to try next:\n`);
  const command = commandName();
  const next = [
    [`${command} get services`, "what runs, and its address"],
    [`${command} describe service ${service}`, "why it runs where it runs"],
    [`${command} logs ${service}`, "what it says"],
    [`dig @${dns.address} -p ${dns.port} ${name} +short`, "ask the house's DNS"],
    [`curl -H 'Host: ${name}' http://${address}${portText}/`, "the page, without its DNS"],
    ["npm run demo -- stop", "remove what this made"],
  ];
  for (const [line = "", why = ""] of next) process.stdout.write(`  ${line.padEnd(56)} ${why}\n`);
}

async function stop(): Promise<void> {
  if (!existsSync(stateFile)) {
    process.stdout.write("There is nothing of the demo here.\n");
    return;
  }
  await removeEverything(readMade(), service, (line) => void process.stdout.write(`${line}\n`));
  rmSync(folder, { recursive: true });
}

function debianEtcdOrThrow(): string {
  const file = debianEtcd();
  if (file === undefined) throw new Error("there is no store: neither Go 1.21 to build etcd with, nor Debian's package etcd-server");
  return file;
}

function readMade(): Made {
  return existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, "utf8")) as Made) : {}; // written by writeState alone
}

/** As a person can type it: `fossora` where `up` has put it on the PATH. */
function commandName(): string {
  const installed = (process.env["PATH"] ?? "").split(":").some((entry) => existsSync(path.join(entry, "fossora")));
  return installed ? "fossora" : path.relative(".", program);
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
