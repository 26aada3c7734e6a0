// From Docker's inspect answers to the port's own words. Pure.
import type { ContainerInspectInfo, ImageInspectInfo } from "dockerode";
import { isOwnContainer, LABEL } from "../../api/labels.ts";
import type { Container, EngineInfo, ImageInfo, NetworkSpec } from "../../container-ports.ts";

/** Docker's way to say never. */
const zeroTime = "0001-01-01T00:00:00Z";
/** What Docker calls a volume that nobody gave a name. */
const anonymous = /^[0-9a-f]{64}$/;
const healthDetailMax = 500;
const iccOption = "com.docker.network.bridge.enable_icc";

export function containerView({
  Id,
  Name,
  Config,
  State,
  RestartCount,
  Image,
  HostConfig,
  Mounts,
  NetworkSettings,
}: ContainerInspectInfo): Container {
  const labels = Config.Labels;
  const { StopTimeout: stopTimeoutS } = Config as { readonly StopTimeout?: number }; // not in its type
  const detail = State.Health?.Log?.at(-1)?.Output.trim().slice(-healthDetailMax);
  const address = Object.values(NetworkSettings.Networks)
    .map(fixedAddress)
    .find((each) => each !== undefined);
  const unheld = unheldFolders(Mounts, HostConfig);
  return {
    id: Id,
    name: nameOf({ Name }),
    service: labels[LABEL.name] ?? "",
    instance: labels[LABEL.instance] ?? "",
    container: labels[LABEL.container] ?? "",
    specHash: labels[LABEL.specHash] ?? "",
    state: State.Status as Container["state"], // Docker's own seven words
    health: health(State),
    ...(detail && State.Health?.Status !== "healthy" && { healthDetail: detail }),
    exitCode: State.ExitCode,
    outOfMemory: State.OOMKilled,
    restarts: RestartCount,
    ...(State.StartedAt !== zeroTime && { startedAt: State.StartedAt }),
    ...(State.FinishedAt !== zeroTime && { finishedAt: State.FinishedAt }),
    imageId: Image,
    restartPolicy: HostConfig.RestartPolicy?.Name || "no",
    ...(stopTimeoutS !== undefined && { stopGraceMs: stopTimeoutS * 1000 }),
    ...(address !== undefined && { address }),
    published: publishedPorts(NetworkSettings.Ports),
    ...(unheld.length > 0 && { unheld }),
    ...(State.Error && { error: State.Error }),
  };
}

/** How Docker holds a container, for what is done to a machine rather than to a Service. */
export interface ContainerProcess {
  readonly id: string;
  readonly name: string;
  /** 0: it does not run. */
  readonly pid: number;
  readonly restartPolicy: string;
  /** What the manifest says of restarts; absent: it was made by a release that did not write it down. */
  readonly wantedRestart?: string;
  /** Of its bridge; empty without one. */
  readonly gateway: string;
}

export function processView({ Id, Name, Config, State, HostConfig, NetworkSettings }: ContainerInspectInfo): ContainerProcess {
  const wantedRestart = Config.Labels[LABEL.restart];
  return {
    id: Id,
    name: nameOf({ Name }),
    pid: State.Pid,
    restartPolicy: HostConfig.RestartPolicy?.Name || "no",
    ...(wantedRestart !== undefined && { wantedRestart }),
    gateway: Object.values(NetworkSettings.Networks)[0]?.Gateway ?? "",
  };
}

function nameOf({ Name }: Pick<ContainerInspectInfo, "Name">): string {
  return Name.replace(/^\//, "");
}

/** Of those that Docker finds by our labels. */
export function isOwn({ Name, Config }: Pick<ContainerInspectInfo, "Name" | "Config">): boolean {
  return isOwnContainer(nameOf({ Name }), Config.Labels);
}

/** On networks where it has an address of its own. */
export function endpointsOf({
  Name,
  NetworkSettings,
}: ContainerInspectInfo): readonly { readonly network: string; readonly container: string }[] {
  const networks = Object.entries(NetworkSettings.Networks).filter(([, network]) => fixedAddress(network) !== undefined);
  return networks.map(([network]) => ({ network, container: nameOf({ Name }) }));
}

/** The anonymous volumes of a container that ever ran: what its image asked to be kept, and nobody named. */
export function volumesToKeep({ State, Mounts }: Pick<ContainerInspectInfo, "State" | "Mounts">): readonly string[] {
  if (State.StartedAt === zeroTime) return [];
  return Mounts.flatMap(({ Type, Name }) => (Type === "volume" && Name !== undefined && anonymous.test(Name) ? [Name] : []));
}

function fixedAddress({ IPAMConfig }: ContainerInspectInfo["NetworkSettings"]["Networks"][string]): string | undefined {
  return (IPAMConfig as { readonly IPv4Address?: string } | null | undefined)?.IPv4Address; // typed `any`
}

/** Docker tells of a volume also where a `tmpfs` lies over it. */
function unheldFolders(mounts: ContainerInspectInfo["Mounts"], { Tmpfs }: ContainerInspectInfo["HostConfig"]): readonly string[] {
  const inMemory = new Set(Object.keys((Tmpfs as Readonly<Record<string, string>> | null | undefined) ?? {})); // typed `any`
  const alone = mounts.filter(
    ({ Type, Name, Destination }) => Type === "volume" && anonymous.test(Name ?? "") && !inMemory.has(Destination),
  );
  return alone.map(({ Destination }) => Destination).sort();
}

/** What does not run is not healthy, whatever its last check said. */
function health({ Running, Health }: ContainerInspectInfo["State"]): Container["health"] {
  if (!Health || Health.Status === "none") return "none";
  return Running ? (Health.Status as Container["health"]) : "starting"; // Docker's words are the port's
}

function publishedPorts(ports: ContainerInspectInfo["NetworkSettings"]["Ports"] | null): Container["published"] {
  const published: Record<string, number> = {};
  for (const [key, bindings] of Object.entries(ports ?? {})) {
    const hostPort = bindings?.[0]?.HostPort; // null for a port that is exposed only
    if (hostPort !== undefined) published[key] = Number(hostPort);
  }
  return published;
}

export function imageView({ Id, RepoDigests, RepoTags, Architecture, Config, Size }: ImageInspectInfo): ImageInfo {
  const test = (Config as { readonly Healthcheck?: { readonly Test?: readonly string[] } }).Healthcheck?.Test; // missing in the types
  return {
    id: Id,
    digests: RepoDigests ?? [],
    tags: RepoTags ?? [],
    arch: Architecture,
    hasHealthcheck: test !== undefined && test.length > 0 && test[0] !== "NONE",
    exposedTcpPorts: Object.keys(Config.ExposedPorts ?? {})
      .filter((port) => port.endsWith("/tcp"))
      .map((port) => Number.parseInt(port, 10)),
    bytes: Size,
  };
}

/** The fields of `/info` that are read; dockerode leaves it untyped. */
export interface InfoAnswer {
  readonly ServerVersion: string;
  readonly Architecture: string;
  readonly OperatingSystem: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly SecurityOptions?: readonly string[];
  readonly Runtimes?: Readonly<Record<string, unknown>>;
  readonly DockerRootDir: string;
}

const goArch: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", armv7l: "arm" };

export function infoView(info: InfoAnswer, apiMinor: number, platform: string): EngineInfo {
  const rootless = info.SecurityOptions?.some((option) => option.includes("name=rootless")) ?? false;
  return {
    version: info.ServerVersion,
    apiVersion: `1.${apiMinor}`,
    arch: goArch[info.Architecture] ?? info.Architecture,
    os: info.OperatingSystem,
    cpus: info.NCPU,
    memoryBytes: info.MemTotal,
    remoteNetwork: rootless || platform !== "linux" || info.OperatingSystem.includes("Docker Desktop"),
    runtimes: Object.keys(info.Runtimes ?? {}),
    dataDir: info.DockerRootDir,
  };
}

/** The fields that a listed and an inspected network share. */
export interface NetworkAnswer {
  readonly Name: string;
  readonly IPAM?: { readonly Config?: readonly Readonly<Record<string, string>>[] | null | undefined } | undefined;
  readonly Options?: Readonly<Record<string, string>> | null | undefined;
  readonly Labels?: Readonly<Record<string, string>> | null | undefined;
}

export function networkView({ Name, IPAM, Options, Labels }: NetworkAnswer): NetworkSpec {
  const { Subnet = "", Gateway = "" } = IPAM?.Config?.[0] ?? {};
  return { name: Name, subnet: Subnet, gateway: Gateway, icc: Options?.[iccOption] !== "false", labels: Labels ?? {} };
}

/** Docker's options of a bridge. The kernel takes 15 characters for the name of one: `bridge`. */
export function networkOptions(icc: boolean, bridge: string): Record<string, string> {
  return { [iccOption]: String(icc), "com.docker.network.bridge.name": bridge };
}
