// An ingress under hundreds of clients that come and go, while its table changes and its apps restart: no answer of another app, and
// nothing of it left at the end. Started by `npm run soak`; a short one by the tests.
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { HttpRoute, StreamRoute, Table } from "../../src/api/table.ts";
import { SeededRandom } from "../fakes/clock.ts";
import { AS_BUILT, freePort, soon, startIngress, type TestIngress } from "./ingress.ts";
import { SoakApp } from "./soak-apps.ts";
import { BEHAVIOURS, type Place, type Seen, type Setting } from "./soak-clients.ts";
import { until } from "./until.ts";

export interface SoakOptions {
  readonly seconds: number;
  /** Longer than `seconds`: until then a loaded machine may make up for the tables that are missing. */
  readonly secondsMax?: number;
  readonly clients: number;
  readonly seed: number;
  readonly say?: (text: string) => void;
}

export interface SoakResult {
  readonly seen: Readonly<Record<Seen, number>>;
  /** The first few of what must never be. */
  readonly wrong: readonly string[];
  readonly swaps: number;
  /** One every `SWAP_MS`. */
  readonly swapsDue: number;
  readonly restarts: number;
  /** Of the ingress: open files at rest, and MiB. */
  readonly before: Rest;
  readonly after: Rest;
}

export interface Rest {
  readonly files: number;
  readonly mebibytes: number;
}

const APPS = ["films", "photos", "music", "notes", "mail", "cloud"];
const SWAP_MS = 20;
/** While the tables are later than this, no client begins anything: 500 of them would else leave no time for a new table. */
const LATE_MS_MAX = 100;
const RESTART_MS = 700;
const AWAY_MS_MAX = 300;
const HOLD_MS = 3000;
const WRONG_SHOWN_MAX = 20;
const WARM_UP_SECONDS = 5;
const REST_LIMIT_MS = 60_000;
const REPORT_MS = 60_000;

export async function soakIngress({ seconds, secondsMax = seconds, clients, seed, say = () => {} }: SoakOptions): Promise<SoakResult> {
  const ingress = await startIngress(AS_BUILT);
  const apps = APPS.map((name) => new SoakApp(name));
  try {
    const world = new World({
      ingress,
      apps,
      seed,
      rawPorts: new Map(await Promise.all(apps.map(async ({ name }) => [name, await freePort()] as const))),
    });
    // What a first round of it makes stays: pools, compiled code, the heap's size.
    await world.run(WARM_UP_SECONDS, clients);
    const before = await world.rest();
    world.forget();
    const report = setInterval(() => say(world.line()), REPORT_MS);
    const swapsDue = (seconds * 1000) / SWAP_MS;
    await world.run(seconds, clients, { secondsMax, swapsDue }).finally(() => clearInterval(report));
    return { ...world.result(), swapsDue, before, after: await world.rest() };
  } finally {
    await ingress.stop();
  }
}

interface WorldOptions {
  readonly ingress: TestIngress;
  readonly apps: readonly SoakApp[];
  readonly rawPorts: ReadonlyMap<string, number>;
  readonly seed: number;
}

class World {
  readonly #options: WorldOptions;
  readonly #random: SeededRandom;
  readonly #away = new Set<SoakApp>();
  #revision = 0;
  #seen: Record<Seen, number> = { wrong: 0, answered: 0, unavailable: 0, cut: 0 };
  #wrong: string[] = [];
  #swaps = 0;
  #restarts = 0;
  #lateMs = 0;
  #inTime = Promise.withResolvers<void>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async run(seconds: number, clients: number, { secondsMax, swapsDue } = { secondsMax: seconds, swapsDue: 0 }): Promise<void> {
    const { apps } = this.#options;
    await Promise.all(apps.map((app) => app.start()));
    await this.#swap();
    const beganAt = performance.now();
    const isOn = (): boolean => {
      const passed = (performance.now() - beganAt) / 1000;
      return passed < seconds || (passed < secondsMax && this.#swaps < swapsDue);
    };
    await Promise.all([
      this.#keepSwapping(isOn),
      this.#keepRestarting(isOn),
      ...Array.from({ length: clients }, () => this.#client(isOn, this.#random.fork())),
    ]);
    await Promise.all(apps.map((app) => app.stop()));
  }

  /** Without apps and clients, with the table that it started with. */
  async rest(): Promise<Rest> {
    const { ingress } = this.#options;
    const metric = async (name: string): Promise<number> =>
      Number(new RegExp(`^${name} ([\\d.e+]+)`, "m").exec(await ingress.metrics())?.[1]);
    await ingress.client.putTable(this.#table([]), soon());
    await until(
      "nobody is held or connected",
      async () => (await metric("fossora_http_held")) + (await metric("fossora_tcp_connections")) === 0,
      REST_LIMIT_MS,
    );
    let files = Number.POSITIVE_INFINITY;
    // Kept connections of either side end by themselves: wait until no fewer are open.
    await until(
      "its files are as few as they get",
      async () => {
        const open = readdirSync(`/proc/${ingress.child.pid}/fd`).length;
        await sleep(1000);
        const fewer = open < files;
        files = open;
        return !fewer;
      },
      REST_LIMIT_MS,
    );
    return { files, mebibytes: Math.round((await metric("fossora_ingress_resident_memory_bytes")) / 2 ** 20) };
  }

  forget(): void {
    this.#seen = { wrong: 0, answered: 0, unavailable: 0, cut: 0 };
    [this.#swaps, this.#restarts] = [0, 0];
  }

  result(): Omit<SoakResult, "swapsDue" | "before" | "after"> {
    return { seen: this.#seen, wrong: this.#wrong, swaps: this.#swaps, restarts: this.#restarts };
  }

  line(): string {
    const counts = Object.entries(this.#seen).map(([name, count]) => `${count} ${name}`);
    return `${counts.join(", ")}; ${this.#swaps} tables, ${this.#restarts} restarts`;
  }

  /** What is late is made up for. */
  async #keepSwapping(isOn: () => boolean): Promise<void> {
    for (let dueAt = performance.now() + SWAP_MS; isOn(); dueAt += SWAP_MS) {
      await this.#swap();
      this.#late(performance.now() - dueAt);
      await sleep(Math.max(0, -this.#lateMs));
    }
    this.#late(0);
  }

  #late(ms: number): void {
    this.#lateMs = ms;
    if (ms > LATE_MS_MAX) return;
    this.#inTime.resolve();
    this.#inTime = Promise.withResolvers();
  }

  async #keepRestarting(isOn: () => boolean): Promise<void> {
    for (; isOn(); await sleep(RESTART_MS)) await this.#restart();
  }

  async #client(isOn: () => boolean, random: SeededRandom): Promise<void> {
    const { ingress, apps, rawPorts } = this.#options;
    const setting: Setting = { httpPort: ingress.httpPort, places: apps.flatMap(placesOf), rawPorts, random };
    const tell = (seen: Seen, what: string): void => {
      this.#seen[seen] += 1;
      if (seen === "wrong" && this.#wrong.length < WRONG_SHOWN_MAX) this.#wrong.push(what);
    };
    while (isOn()) {
      if (this.#lateMs > LATE_MS_MAX) {
        await this.#inTime.promise;
        continue;
      }
      const [name, behaviour] = random.pick(Object.entries(BEHAVIOURS));
      await behaviour(setting, tell).catch((error: unknown) => tell("cut", `${name}: ${String(error)}`));
    }
  }

  /** Another one each time: rows in another order, options changed, now and then without an app that is away. */
  async #swap(): Promise<void> {
    const random = this.#random;
    const shown = this.#options.apps.filter((app) => !this.#away.has(app) || random.chance(0.5));
    await this.#options.ingress.client.putTable(this.#table(shown), soon());
    this.#swaps += 1;
  }

  /** Its address stays; nobody else gets it meanwhile. */
  async #restart(): Promise<void> {
    const app = this.#random.pick(this.#options.apps);
    this.#away.add(app);
    await app.stop();
    await sleep(this.#random.int(0, AWAY_MS_MAX));
    await app.start();
    this.#away.delete(app);
    this.#restarts += 1;
  }

  #table(shown: readonly SoakApp[]): Table {
    const random = this.#random;
    const rows = this.#options.apps.map((app) => ({ app, order: random.next() })).sort((a, b) => a.order - b.order);
    const backends = (app: SoakApp, port: number) =>
      shown.includes(app) ? [{ node: "attic", instance: app.name, host: "127.0.0.1", port }] : [];
    const http = rows.flatMap(({ app }) =>
      placesOf(app).map(({ app: name, host, path }): HttpRoute => ({
        name,
        host,
        path,
        backends: backends(app, app.httpPort),
        holdMs: HOLD_MS,
        ...(random.chance(0.5) && { sticky: true }),
        forwardedHeaders: random.chance(0.5) ? "none" : "standard",
      })),
    );
    const streams = rows.map(({ app }): StreamRoute => ({
      name: app.name,
      protocol: "tcp",
      address: "127.0.0.1",
      port: this.#options.rawPorts.get(app.name) ?? 0,
      backends: backends(app, app.tcpPort),
      idleTimeoutMs: 60_000,
    }));
    this.#revision += 1;
    return { revision: this.#revision, node: "attic", zone: "home.internal", http, streams, records: [], houseNames: [], nodes: {} };
  }
}

/** Two hosts of its own, and a path of a host that all share. */
function placesOf({ name }: SoakApp): readonly Place[] {
  return [
    { app: name, host: name, path: "/" },
    { app: name, host: `${name}.example.org`, path: "/" },
    { app: name, host: "house.home.internal", path: `/${name}/` },
  ];
}

/** What a soak must not show; empty: it passed. */
export function soakProblems({ wrong, seen, swaps, swapsDue, before, after }: SoakResult): readonly string[] {
  const problems = wrong.map((what) => `not its own answer: ${what}`);
  if (seen.answered < (seen.unavailable + seen.cut) * 2) problems.push(`too few were answered: ${JSON.stringify(seen)}`);
  if (swaps < swapsDue * SWAPS_SHARE_MIN) problems.push(`${swaps} tables were put, ${swapsDue} were due`);
  if (after.files > before.files + FILES_SLACK) problems.push(`${after.files} files are open at rest, ${before.files} were before`);
  if (after.mebibytes > before.mebibytes + MEBIBYTES_SLACK)
    problems.push(`${after.mebibytes} MiB are held at rest, ${before.mebibytes} were before`);
  return problems;
}

const SWAPS_SHARE_MIN = 0.8;
const FILES_SLACK = 5;
/** What the heap is larger after one more round is chance, and no more than this. */
const MEBIBYTES_SLACK = 100;

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: "string", default: "600" }, seed: { type: "string", default: "1" } } });
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const seconds = Number(values.seconds);
  const result = await soakIngress({ seconds, secondsMax: 2 * seconds, clients: 500, seed: Number(values.seed), say });
  say(JSON.stringify(result));
  const problems = soakProblems(result);
  for (const problem of problems) say(problem);
  if (problems.length > 0) process.exitCode = 1;
}
