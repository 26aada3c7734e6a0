// A house on lab hosts, driven as a person drives it: the one-file program at its place, its commands, its names.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import Docker from "dockerode";
import type { Condition, Resource } from "../../src/api/resource.ts";
import type { ServiceStatus } from "../../src/api/status.ts";
import type { HouseSummary, ObjectList, ServedObject } from "../../src/api/wire.ts";
import { unixClient, type Client } from "../../src/cli/client.ts";
import type { CommandOutcome, Lab, LabHost } from "./lab.ts";
import { until } from "./until.ts";

const projectRoot = path.join(import.meta.dirname, "../..");
const builtProgram = path.join(projectRoot, "dist/fossora");
const installedProgram = "/usr/local/bin/fossora";
/** What keeps a node running where there is no systemd. */
export const supervise: readonly string[] = [installedProgram, "supervise"];
/** Ten times what a node aims at. */
const readyLimitMs = 60_000;

/** For anything that a test waits for; an app is Ready within a second or two. */
const conditionLimitMs = 60_000;
const requestLimitMs = 20_000;
/** One that hangs says nothing. */
const dockerLimitMs = 60_000;

export type ProcessName = "agent" | "ingress" | "etcd";

export type ServiceView = Resource<"Service"> & { readonly status: ServiceStatus };

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Of a node: one of its conditions says so. */
export function hasReason(wanted: string): (object: ServedObject) => boolean {
  return (object) => object.kind === "Membership" && object.status?.conditions.some(({ reason }) => reason === wanted) === true;
}

/** Why there is no program to test; undefined when there is. */
export function programReason(): string | undefined {
  return existsSync(builtProgram) ? undefined : "dist/fossora is not built: npm run build";
}

/** One node of a house on a lab host, kept by `fossora supervise` as where there is no systemd. */
export class HouseNode {
  readonly lab: Lab;
  readonly name: string;
  /** On the lab's network. */
  readonly address: string;
  readonly #host: LabHost;
  /** What a test asks again and again it asks the node's and Docker's sockets: a command on the host would cost three processes each time. */
  readonly #api: Client;
  readonly #docker: Docker;

  constructor(lab: Lab, host: LabHost) {
    this.lab = lab;
    this.name = host.name;
    this.address = host.ip;
    this.#host = host;
    this.#api = unixClient(path.join(host.dir, "run/fossora/fossora.sock"), new AbortController().signal);
    this.#docker = new Docker({ socketPath: path.join(host.dir, "run/docker.sock"), timeout: dockerLimitMs });
  }

  /** A new lab with a house of one in it, ready. */
  static async alone(lab: Lab): Promise<HouseNode> {
    await lab.down();
    const [first] = await lab.up(1);
    assert.ok(first);
    const node = new HouseNode(lab, first);
    await node.install();
    await node.start();
    return node;
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

  /** The etcd that runs, with another SHA-256. */
  async installAnotherEtcd(file: string): Promise<void> {
    const carried = (await this.lab.exec(this.name, "sh", "-c", "ls /var/lib/fossora/bin/etcd-*")).trim();
    await this.lab.exec(this.name, "sh", "-c", `cat ${carried} > ${file} && echo another >> ${file} && chmod 755 ${file}`);
  }

  async start(): Promise<void> {
    await this.lab.start(this.name, "fossora", supervise, { onBoot: true });
    await this.ready();
  }

  async ready(): Promise<HouseSummary> {
    return until(`node ${this.name} is ready`, () => this.summary(), readyLimitMs);
  }

  /** As `status -o json`. Throws while the node is not ready. */
  async summary(): Promise<HouseSummary> {
    const summary = await this.#api.json<HouseSummary>("GET", "/api/v1/status");
    if (!summary.ready) throw new Error(`${this.name} is not ready: ${JSON.stringify(summary)}`);
    return summary;
  }

  /** As `get nodes -o json`. */
  async list(plural: "nodes" | "services"): Promise<ObjectList["items"]> {
    return (await this.#api.json<ObjectList>("GET", `/api/v1/${plural}`)).items;
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

  async service(name: string): Promise<ServiceView> {
    return this.#api.json<ServiceView>("GET", `/api/v1/services/${name}`);
  }

  /** Waits until the Service says this of itself. */
  async condition(service: string, wanted: Partial<Pick<Condition, "type" | "status" | "reason">>): Promise<Condition> {
    const what = `${service} has the condition ${Object.values(wanted).join(" ")}`;
    let last: readonly Condition[] = [];
    try {
      return await until(
        what,
        async () => {
          last = (await this.service(service)).status.conditions;
          return last.find((each) => Object.entries(wanted).every(([field, value]) => each[field as keyof Condition] === value)); // entries of a Condition
        },
        conditionLimitMs,
      );
    } catch (error) {
      throw new Error(`${what} came not to be true: ${JSON.stringify(last)}`, { cause: error });
    }
  }

  async isReady(...services: readonly string[]): Promise<void> {
    await this.run("wait", "service", ...services, "--for=condition=Ready", "--timeout", `${conditionLimitMs / 1000}s`);
  }

  /** To the end: its containers are gone as well. */
  async deleteService(name: string): Promise<void> {
    await this.run("delete", "service", name, "--wait");
    await until(`no container of ${name} is left`, async () => (await this.containersOf(name)).length === 0, conditionLimitMs);
  }

  /** Asks the house's proxy for a name, as a browser does. */
  request(
    host: string,
    path = "/",
    options: { readonly method?: string; readonly body?: string; readonly port?: number } = {},
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { method = "GET", body, port = 80 } = options;
      const request = http.request(
        { host: this.address, port, path, method, headers: { host }, agent: false, timeout: requestLimitMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("error", reject);
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("end", () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        },
      );
      request.on("timeout", () => request.destroy(new Error(`no answer within ${requestLimitMs} ms`)));
      request.on("error", reject);
      request.end(body);
    });
  }

  docker(...args: readonly string[]): Promise<string> {
    return this.lab.exec(this.name, "docker", ...args);
  }

  /** Names of a Service's containers, running or not. */
  async containersOf(service: string): Promise<readonly string[]> {
    const found = await this.#docker.listContainers({ all: true, filters: { label: [`fossora.dev/name=${service}`] } });
    return found.flatMap(({ Names: [name = ""] }) => name.replace(/^\//, "")).sort();
  }

  async pid(process: ProcessName): Promise<number> {
    return (JSON.parse(readFileSync(path.join(this.#host.dir, "run/fossora", `${process}.pid.json`), "utf8")) as { pid: number }).pid; // written by the agent
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
