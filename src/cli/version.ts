// `version`: of this program and of the node, and whether they differ.
import type { VersionAnswer } from "../api/wire.ts";
import { EXIT, Failure } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const version: Verb = {
  define(command, invoke) {
    command
      .option("-o, --output <format>", "json or yaml")
      .option("--client", "only this program's")
      .addHelpText("before", "Examples:\n  fossora version\n  fossora version --client\n")
      .action((flags: { readonly output?: string; readonly client?: boolean }) => invoke((ports) => runVersion(flags, ports)));
  },
};

export async function runVersion(flags: { readonly output?: string; readonly client?: boolean }, ports: CliPorts): Promise<number> {
  const format = parseFormat(flags.output);
  const server = flags.client ? undefined : await serverVersion(ports);
  const answer = { client: ports.version, ...(server && { server }) };
  if (format.kind === "json") ports.stdout.line(JSON.stringify(answer, undefined, 2));
  else if (format.kind === "yaml") ports.stdout.line(await yaml(answer));
  else {
    ports.stdout.line(`client  ${ports.version}`);
    if (server) ports.stdout.line(`node    ${server.version}  (${server.node}${server.store === "" ? "" : `, etcd ${server.store}`})`);
    if (server && server.version !== ports.version)
      ports.stderr.line(
        `${ports.stderr.marks.warn} this program and the node differ in version: restart the node with this program: sudo fossora up`,
      );
    if (!flags.client && !server) ports.stderr.line("node    not reached; to start it: sudo fossora up");
  }
  return EXIT.ok;
}

/** A program without a node has a version too. */
async function serverVersion(ports: CliPorts): Promise<VersionAnswer | undefined> {
  try {
    return await ports.client.json<VersionAnswer>("GET", "/api/v1/version", { timeoutMs: 2_000 });
  } catch (error) {
    if (error instanceof Failure && error.code === EXIT.unreachable) return undefined;
    throw error;
  }
}
