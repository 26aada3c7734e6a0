// How good this machine is at keeping the house's state: its link, its power, and how long its disk takes to promise a write.
import { open, readdir, readFile, rm } from "node:fs/promises";
import path from "node:path";
import { readDefaultInterface } from "./default-interface.ts";
import { exists, physicalBelow } from "./physical.ts";

export interface FitnessSources {
  /** The kernel's; other ones in tests. */
  readonly sys?: string;
  readonly defaultInterface?: () => Promise<string | undefined>;
}

export interface MeasuredFitness {
  readonly link: "wired" | "wireless";
  readonly battery: boolean;
  readonly fsyncP99Ms: number;
}

/** As much as etcd writes at once for a small change. */
const WRITE_BYTES = 4096;
const WRITES_MAX = 200;
const MEASURED_MS = 300;
/** A disk that has not promised one write by then is as slow as it gets. */
const LIMIT_MS = 600;

/** Takes at most 0.6 s. Throws what the folder's disk throws: full, read-only. */
export async function measureFitness(dataDir: string, sources: FitnessSources = {}): Promise<MeasuredFitness> {
  const { sys = "/sys", defaultInterface = readDefaultInterface } = sources;
  const [link, battery, fsyncP99Ms] = await Promise.all([
    readLink(sys, await defaultInterface()),
    hasBattery(sys),
    measureFsync(path.join(dataDir, `fsync-${process.pid}.tmp`)),
  ]);
  return { link, battery, fsyncP99Ms };
}

/** Of the default route's interface; without one, of all that there are. Wireless only where no cable is among them. */
async function readLink(sys: string, name: string | undefined): Promise<MeasuredFitness["link"]> {
  const names = name === undefined ? await readdir(path.join(sys, "class/net")).catch(() => []) : [name];
  const physical = (await Promise.all(names.map((each) => physicalBelow(sys, each)))).flat();
  const wireless = await Promise.all(physical.map((each) => exists(path.join(sys, "class/net", each, "phy80211"))));
  return wireless.length > 0 && wireless.every(Boolean) ? "wireless" : "wired";
}

/** Of the machine itself, not of its mouse; a UPS is no battery. */
async function hasBattery(sys: string): Promise<boolean> {
  const folder = path.join(sys, "class/power_supply");
  const found = await Promise.all(
    (await readdir(folder).catch(() => [])).map(async (name) => {
      const [type, scope, present] = await Promise.all(
        ["type", "scope", "present"].map(async (file) => (await readFile(path.join(folder, name, file), "utf8").catch(() => "")).trim()),
      );
      return type === "Battery" && scope !== "Device" && present !== "0";
    }),
  );
  return found.includes(true);
}

/** Milliseconds. */
async function measureFsync(file: string): Promise<number> {
  const startedAtMs = performance.now();
  const took: number[] = [];
  const writing = writeAndSync(file, took, startedAtMs + MEASURED_MS);
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, LIMIT_MS);
  try {
    await Promise.race([writing, late.promise]);
  } finally {
    clearTimeout(timer);
  }
  writing.catch(() => undefined); // it is late, and its figure is known
  const measured = performance.now() - startedAtMs;
  return p99(took.length > 0 ? took : [measured]);
}

async function writeAndSync(file: string, took: number[], untilMs: number): Promise<void> {
  const bytes = Buffer.alloc(WRITE_BYTES, 1);
  const handle = await open(file, "w", 0o600);
  try {
    while (took.length < WRITES_MAX && performance.now() < untilMs) {
      await handle.write(bytes);
      const beforeMs = performance.now();
      await handle.datasync();
      took.push(performance.now() - beforeMs);
    }
  } finally {
    await handle.close();
    await rm(file, { force: true });
  }
}

/** Of a few, the worst. */
function p99(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  return Math.round(value * 100) / 100;
}
