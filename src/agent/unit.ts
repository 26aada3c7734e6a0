// The systemd unit of a node, as text: written, and read again. Pure.

export const unitName = "fossora.service";
export const unitFile = `/etc/systemd/system/${unitName}`;

/**
 * `KillMode=process`: with the default every restart of the agent would kill etcd and the ingress, which it started and which live on.
 * No start limit: an agent that waits for a slow Docker at boot must not be given up. One that does not end is killed after
 * 20 s, in place of 90, in which nobody would decide anything here. `command` is an absolute path and its arguments.
 */
export function systemdUnit(options: { readonly command: readonly string[] }): string {
  return `[Unit]
Description=Fossora: one house of home computers
Wants=network-online.target
After=network-online.target docker.service tailscaled.service
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${options.command.map(quote).join(" ")}
KillMode=process
TimeoutStopSec=20
OOMPolicy=continue
Restart=always
RestartSec=1
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
`;
}

/** systemd expands % and $ in ExecStart and splits at spaces. */
function quote(word: string): string {
  const escaped = word
    .replaceAll("\\", "\\\\")
    .replaceAll('"', '\\"')
    .replaceAll("%", "%%")
    .replaceAll("$", () => "$$");
  return /^[\w@%+=:,./-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** What a unit starts, as words; none where it says nothing of it. */
export function commandOfUnit(unit: string): readonly string[] {
  const line = /^ExecStart=(.*)$/m.exec(unit)?.[1] ?? "";
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) => unquote(quoted ?? plain ?? ""));
}

function unquote(word: string): string {
  return word.replaceAll(/%%|\$\$|\\(.)/g, (escaped, letter?: string) => letter ?? escaped.slice(1));
}

/** What follows the flag in a command, or stands behind its `=`. */
export function flagOf(command: readonly string[], flag: string): string | undefined {
  const at = command.indexOf(flag);
  if (at >= 0) return command[at + 1];
  return command.find((word) => word.startsWith(`${flag}=`))?.slice(flag.length + 1);
}
