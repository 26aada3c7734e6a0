// http-proxy without its wrapper, in a process of its own, and what shows that a rule is broken there.
import { AssertionError } from "node:assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { InVain } from "../support/until.ts";

export interface BareProxy extends Disposable {
  readonly port: number;
}

/** `requestTimeoutMs` in place of Node's five minutes. */
export async function startBareProxy(
  appPort: number,
  { requestTimeoutMs }: { readonly requestTimeoutMs?: number } = {},
): Promise<BareProxy> {
  const args = [path.join(import.meta.dirname, "ingress-bare-proxy.ts"), String(appPort), "fresh", String(requestTimeoutMs ?? "")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(String(line)), [Symbol.dispose]: () => void child.kill("SIGKILL") };
}

const CONNECTION_ERRORS = /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|HPE_[A-Z_]+)$/;

/** Something else was answered, nothing came, or the connection broke: anything else is a mistake of the test. */
export function isBreach(error: unknown): boolean {
  if (error instanceof AssertionError || error instanceof InVain) return true;
  return error instanceof Error && "code" in error && CONNECTION_ERRORS.test(String(error.code));
}
