// What a container's `engine` asks of Docker that Fossora's own rules must know of: data, ports, devices and a network that other instances
// would meet. Docker itself judges the rest, and whatever is not in its words here. Pure.
import type { Container } from "./types.ts";

/** A folder or volume that is mounted past `volumes`. */
export interface EngineMount {
  /** `/srv/db:/data`, as Docker's `Binds` have it. */
  readonly text: string;
  readonly readOnly: boolean;
  /** A path of the machine, or else a volume of Docker's own. */
  readonly isPath: boolean;
}

/** What each machine has of its own and no app keeps anything in: sockets, devices, and files that every Linux has. */
const ofTheMachine =
  /^\/(?:(?:var\/run|run|dev|sys|proc)(?:\/|$)|etc\/(?:localtime|timezone|machine-id|hosts|hostname|resolv\.conf|passwd|group|ssl)(?:\/|$))/;

/** What has no source is the container's alone. */
export function engineMounts({ engine }: Container): readonly EngineMount[] {
  const { Binds: binds, Mounts: mounts } = hostConfig(engine);
  return [...list(binds).flatMap(bindMount), ...list(mounts).flatMap(entryMount)].filter(
    ({ text }) => !ofTheMachine.test(text.split(":")[0] ?? ""),
  );
}

/** Ports of the machine that it wants for itself: `8080`. Docker chooses a free one where none is named. */
export function enginePorts({ engine }: Container): readonly string[] {
  const bindings = Object.values(fields(hostConfig(engine)["PortBindings"])).flatMap(list);
  return bindings.flatMap((binding) => {
    const port = fields(binding)["HostPort"];
    return typeof port === "string" && port !== "" && port !== "0" ? [port] : [];
  });
}

/** Paths of devices on the machine. */
export function engineDevices({ engine }: Container): readonly string[] {
  return list(hostConfig(engine)["Devices"]).flatMap((device) => {
    const path = fields(device)["PathOnHost"];
    return typeof path === "string" ? [path] : [];
  });
}

export function isOnHostNetwork({ network, engine }: Container): boolean {
  return (hostConfig(engine)["NetworkMode"] ?? network) === "host";
}

function bindMount(bind: unknown): readonly EngineMount[] {
  const [source = "", target, options = ""] = String(bind).split(":");
  if (target === undefined) return [];
  return [{ text: `${source}:${target}`, readOnly: options.split(",").includes("ro"), isPath: source.startsWith("/") }];
}

function entryMount(entry: unknown): readonly EngineMount[] {
  const { Type: type, Source: source, Target: target, ReadOnly: readOnly } = fields(entry);
  if ((type !== "bind" && type !== "volume") || typeof source !== "string" || source === "") return [];
  return [{ text: `${source}:${String(target)}`, readOnly: readOnly === true, isPath: type === "bind" }];
}

type Fields = Readonly<Record<string, unknown>>;

function hostConfig(engine: Container["engine"]): Fields {
  return fields(engine?.["HostConfig"]);
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {}; // of whatever a person wrote
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
