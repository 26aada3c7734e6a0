// Which login a pull takes: the `auths` of Docker's own configuration, read at each pull so that a `docker login` counts at once.
import { readFile } from "node:fs/promises";
import { DOCKER_HUB, registryOf } from "../../api/image-registry.ts";

export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
  readonly identitytoken?: string;
}

/** What Docker's configuration says of one registry. */
export interface LoginFound {
  readonly login?: RegistryLogin;
  /** Why there is none, where a helper of Docker's keeps it: a program that is not asked. */
  readonly elsewhere?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

/** Nothing: no login for this registry, or no readable configuration; the pull is tried without. */
export async function registryLogin(reference: string, configFile: string): Promise<LoginFound> {
  const text = await readFile(configFile, "utf8").catch(() => undefined);
  if (text === undefined) return {};
  const login = findLogin(registryOf(reference), text);
  if (login) return { login };
  const helper = helperOf(registryOf(reference), text);
  return helper === undefined ? {} : { elsewhere: `${configFile} leaves its login to ${helper}, which is not asked: remove that there` };
}

/** Pure. Entries of credential helpers are empty here: Docker keeps those elsewhere. */
export function findLogin(registry: string, configText: string): RegistryLogin | undefined {
  for (const [address, entry] of Object.entries(parsed(configText).auths ?? {})) {
    if (hostOf(address) !== registry) continue;
    const { auth = "", identitytoken } = entry;
    const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth, "base64").toString()) ?? [];
    if (username === undefined || password === undefined) continue;
    return { username, password, serveraddress: address, ...(identitytoken !== undefined && { identitytoken }) };
  }
  return undefined;
}

/** Pure. The setting that makes Docker keep this registry's login elsewhere. */
export function helperOf(registry: string, configText: string): string | undefined {
  const { credHelpers = {}, credsStore = "" } = parsed(configText);
  if (Object.keys(credHelpers).some((address) => hostOf(address) === registry)) return "credHelpers";
  return credsStore === "" ? undefined : "credsStore";
}

function parsed(text: string): DockerConfig {
  try {
    return (JSON.parse(text) as DockerConfig | null) ?? {}; // the format of `docker login`
  } catch {
    return {};
  }
}

/** Docker writes `https://index.docker.io/v1/`, `ghcr.io`, `https://registry.lab/v2/`. */
function hostOf(address: string): string {
  const host = address.replace(/^https?:\/\//, "").split("/")[0] ?? "";
  return host === "index.docker.io" || host === "registry-1.docker.io" ? DOCKER_HUB : host;
}
