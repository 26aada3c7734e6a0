// One executable, three roles: the CLI, `fossora agent` (and what keeps it), `fossora ingress`. Roles are loaded when they are
// needed: this is what makes `fossora get` quick.
import { versionOfFossora } from "./agent/version.ts";
import { readableStack } from "./source-map.ts";

async function main(words: readonly string[]): Promise<number> {
  if (words[0] === "ingress") {
    const { runIngress } = await import("./ingress/main.ts");
    await runIngress(words.slice(1));
    return 0;
  }
  const { runCli } = await import("./cli/main.ts");
  return runCli(words, {
    node: async () => (await import("./agent/commands.ts")).nodeCommands,
    dns: async () => (await import("./agent/dns-probe.ts")).dnsProbe,
    version: versionOfFossora,
  });
}

const argv = process.argv.slice(2);

main(argv).then(end, (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? readableStack(error.stack ?? error.message) : String(error)}\n`);
  end(1);
});

/** What serves has begun much by the time that it fails, and must not stay as a process that does nothing: nobody would start it again. */
function end(code: number): void {
  process.exitCode = code;
  const serves = ["agent", "supervise", "ingress"].includes(argv[0] ?? "");
  if (serves && code !== 0) process.stderr.write("", () => process.exit()); // once all was said
}
