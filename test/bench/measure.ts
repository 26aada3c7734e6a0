// What the benches share: medians, processes and their memory, ages of answers.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import http from "node:http";
import { promisify } from "node:util";

export const MIB = 1024 * 1024;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** ms */
export async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

export async function command(file: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  return (await promisify(execFile)(file, args, { env, timeout: 120_000, maxBuffer: 64 * MIB })).stdout;
}

export interface ProcessFigures {
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  readonly proportionalBytes: number;
  /** User and system time since its start, ms. */
  readonly cpuMs: number;
  /** Bytes that it caused to be written to disk. */
  readonly writtenBytes: number;
}

/** From /proc; a clock tick is 10 ms (sysconf(_SC_CLK_TCK) is 100 on Linux). */
export function processFigures(pid: number): ProcessFigures {
  const smaps = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(smaps)?.[1] ?? NaN) * 1024;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  const written = /^write_bytes: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1];
  return {
    rssBytes: kib("Rss"),
    anonymousBytes: kib("Anonymous"),
    proportionalBytes: kib("Pss"),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    writtenBytes: Number(written),
  };
}

/** Asks until the answer is 200; throws after `limitMs`. */
export async function firstAnswer(
  target: { readonly address: string; readonly port: number; readonly host: string },
  limitMs: number,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    if ((await statusOf(target)) === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${target.host} did not answer with 200 within ${limitMs} ms`);
}

function statusOf(target: { readonly address: string; readonly port: number; readonly host: string }): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get(
      { host: target.address, port: target.port, agent: false, headers: { host: target.host, connection: "close" }, timeout: 1_000 },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode));
        response.on("error", () => resolve(undefined));
      },
    );
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
