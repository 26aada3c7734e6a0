// A real Avahi on a lab host: what Linux desktops and printers speak on the LAN, with its commands.
import type { ChildProcessByStdio } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import type { Lab, LabHost } from "./lab.ts";
import { until } from "./until.ts";

const files = ["/usr/sbin/avahi-daemon", "/usr/bin/avahi-resolve", "/usr/bin/avahi-publish", "/usr/bin/dbus-daemon"];

/** By one family alone, so that a name that nobody has is not asked for twice. */
const configuration = (family: 4 | 6): string => `[server]
use-ipv4=${family === 4 ? "yes" : "no"}
use-ipv6=${family === 6 ? "yes" : "no"}
[wide-area]
enable-wide-area=no
[publish]
publish-hinfo=no
publish-workstation=no
`;

/** Why there is none; undefined when there is. */
export function avahiReason(): string | undefined {
  const absent = files.filter((file) => !existsSync(file));
  return absent.length === 0 ? undefined : `${absent.join(" and ")} not found: apt-get install avahi-daemon avahi-utils libnss-mdns dbus`;
}

export class Avahi {
  readonly #lab: Lab;
  readonly #host: string;

  private constructor(lab: Lab, host: string) {
    this.#lab = lab;
    this.#host = host;
  }

  /** Resolves when it has its own name. `family`: by which it speaks and hears. */
  static async start(lab: Lab, { name, root }: LabHost, family: 4 | 6 = 4): Promise<Avahi> {
    writeFileSync(path.join(root, "etc/avahi/avahi-daemon.conf"), configuration(family));
    await lab.exec(name, "sh", "-c", "mkdir -p /run/dbus /var/lib/dbus");
    await lab.start(name, "dbus", ["dbus-daemon", "--system", "--nofork", "--nopidfile"]);
    await until("D-Bus is there", async () => (await lab.tryExec(name, "test", "-S", "/run/dbus/system_bus_socket")).code === 0);
    await lab.start(name, "avahi", ["avahi-daemon", "--no-drop-root", "--no-chroot", "--no-rlimits"]);
    await until("Avahi is ready", async () => (await lab.logs(name, "avahi")).includes("Server startup complete"));
    return new Avahi(lab, name);
  }

  /** An address of that family; undefined: nobody answered within Avahi's own limit of five seconds. */
  async resolve(name: string, family: 4 | 6 = 4): Promise<string | undefined> {
    const { stdout } = await this.#lab.tryExec(this.#host, "avahi-resolve", `-${family}`, "-n", name);
    return stdout.trim().split(/\s+/)[1];
  }

  /** Until the returned process is killed. */
  publish(name: string, address: string): ChildProcessByStdio<Writable, Readable, Readable> {
    return this.#lab.spawn(this.#host, "avahi-publish", "-a", "-R", name, address);
  }

  logs(): Promise<string> {
    return this.#lab.logs(this.#host, "avahi");
  }
}
