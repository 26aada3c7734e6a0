// One executable, three roles: the CLI, `fossora agent` (and what keeps it), `fossora ingress`. Roles are loaded when they are
// needed: this is what makes `fossora get` quick.
import { versionOfFossora } from "./agent/version.ts";
import { readableStack } from "./source-map.ts";

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === "ingress") {
    const { runIngress } = await import("./ingress/main.ts");
    await runIngress(argv.slice(1));
    return 0;
  }
  const { runCli } = await import("./cli/main.ts");
  return runCli(argv, {
    node: async () => (await import("./agent/commands.ts")).nodeCommands,
    dns: async () => (await import("./agent/dns-probe.ts")).dnsProbe,
    version: versionOfFossora,
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? readableStack(error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  },
);
