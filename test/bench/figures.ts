// The figures of one computer, measured on a real Docker engine: run by `npm run bench`, on a lab host where there is a lab.
// Prints JSON: { rows: [{ figure, fossora, peers, aim, ok }] }. Rounds are interleaved, values are medians.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { command, firstAnswer, median, MIB, processFigures, timed } from "./measure.ts";

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 15);
const idleServices = 10;
const idleMs = Number(process.env["BENCH_IDLE_MS"] ?? 60_000);
const limitMs = 60_000;
/** For what starting left to do. */
const SETTLING_MS = 10_000;
const STARTS_MAX = 5;

const [program = "", image = ""] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "fossora-bench-"));
const runDir = path.join(folder, "run");
const env = { ...process.env, FOSSORA_SOCKET: path.join(runDir, "fossora.sock") };
let agent: ChildProcess | undefined;

interface Row {
  readonly figure: string;
  readonly fossora: string;
  readonly peers: string;
  readonly aim: string;
  readonly ok: boolean;
}

async function main(): Promise<void> {
  const rows: Row[] = [];
  try {
    await start();
    rows.push(await firstAnswers());
    rows.push(await getServices());
    rows.push(...(await idle()));
    rows.push(await restart());
  } finally {
    await end();
  }
  process.stdout.write(`${JSON.stringify({ rows }, undefined, 2)}\n`);
}

async function start(): Promise<void> {
  mkdirSync(runDir, { recursive: true });
  agent = spawn(program, ["agent", "--data-dir", path.join(folder, "data"), "--run-dir", runDir, "--log-level", "warn"], {
    stdio: ["ignore", "ignore", "inherit"],
    env,
  });
  const deadline = performance.now() + limitMs;
  while (!(await isReady())) {
    if (performance.now() > deadline) throw new Error(`The node was not ready within ${limitMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function isReady(): Promise<boolean> {
  return command(program, ["status", "-o", "json"], env).then(
    () => true,
    () => false,
  );
}

/** `apply` until the name answers, against `docker run -d -p` until the port does. */
async function firstAnswers(): Promise<Row> {
  const ours: number[] = [];
  const docker: number[] = [];
  const port = await httpPort();
  const manifest = path.join(folder, "bench.yaml");
  for (let round = 0; round < rounds; round++) {
    const name = `bench-${round}`;
    writeFileSync(manifest, service(name));
    ours.push(
      await timed(async () => {
        const applied = command(program, ["apply", "-f", manifest], env);
        await firstAnswer({ address: "127.0.0.1", port, host: `${name}.home.internal` }, limitMs);
        await applied;
      }),
    );
    await command(program, ["delete", "service", name], env);
    docker.push(
      await timed(async () => {
        await command("docker", ["run", "-d", "--name", name, "-p", "18999:80", image]);
        await firstAnswer({ address: "127.0.0.1", port: 18999, host: "localhost" }, limitMs);
      }),
    );
    await command("docker", ["rm", "-f", name]);
  }
  const ratio = median(ours) / median(docker);
  return {
    figure: "apply -> first answer by name, image present",
    fossora: ms(median(ours)),
    peers: `docker run -d -p: ${ms(median(docker))}; ratio ${ratio.toFixed(2)}`,
    aim: "<= 1.25x",
    ok: ratio <= 1.25,
  };
}

async function getServices(): Promise<Row> {
  const names = [...Array(idleServices).keys()].map((index) => `idle-${index}`);
  const manifest = path.join(folder, "idle.yaml");
  writeFileSync(manifest, names.map(service).join("---\n"));
  await command(program, ["apply", "-f", manifest, "--wait", "--timeout", "2m"], env);
  const [get, ps, node]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds * 3; round++) {
    get.push(await timed(() => command(program, ["get", "svc"], env)));
    ps.push(await timed(() => command("docker", ["ps"])));
    node.push(await timed(() => command(process.execPath, ["-e", "0"])));
  }
  return {
    figure: `fossora get svc (${idleServices} services), wall time`,
    fossora: ms(median(get)),
    peers: `docker ps: ${ms(median(ps))}; Node alone: ${ms(median(node))}`,
    aim: "<= 60 ms",
    ok: median(get) <= 60,
  };
}

/** Memory, processor and disk of agent, ingress and etcd with ten services and nobody asking. */
async function idle(): Promise<readonly Row[]> {
  const pids = processes();
  await new Promise((resolve) => setTimeout(resolve, Math.min(SETTLING_MS, idleMs)));
  const before = pids.map(([, pid]) => processFigures(pid));
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  const after = pids.map(([, pid]) => processFigures(pid));
  const sum = (pick: (figures: (typeof after)[number]) => number, of: typeof after): number =>
    of.reduce((total, figures) => total + pick(figures), 0);
  const parts = (pick: (figures: (typeof after)[number]) => number): string =>
    pids.map(([name], index) => `${name} ${(pick(after[index] ?? processFigures(0)) / MIB).toFixed(0)}`).join(", ");
  const anonymous = sum((figures) => figures.anonymousBytes, after) / MIB;
  const cpu = ((sum((figures) => figures.cpuMs, after) - sum((figures) => figures.cpuMs, before)) / idleMs) * 100;
  const written = ((sum((figures) => figures.writtenBytes, after) - sum((figures) => figures.writtenBytes, before)) / idleMs) * 60_000;
  return [
    {
      figure: `idle with ${idleServices} services: anonymous memory`,
      fossora: `${anonymous.toFixed(0)} MiB (${parts((figures) => figures.anonymousBytes)})`,
      peers: `RSS ${(sum((figures) => figures.rssBytes, after) / MIB).toFixed(0)} MiB (${parts((figures) => figures.rssBytes)}); PSS ${(sum((figures) => figures.proportionalBytes, after) / MIB).toFixed(0)} MiB`,
      aim: "<= 90 MiB",
      ok: anonymous <= 90,
    },
    { figure: "idle: CPU of one core", fossora: `${cpu.toFixed(2)} %`, peers: "-", aim: "<= 1.5 %", ok: cpu <= 1.5 },
    { figure: "idle: bytes written a minute", fossora: String(Math.round(written)), peers: "-", aim: "0", ok: written === 0 },
  ];
}

/** From `fossora agent` to `status` exit 0, with etcd and ingress stopped before and data there. */
async function restart(): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < Math.min(STARTS_MAX, rounds); round++) {
    await endProcesses();
    times.push(await timed(start));
  }
  return {
    figure: "start of a node until ready, data present",
    fossora: ms(median(times)),
    peers: "-",
    aim: "<= 2 s",
    ok: median(times) <= 2_000,
  };
}

function processes(): readonly (readonly [name: string, pid: number])[] {
  return (["agent", "ingress", "etcd"] as const).map(
    (name) => [name, (JSON.parse(readFileSync(path.join(runDir, `${name}.pid.json`), "utf8")) as { pid: number }).pid] as const,
  );
}

async function endProcesses(): Promise<void> {
  for (const [, pid] of processes()) {
    try {
      process.kill(pid, "SIGTERM");
      while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    } catch {
      // it is gone already
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

async function end(): Promise<void> {
  await command(program, ["delete", "services", "--all", "--confirm=services"], env).catch(() => undefined);
  agent?.kill("SIGTERM");
  await endProcesses().catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}

async function httpPort(): Promise<number> {
  const status = JSON.parse(await command(program, ["status", "-o", "json"], env)) as { ports?: { http?: number } };
  return status.ports?.http ?? 80;
}

function service(name: string): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "${image}", port: 80 }\n`;
}

function ms(value: number): string {
  return value >= 1_000 ? `${(value / 1_000).toFixed(2)} s` : `${value.toFixed(0)} ms`;
}

await main();
