// A house on lab hosts, driven as a person drives it: the one-file program at its place, its commands, its names.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { HouseSummary } from "../../src/api/wire.ts";
import type { CommandOutcome, Lab, LabHost } from "./lab.ts";
import { until } from "./until.ts";

const projectRoot = path.join(import.meta.dirname, "../..");
const builtProgram = path.join(projectRoot, "dist/fossora");
const installedProgram = "/usr/local/bin/fossora";
/** Ten times what a node aims at. */
const readyLimitMs = 60_000;

export type ProcessName = "agent" | "ingress" | "etcd";

/** Why there is no program to test; undefined when there is. */
export function programReason(): string | undefined {
  return existsSync(builtProgram) ? undefined : "dist/fossora is not built: npm run build";
}

/** One node of a house on a lab host, kept by `fossora supervise` as where there is no systemd. */
export class HouseNode {
  readonly lab: Lab;
  readonly name: string;

  constructor(lab: Lab, host: LabHost) {
    this.lab = lab;
    this.name = host.name;
  }

  async install(): Promise<void> {
    const { root } = await this.host();
    mkdirSync(path.join(root, path.dirname(installedProgram)), { recursive: true });
    copyFileSync(builtProgram, path.join(root, installedProgram));
  }

  /** The same program as another build: only the digest that it knows itself by differs. */
  async installAnotherBuild(): Promise<void> {
    const { root } = await this.host();
    const content = readFileSync(builtProgram);
    const mark = '"digest":"';
    const at = content.lastIndexOf(mark) + mark.length;
    if (at < mark.length) throw new Error("The program does not know its digest");
    content.write(content.toString("latin1", at, at + 8) === "00000000" ? "11111111" : "00000000", at, "latin1");
    writeFileSync(path.join(root, `${installedProgram}.new`), content, { mode: 0o755 });
    await this.lab.exec(this.name, "mv", `${installedProgram}.new`, installedProgram);
  }

  async start(): Promise<void> {
    await this.lab.start(this.name, "fossora", [installedProgram, "supervise"], { onBoot: true });
    await this.ready();
  }

  async ready(): Promise<HouseSummary> {
    return until(
      `node ${this.name} is ready`,
      async () => ((await this.try("status", "-q")).code === 0 ? await this.summary() : undefined),
      readyLimitMs,
    );
  }

  async summary(): Promise<HouseSummary> {
    return JSON.parse(await this.run("status", "-o", "json")) as HouseSummary; // the form that it documents
  }

  /** Throws what it said when it fails. */
  run(...args: readonly string[]): Promise<string> {
    return this.lab.exec(this.name, installedProgram, ...args);
  }

  try(...args: readonly string[]): Promise<CommandOutcome> {
    return this.lab.tryExec(this.name, installedProgram, ...args);
  }

  /** Writes the manifest on the host and applies it. */
  async apply(manifest: string, ...flags: readonly string[]): Promise<string> {
    const { root } = await this.host();
    writeFileSync(path.join(root, "tmp/manifest.yaml"), manifest);
    return this.run("apply", "-f", "/tmp/manifest.yaml", ...flags);
  }

  async pid(process: ProcessName): Promise<number> {
    const { root } = await this.host();
    return (JSON.parse(readFileSync(path.join(root, "run/fossora", `${process}.pid.json`), "utf8")) as { pid: number }).pid; // written by the agent
  }

  async signal(process: ProcessName, signal: "KILL" | "TERM"): Promise<void> {
    await this.lab.exec(this.name, "kill", `-${signal}`, String(await this.pid(process)));
  }

  /** `id name startedAt`, of every running container: unchanged means that nothing was restarted. */
  async containers(): Promise<readonly string[]> {
    const ids = (await this.lab.exec(this.name, "docker", "ps", "-q", "--no-trunc")).split("\n").filter(Boolean);
    if (ids.length === 0) return [];
    const text = await this.lab.exec(this.name, "docker", "inspect", "--format", "{{.Id}} {{.Name}} {{.State.StartedAt}}", ...ids);
    return text.split("\n").filter(Boolean).sort();
  }

  host(): Promise<LabHost> {
    return this.lab.host(this.name);
  }
}
