// The flags that `agent`, `up`, `down`, `uninstall` and `supervise` share: where the node keeps its things and what it listens on.
import { Command, InvalidArgumentError, Option } from "commander";
import type { NodeOptions, Terminal } from "./node-commands.ts";
import type { CliPorts } from "./verb.ts";

interface NodeFlags {
  readonly dataDir?: string;
  readonly runDir?: string;
  readonly dockerSocket?: string;
  readonly nodeName?: string;
  readonly listen?: string;
  readonly dnsPort?: number;
  readonly meshPort?: number;
  readonly mdns?: NonNullable<NodeOptions["mdns"]>;
  readonly tailnetTag?: string;
  readonly etcd?: string;
  readonly logLevel?: NonNullable<NodeOptions["logLevel"]>;
  readonly accessLog?: string;
  readonly witness?: boolean;
}

const PORT_MAX = 65_535;

/** Where a node is found again: enough to stop and to remove it. */
export function addPlaceFlags(command: Command): Command {
  return command
    .option(
      "--data-dir <path>",
      "what the node keeps; default that of the node here, else /var/lib/fossora, or ~/.local/share/fossora without root",
    )
    .option("--run-dir <path>", "sockets and pid files; default /run/fossora; without root $XDG_RUNTIME_DIR/fossora, or /tmp/fossora-UID");
}

export function addNodeFlags(command: Command): Command {
  return addPlaceFlags(command)
    .option("--docker-socket <path>", "default /var/run/docker.sock, or $DOCKER_HOST")
    .option("--node-name <name>", "default the host name's first label")
    .option("--listen <[address:]port>", "for names over HTTP; default 80, or the next free one")
    .addOption(new Option("--dns-port <port>", "for DNS; default 53, or the next free one").argParser(parsePort))
    .addOption(new Option("--mesh-port <port>", "where other computers of the house reach this one; default 733").argParser(parsePort))
    .addOption(new Option("--mdns <on|off>", "announce apps as NAME.local on the LAN; default on").choices(["on", "off"]))
    .option("--tailnet-tag <tag>", "trust devices of the tailnet with that tag, such as tag:nas, until the House says which")
    .option("--etcd <path>", "another etcd program than the one inside")
    .addOption(new Option("--log-level <level>", "default info").choices(["debug", "info", "warn", "error"]))
    .option("--witness", "vote in the house and run no apps: a third computer for two; --no-witness ends it")
    .addOption(new Option("--no-witness").hideHelp())
    .option("--access-log <file|off>", "a line of JSON for each request, paths without their query; default off");
}

export function nodeOptions(flags: NodeFlags): NodeOptions {
  const { dataDir, runDir, dockerSocket, nodeName, listen, dnsPort, meshPort, mdns, tailnetTag, etcd, logLevel, accessLog, witness } =
    flags;
  return {
    ...(dataDir !== undefined && { dataDir }),
    ...(runDir !== undefined && { runDir }),
    ...(dockerSocket !== undefined && { dockerSocket }),
    ...(nodeName !== undefined && { nodeName }),
    ...(listen !== undefined && { httpListen: listen }),
    ...(dnsPort !== undefined && { dnsPort }),
    ...(meshPort !== undefined && { meshPort }),
    ...(mdns !== undefined && { mdns }),
    ...(tailnetTag !== undefined && { tailnetTag }),
    ...(etcd !== undefined && { etcd }),
    ...(logLevel !== undefined && { logLevel }),
    ...(accessLog !== undefined && { accessLog }),
    ...(witness !== undefined && { witness }),
  };
}

/** Of the flags above those that were typed, as they are typed: `--mdns off`. */
export function typedNodeFlags(command: Command): readonly string[] {
  const names = new Set(addNodeFlags(new Command()).options.map(({ long }) => long));
  return command.options.flatMap((option) => {
    const name = option.attributeName();
    const value: unknown = command.getOptionValue(name);
    // `--witness` and `--no-witness` are two options of one value.
    if (!names.has(option.long) || command.getOptionValueSource(name) !== "cli" || option.negate !== (value === false)) return [];
    return [typeof value === "boolean" ? `${option.long}` : `${option.long} ${String(value)}`];
  });
}

export function terminalOf({ stdout, stderr, interrupted }: CliPorts): Terminal {
  return {
    out: (line) => stdout.line(line),
    note: (line) => stderr.line(line),
    mark: (kind, text) => `${stdout.marks[kind]} ${text}`,
    interrupted,
  };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > PORT_MAX) throw new InvalidArgumentError(`It should be a port from 1 to ${PORT_MAX}.`);
  return port;
}
