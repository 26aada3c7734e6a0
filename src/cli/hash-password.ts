// `hash-password`: what `basicAuth` of a route takes, from a password that is typed unseen or piped in. Asks no node.
import { randomBytes, scryptSync } from "node:crypto";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { HASH_BYTES, passwordHash, SALT_BYTES, SCRYPT } from "../api/password.ts";
import { EXIT, Failure } from "./failure.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const hashPassword: Verb = {
  define(command, invoke) {
    command
      .addHelpText(
        "before",
        "Examples:\n  fossora hash-password\n  printf %s \"$PASSWORD\" | fossora hash-password\n\nInto a Route:\n  basicAuth: [{ user: anna, hash: 'scrypt:...' }]\nInto a Service:\n  routes: [{ basicAuth: [{ user: anna, hash: 'scrypt:...' }] }]\n",
      )
      .action(() => invoke(runHashPassword));
  },
};

async function runHashPassword(ports: CliPorts): Promise<number> {
  if (ports.stdin.isTty && !ports.mayAsk)
    throw new Failure(
      EXIT.usage,
      "Cannot hash: nothing is piped in, and --no-input lets nobody be asked.",
      'printf %s "$PASSWORD" | fossora hash-password',
    );
  const password = ports.mayAsk ? await typed(ports) : (await ports.stdin.readAll(ports.interrupted)).replace(/\r?\n$/, "");
  if (ports.interrupted.aborted) return EXIT.interrupted;
  if (password === "") throw new Failure(EXIT.usage, "Cannot hash: the password is empty.", "fossora hash-password");
  const salt = randomBytes(SALT_BYTES);
  const hash = scryptSync(password, salt, HASH_BYTES, SCRYPT);
  ports.stdout.line(passwordHash(salt.toString("base64"), hash.toString("base64")));
  return EXIT.ok;
}

async function typed(ports: CliPorts): Promise<string> {
  const [first, second] = await askUnseen(["Password: ", "Again: "], ports);
  if (first !== second && !ports.interrupted.aborted)
    throw new Failure(EXIT.usage, "Cannot hash: the two are not the same.", "fossora hash-password");
  return first ?? "";
}

/** One answer a prompt, of which nothing is shown; fewer where the input ends or Ctrl-C is typed. */
async function askUnseen(prompts: readonly string[], { stdin, stderr, interrupted }: CliPorts): Promise<readonly string[]> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  // One reader for all: it takes more than a line at a time from what was pasted.
  const lines = createInterface({ input: stdin.stream, output: unseen, terminal: true });
  const stop = (): void => lines.close();
  lines.once("SIGINT", () => process.kill(process.pid, "SIGINT"));
  interrupted.addEventListener("abort", stop, { once: true });
  const answers: string[] = [];
  try {
    stderr.write(prompts[0] ?? "");
    for await (const line of lines) {
      answers.push(line);
      stderr.line("");
      if (answers.length === prompts.length) break;
      stderr.write(prompts[answers.length] ?? "");
    }
    return answers;
  } finally {
    interrupted.removeEventListener("abort", stop);
    lines.close();
  }
}
