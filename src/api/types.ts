// Generated from schemas/*.json by schemas/generate.ts: the stored form of each kind's spec. Do not edit.

/** A duration such as `500ms`, `30s`, `5m`, `1h30m`, `7d`. */
export type Duration = string;
/** A size such as `512Mi`, `2Gi`, `100M`, or a plain number of bytes. */
export type Size = string;

export interface ServiceSpec {
  /** At least one. A one-container Service written without `containers` is stored with one that has the Service's name. */
  readonly containers: readonly Container[];
  /** The app's HTTP port. */
  readonly port?: { readonly container: string; readonly port: number };
  /** Replaces the Route derived from `port`; an empty list hides the app. */
  readonly routes?: readonly ServiceRoute[];
  readonly listen?: readonly Listen[];
  readonly replicas: number | "all";
  readonly placement?: Placement;
  readonly update: Update;
  readonly failover: "never" | { readonly after: Duration };
}

export interface Container {
  readonly name: string;
  readonly image: string;
  readonly pull: "missing" | "always" | "never";
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly env?: Readonly<Record<string, string | { readonly secret: string }>>;
  readonly files?: readonly FileEntry[];
  readonly volumes?: readonly VolumeMount[];
  readonly tmpfs?: readonly { readonly path: string; readonly size?: Size; readonly mode?: string }[];
  readonly devices?: readonly DeviceRequest[];
  /** Absent: the image's HEALTHCHECK, else TCP on `port`, else none. */
  readonly health?: Health;
  readonly after?: readonly string[];
  readonly run: "always" | "once";
  readonly aliases?: readonly string[];
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly privileged: boolean;
  readonly securityOpt?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly shmSize?: Size;
  readonly init: boolean;
  readonly tty: boolean;
  readonly readOnly: boolean;
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly groupAdd?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly logging?: { readonly driver: string; readonly options?: Readonly<Record<string, string>> };
  readonly stopGrace: Duration;
  readonly stopSignal?: string;
  readonly restart: "on-failure" | "no";
  readonly resources?: { readonly cpus?: number; readonly memory?: Size };
  /** `default`, `host` or `container:NAME`. */
  readonly network: string;
  readonly pid?: "host";
  readonly ipc?: "host" | "private" | "shareable";
  readonly runtime?: string;
  readonly platform?: string;
  readonly macAddress?: string;
  /** Handed to Docker's create call as it is, merged over what Fossora makes. */
  readonly engine?: Readonly<Record<string, unknown>>;
}

export interface FileEntry {
  readonly path: string;
  readonly content?: string;
  readonly secret?: string;
  /** A path on the computer of the person who applies: read by the CLI and stored as `content`. */
  readonly source?: string;
  readonly mode: string;
  readonly owner?: string;
}

export type VolumeMount =
  | { readonly type: "volume"; readonly name: string; readonly path: string; readonly readOnly: boolean }
  | { readonly type: "shared"; readonly name: string; readonly path: string; readonly readOnly: boolean }
  | { readonly type: "host"; readonly source: string; readonly path: string; readonly readOnly: boolean }
  | { readonly type: "node"; readonly node: string; readonly source: string; readonly path: string; readonly readOnly: boolean };

export interface DeviceRequest {
  /** A class that a node advertises, or a plain path. */
  readonly class: string;
  /** Path inside the container; absent: as on the host. */
  readonly path?: string;
}

export interface HealthTiming {
  readonly interval: Duration;
  readonly timeout: Duration;
  readonly retries: number;
  readonly startGrace: Duration;
}

export type Health =
  | "none"
  | (HealthTiming & { readonly http: string; readonly port?: number; readonly status: string })
  | (HealthTiming & { readonly tcp: number })
  | (HealthTiming & { readonly command: readonly string[] });

export interface Listen {
  /** First port, outside. */
  readonly port: number;
  /** Last port of a range; absent: one port. */
  readonly endPort?: number;
  readonly protocol: "tcp" | "udp";
  /** Node address to listen on; absent: all. */
  readonly address?: string;
  readonly container: string;
  /** First port inside. */
  readonly targetPort: number;
  readonly allow?: readonly string[];
  readonly proxyProtocol?: "v1" | "v2";
  readonly idleTimeout?: Duration;
}

export interface Placement {
  readonly require?: Requirements;
  readonly prefer?: Requirements;
  readonly spread: "node" | "none";
}

export interface Requirements {
  readonly arch?: readonly string[];
  readonly nodes?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Update {
  /** Absent: `stop-first` for what cannot run twice, else `start-first`. */
  readonly order?: "start-first" | "stop-first";
  readonly parallel: number;
  readonly monitor: Duration;
  readonly onFailure: "rollback" | "pause" | "continue";
  readonly maxUnavailable?: number;
}

/** What a route may say beside where it leads. */
export interface RouteOptions {
  readonly https?: "off" | "on" | "required";
  readonly allow?: readonly string[];
  readonly basicAuth?: readonly { readonly user: string; readonly hash: string }[];
  readonly forwardAuth?: { readonly url: string; readonly headers?: readonly string[] };
  readonly headers?: { readonly request?: Readonly<Record<string, string>>; readonly response?: Readonly<Record<string, string>> };
  readonly maxBody?: Size;
  readonly redirect?: { readonly to: string; readonly status: number };
  readonly sticky?: boolean;
  readonly backendTls?: "verify" | "insecure";
  readonly timeouts?: { readonly response?: Duration };
  readonly hold?: Duration;
  readonly forwardedHeaders?: "none" | "standard";
}

export interface ServiceRoute extends RouteOptions {
  readonly host: string;
  readonly path: string;
  readonly port: { readonly container: string; readonly port: number };
}

/** Either `host` (HTTP) or `listen` (TCP, UDP, or TLS passed through by SNI with both). */
export interface RouteSpec extends RouteOptions {
  readonly host?: string;
  readonly path: string;
  readonly listen?: { readonly port: number; readonly endPort?: number; readonly protocol: "tcp" | "udp"; readonly address?: string };
  readonly tls?: "passthrough";
  readonly to:
    | { readonly service: string; readonly container?: string; readonly port?: number }
    | { readonly url: string };
  readonly proxyProtocol?: "v1" | "v2";
  readonly idleTimeout?: Duration;
}

export interface DnsRecordSpec {
  /** Single label or relative name below the zone, or a full name with a trailing dot; `*` as its first label is a wildcard. */
  readonly name: string;
  readonly type: "A" | "AAAA" | "CNAME" | "TXT" | "SRV" | "MX" | "PTR";
  /** Absent on records derived from Routes: the house's own addresses. */
  readonly values?: readonly string[];
  readonly ttl: Duration;
}

export interface MembershipSpec {
  readonly role: "auto" | "voter" | "standby" | "worker";
  readonly schedulable: boolean;
  readonly hostPaths?: readonly string[];
  /** Names for devices of this machine: `zigbee: /dev/serial/by-id/...`. */
  readonly devices?: Readonly<Record<string, string>>;
}

export interface HouseSpec {
  readonly zone: string;
  readonly joining: "auto" | "approve" | "off";
  readonly resolver?: {
    readonly serve: readonly ("lan" | "tailnet")[];
    readonly upstream: "host" | readonly string[];
    readonly fallback?: "host";
  };
}
