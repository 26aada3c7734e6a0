// Which login a pull takes: the `auths` of Docker's own configuration, read at each pull so that a `docker login` counts at once.
import { readFile } from "node:fs/promises";

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
  readonly identitytoken?: string;
}

const dockerHub = "docker.io";

/** `registry.lab:5000/x:1` -> `registry.lab:5000`; what has no dot, port or `localhost` in front is Docker Hub's. */
export function registryOf(reference: string): string {
  const [first = "", second] = reference.split("/");
  return second !== undefined && /[.:]|^localhost$/.test(first) ? first : dockerHub;
}

/** Undefined: none for this registry, or no readable configuration; the pull is tried without. */
export async function registryLogin(reference: string, configFile: string): Promise<RegistryLogin | undefined> {
  const text = await readFile(configFile, "utf8").catch(() => undefined);
  return text === undefined ? undefined : findLogin(registryOf(reference), text);
}

/** Pure. Entries of credential helpers are empty here: Docker keeps those elsewhere. */
export function findLogin(registry: string, configText: string): RegistryLogin | undefined {
  for (const [address, entry] of Object.entries(auths(configText))) {
    if (hostOf(address) !== registry) continue;
    const { auth = "", identitytoken } = entry;
    const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, "base64").toString()) ?? [];
    if (username === undefined || password === undefined) continue;
    return { username, password, serveraddress: address, ...(identitytoken !== undefined && { identitytoken }) };
  }
  return undefined;
}

function auths(text: string): Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>> {
  try {
    return (JSON.parse(text) as { readonly auths?: ReturnType<typeof auths> }).auths ?? {}; // the format of `docker login`
  } catch {
    return {};
  }
}

/** Docker writes `https://index.docker.io/v1/`, `ghcr.io`, `https://registry.lab/v2/`. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return host === "index.docker.io" || host === "registry-1.docker.io" ? dockerHub : host;
}
