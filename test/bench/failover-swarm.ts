// The same power cuts in a Docker Swarm of three managers on lab hosts, whose app is asked at its published port on all computers. On that of
// the host, for Swarm's routing mesh needs IPVS, which not every kernel has.
import assert from "node:assert/strict";
import { Lab, type LabHost } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { byAddress, Clients } from "./failover-clients.ts";
import type { Round } from "./failover-table.ts";

const SERVICE = "whoami";
const IMAGE = "registry.lab:5000/whoami:1";
const PORT = 8080;
const LIMIT_MS = 180_000;

export class SwarmContest {
  readonly #lab: Lab;
  readonly #hosts: readonly LabHost[];

  private constructor(lab: Lab, hosts: readonly LabHost[]) {
    this.#lab = lab;
    this.#hosts = hosts;
  }

  /** `heartbeat`: of workers to managers, such as `1s`; Docker's default is five seconds. */
  static async start(heartbeat?: string): Promise<SwarmContest> {
    const lab = new Lab(`s${process.pid % 100_000}`);
    try {
      const hosts = await lab.up(3);
      const [first, ...others] = hosts;
      assert(first);
      await lab.exec(
        first.name,
        "docker",
        "swarm",
        "init",
        "--advertise-addr",
        first.ip,
        ...(heartbeat === undefined ? [] : ["--dispatcher-heartbeat", heartbeat]),
      );
      const token = (await lab.exec(first.name, "docker", "swarm", "join-token", "-q", "manager")).trim();
      for (const { name, ip } of others)
        await lab.exec(name, "docker", "swarm", "join", "--advertise-addr", ip, "--token", token, `${first.ip}:2377`);
      for (const { name } of hosts) await lab.exec(name, "docker", "pull", IMAGE);
      return new SwarmContest(lab, hosts);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#lab.down();
  }

  async round(role: "follower" | "leader", turn: number): Promise<Round> {
    const leader = await this.#leader();
    const candidates = this.#hosts.filter((host) => (host === leader) === (role === "leader"));
    const lost = candidates[turn % candidates.length];
    assert(lost);
    await this.#place(
      lost,
      this.#hosts.filter((host) => host !== lost),
    );
    const clients = new Clients(
      byAddress(
        this.#hosts.map(({ ip }) => ip),
        PORT,
      ),
    );
    const before = await clients.settled();
    const cutMs = performance.now();
    await this.#lab.kill(lost.name);
    clients.beginAnew();
    const answeredMs = await clients.recovered(before);
    await clients.stop();
    await this.#lab.boot(lost.name);
    await until(
      "all managers are there",
      async () => (await this.#managers()).every(({ status }) => /Leader|Reachable/.test(status)),
      LIMIT_MS,
    );
    return { clientsMs: answeredMs.map((atMs) => atMs - cutMs) };
  }

  async #managers(): Promise<readonly { readonly host: LabHost; readonly status: string }[]> {
    for (const asked of this.#hosts) {
      const { code, stdout } = await this.#lab.tryExec(
        asked.name,
        "docker",
        "node",
        "ls",
        "--format",
        "{{.Hostname}} {{.Status}} {{.ManagerStatus}}",
      );
      if (code !== 0) continue;
      const rows = stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" "));
      return this.#hosts.map((host) => {
        const [, state, status = ""] = rows.find(([name]) => name === host.name) ?? [];
        return { host, status: state === "Ready" ? status : "" };
      });
    }
    throw new Error("No manager answers");
  }

  async #leader(): Promise<LabHost> {
    return until("a leader", async () => (await this.#managers()).find(({ status }) => status === "Leader")?.host, LIMIT_MS);
  }

  /** The only one that may take it when it is made; nothing moves when the others may again. */
  async #place(host: LabHost, others: readonly LabHost[]): Promise<void> {
    const docker = (...args: readonly string[]): Promise<string> => this.#lab.exec(host.name, "docker", ...args);
    const availability = async (wanted: string): Promise<void> => {
      for (const { name } of others) await docker("node", "update", "--availability", wanted, name);
    };
    if ((await docker("service", "ls", "-q")).trim() !== "") await docker("service", "rm", SERVICE);
    await availability("drain");
    await docker("service", "create", "--name", SERVICE, "--publish", `mode=host,published=${PORT},target=80`, "--no-resolve-image", IMAGE);
    await availability("active");
  }
}
