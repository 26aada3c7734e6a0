// How programs on this computer find an address: by its own resolver, whatever that is set up to ask.
import { execFile } from "node:child_process";
import dns from "node:dns/promises";

/** resolv.conf's own patience is 10 s a server and more. */
const ANSWER_WITHIN_MS = 5000;
const NOT_FOUND = 2;

/** Addresses of both families; none: there is no such name here. Throws when no answer came in time. */
export async function lookup(name: string): Promise<readonly string[]> {
  // A program of its own can be ended; Node's own lookup would keep this process waiting.
  const printed = await getent(name);
  if (printed !== undefined) return [...new Set(printed.split("\n").flatMap((line) => line.split(/\s+/)[0] || []))];
  try {
    return (await dns.lookup(name, { all: true })).map(({ address }) => address);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTFOUND") return [];
    throw error;
  }
}

/** Undefined: this computer has no such program. */
function getent(name: string): Promise<string | undefined> {
  return new Promise((done, fail) => {
    execFile("getent", ["ahosts", name], { timeout: ANSWER_WITHIN_MS, killSignal: "SIGKILL" }, (error, stdout) => {
      if (error === null) return done(stdout);
      if (error.code === "ENOENT") return done(undefined);
      if (error.code === NOT_FOUND) return done("");
      return fail(new Error(error.killed === true ? `no answer within ${ANSWER_WITHIN_MS} ms` : error.message));
    });
  });
}
