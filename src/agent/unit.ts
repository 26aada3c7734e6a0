// The systemd unit of a node, as text. Pure.

/**
 * `KillMode=process`: with the default every restart of the agent would kill etcd and the ingress, which it started and which live on.
 * No start limit: an agent that waits for a slow Docker at boot must not be given up. `command` is an absolute path and its arguments.
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
