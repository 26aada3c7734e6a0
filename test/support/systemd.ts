// A real systemd on a lab host, in a PID namespace of its own: as in a system container, with the units that ours needs and no others.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { CommandOutcome, Lab } from "./lab.ts";
import { until } from "./until.ts";

const program = "/lib/systemd/systemd";
const units = "/opt/units";
const startLimitMs = 60_000;

export function systemdReason(): string | undefined {
  return existsSync(program) ? undefined : "systemd is not installed";
}

/** The machine's own units stay out: they would mount, and set kernel variables that all hosts share. */
const targets = ["sysinit", "basic", "multi-user", "network-online", "shutdown"];

export class Systemd {
  readonly #lab: Lab;
  readonly #host: string;

  constructor(lab: Lab, host: string) {
    this.#lab = lab;
    this.#host = host;
  }

  /** Now, and at every boot of the host. */
  async start(): Promise<void> {
    const { root } = await this.#lab.host(this.#host);
    const folder = path.join(root, units);
    mkdirSync(folder, { recursive: true });
    for (const target of targets)
      writeFileSync(path.join(folder, `${target}.target`), `[Unit]\nDescription=${target}\nDefaultDependencies=no\n`);
    const environment = ["container=lab", `SYSTEMD_UNIT_PATH=/etc/systemd/system:${units}`];
    const flags = ["--system", "--unit=multi-user.target", "--default-standard-output=null", "--log-target=console", "--show-status=no"];
    const command = ["unshare", "--fork", "--pid", "--mount-proc", "--kill-child", "env", ...environment, program, ...flags];
    await this.#lab.exec(this.#host, "sh", "-c", "rm -rf /etc/systemd/system/*.wants"); // this machine's
    await this.#lab.start(this.#host, "systemd", command, { onBoot: true });
    await this.runs();
  }

  async runs(): Promise<void> {
    await until("systemd runs", async () => (await this.try("systemctl", "is-active", "multi-user.target")).code === 0, startLimitMs);
  }

  /** A command as a person types it where systemd is process 1. */
  async try(...command: readonly string[]): Promise<CommandOutcome> {
    const pid = (await this.#lab.exec(this.#host, "pgrep", "--oldest", "--exact", "systemd")).trim();
    return this.#lab.tryExec(this.#host, "nsenter", `--target=${pid}`, "--pid", "--mount", "--", ...command);
  }

  async run(...command: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.try(...command);
    if (code !== 0) throw new Error(`${command.join(" ")}: exit ${code}\n${stderr}${stdout}`);
    return stdout + stderr;
  }
}
