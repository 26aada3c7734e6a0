// Where the node answers: told by the environment, else the system's socket, else the user's own.
import { existsSync } from "node:fs";
import { homedir, tmpdir } from "node:os";

type Env = Readonly<Record<string, string | undefined>>;

export const SYSTEM_SOCKET = "/run/fossora/fossora.sock";

/** In the order in which they are tried. */
export function socketCandidates(env: Env, uid: number): readonly string[] {
  if (env["FOSSORA_SOCKET"]) return [env["FOSSORA_SOCKET"]];
  const runtime = env["XDG_RUNTIME_DIR"];
  return [SYSTEM_SOCKET, ...(runtime ? [`${runtime}/fossora/fossora.sock`] : []), `${tmpdir()}/fossora-${uid}/fossora.sock`];
}

/** The first that is there; the system's where none is, for the message. */
export function findSocket(env: Env, uid: number = process.getuid?.() ?? 0): string {
  const candidates = socketCandidates(env, uid);
  return candidates.find((candidate) => existsSync(candidate)) ?? candidates[0] ?? SYSTEM_SOCKET;
}

export function cacheDir(env: Env): string {
  return `${env["XDG_CACHE_HOME"] ?? `${homedir()}/.cache`}/fossora`;
}
