// The lab (test/lab) as tests use it: hosts with a network, a dockerd and a disk of their own, which can lose any of them.
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { labsFolder, whenInterrupted } from "../../tools/machine.ts";
import { crashesIn } from "./lab-crashes.ts";

const program = path.join(import.meta.dirname, "../lab/lab");
const commandLimitMs = 600_000;
const outputBytesMax = 64 * 1024 * 1024;

export interface LabHost {
  readonly name: string;
  readonly ip: string;
  /** `unix://...`, at the same place after every boot. */
  readonly docker: string;
  /** What it wrote and its logs, from this machine; `root` is all of its files while it is up. */
  readonly dir: string;
  readonly root: string;
  readonly state: "up" | "off" | "paused";
  readonly pid: number;
  readonly netns: string;
  readonly cgroup: string;
  readonly services: Readonly<Record<string, { readonly pid: number | null; readonly on_boot: boolean }>>;
}

export interface CommandOutcome {
  /** The command's own; 128 + n after signal n. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Link {
  readonly delay?: string;
  readonly jitter?: string;
  readonly loss?: string;
  readonly rate?: string;
}

/** Why this machine cannot have a lab, as a sentence for a skipped test; undefined when it can. */
export function labReason(): string | undefined {
  if (process.platform !== "linux") return "the lab needs Linux";
  if (process.getuid?.() !== 0) return "the lab needs root";
  if (!existsSync("/sys/fs/cgroup/freezer")) return "the lab needs cgroups version 1";
  const absent = ["/usr/bin/python3", "/usr/sbin/dockerd", "/usr/bin/docker-registry", "/bin/busybox", "/usr/sbin/nft"].filter(
    (file) => !existsSync(file),
  );
  return absent.length === 0 ? undefined : `the lab needs ${absent.join(" and ")}: test/lab/lab install`;
}

/** Of this process: those that may have hosts. */
const running = new Set<Lab>();

/** For a process that nobody clears up after. */
export function downWhenInterrupted(): void {
  whenInterrupted(async () => void (await Promise.allSettled([...running].map((lab) => lab.down()))));
}

/** One lab: its name, up to ten lower-case letters and digits, keeps it apart from others on this machine. Every call throws with the lab's own words when it fails. */
export class Lab {
  readonly name: string;

  /** The test runner gives each file a name in $LAB_NAME, and ends that lab when the file could not. */
  constructor(name = process.env["LAB_NAME"] ?? `t${process.pid}`) {
    this.name = name;
  }

  /** Hosts h1..hN, with Docker and images ready; shared folders are read and written in the same place on all. */
  async up(count: number, options: { readonly share?: readonly string[] } = {}): Promise<readonly LabHost[]> {
    running.add(this);
    const shares = (options.share ?? []).flatMap((folder) => ["--share", folder]);
    return (JSON.parse(await this.#run("up", String(count), ...shares)) as { readonly hosts: readonly LabHost[] }).hosts; // the lab's documented form
  }

  /** A computer without Docker on the same network, asking the given addresses for names. */
  async client(name: string, dns: readonly string[] = []): Promise<LabHost> {
    return JSON.parse(await this.#run("client", name, ...dns.flatMap((address) => ["--dns", address]))) as LabHost; // the lab's documented form
  }

  async hosts(): Promise<readonly LabHost[]> {
    return (JSON.parse(await this.#run("status")) as { readonly hosts: readonly LabHost[] }).hosts; // the lab's documented form
  }

  async host(name: string): Promise<LabHost> {
    const found = (await this.hosts()).find((host) => host.name === name);
    if (!found) throw new Error(`Lab "${this.name}" has no host "${name}"`);
    return found;
  }

  /** Runs a command on a host to its end and answers its standard output; throws when it exits with anything but 0. */
  async exec(host: string, ...command: readonly string[]): Promise<string> {
    return this.#run("exec", host, "--", ...command);
  }

  /** The same, where failing is an answer. */
  tryExec(host: string, ...command: readonly string[]): Promise<CommandOutcome> {
    return this.#try("exec", host, "--", ...command);
  }

  /** A command that goes on beside the test, with pipes; it is killed when the returned process is. */
  spawn(host: string, ...command: readonly string[]): ChildProcessByStdio<Writable, Readable, Readable> {
    return spawn(program, ["exec", host, "--", ...command], { env: this.#env(), stdio: ["pipe", "pipe", "pipe"] });
  }

  /** A service: in the background, with a log, and at every boot if asked. */
  async start(host: string, service: string, command: readonly string[], options: { readonly onBoot?: boolean } = {}): Promise<void> {
    await this.#run("start", host, service, ...(options.onBoot ? ["--on-boot"] : []), "--", ...command);
  }

  /** A service that was started before. */
  async restart(host: string, service: string): Promise<void> {
    await this.#run("start", host, service);
  }

  /** SIGTERM to its main process, or SIGKILL; `all`: what it started ends too. */
  async stop(host: string, service: string, options: { readonly kill?: boolean; readonly all?: boolean } = {}): Promise<void> {
    await this.#run("stop", host, service, ...(options.kill ? ["--kill"] : []), ...(options.all ? ["--all"] : []));
  }

  logs(host: string, service: string): Promise<string> {
    return this.#run("logs", host, service);
  }

  /** Power loss: the disk stays. */
  async kill(...hosts: readonly string[]): Promise<void> {
    await this.#run("kill", ...hosts);
  }

  async boot(...hosts: readonly string[]): Promise<void> {
    await this.#run("boot", ...hosts);
  }

  /** Power loss, and an empty disk at the next boot. */
  async wipe(...hosts: readonly string[]): Promise<void> {
    await this.#run("wipe", ...hosts);
  }

  /** Asleep and off the network; with `hang` the link stays up and nobody serves it. */
  async pause(host: string, options: { readonly hang?: boolean } = {}): Promise<void> {
    await this.#run("pause", host, ...(options.hang ? ["--hang"] : []));
  }

  async resume(...hosts: readonly string[]): Promise<void> {
    await this.#run("resume", ...hosts);
  }

  /** Drops what passes between a host and others (all, when none is named). */
  async cut(host: string, ...others: readonly string[]): Promise<void> {
    await this.#run("cut", host, ...others);
  }

  async slow(host: string, link: Link): Promise<void> {
    await this.#run("slow", host, ...Object.entries(link).flatMap(([name, value]: readonly [string, string]) => [`--${name}`, value]));
  }

  /** Undoes cuts and slow links of these hosts, or all. */
  async heal(...hosts: readonly string[]): Promise<void> {
    await this.#run("heal", ...hosts);
  }

  /** `lab tailnet ...`; answers what it prints. */
  async tailnet(...args: readonly string[]): Promise<string> {
    return this.#run("tailnet", ...args);
  }

  /**
   * Undefined: there is a tailnet from now on. Else why this machine cannot have one. Its programs are built once, which takes minutes.
   */
  async startTailnet(): Promise<string | undefined> {
    for (const verb of ["install", "up"]) {
      const { code, stderr } = await this.#try("tailnet", verb);
      if (code === 77) return stderr.trim();
      if (code !== 0) throw new Error(`lab tailnet ${verb}: exit ${code}\n${stderr}`);
    }
    return undefined;
  }

  /** Nothing of this lab remains, also of one that an interrupted run left. Throws if one of our programs ended by an exception in it. */
  async down(): Promise<void> {
    const crashes = crashesIn(path.join(labsFolder, this.name));
    await this.#run("down");
    running.delete(this);
    if (crashes.length > 0) throw new Error(`A program of lab "${this.name}" ended by an exception\n${crashes.join("\n")}`);
  }

  async #run(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#try(...args);
    if (code !== 0) throw new Error(`lab ${args.join(" ")}: exit ${code}\n${stderr}${stdout}`);
    return stdout;
  }

  #try(...args: readonly string[]): Promise<CommandOutcome> {
    return new Promise((resolve, reject) => {
      execFile(program, args, { env: this.#env(), timeout: commandLimitMs, maxBuffer: outputBytesMax }, (error, stdout, stderr) => {
        if (!error) resolve({ code: 0, stdout, stderr });
        else if (typeof error.code === "number") resolve({ code: error.code, stdout, stderr });
        else
          reject(
            new Error(`lab ${args.join(" ")} did not end within ${commandLimitMs / 1000} s, or could not be started`, { cause: error }),
          );
      });
    });
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, LAB_NAME: this.name };
  }
}
