// Generated from schemas/*.json by schemas/generate.ts: the stored form of each kind's spec. Do not edit.

/** A duration such as `500ms`, `30s`, `5m`, `1h30m`, `7d`; `24d` at most. */
export type Duration = string;

/** A size such as `512Mi`, `2Gi`, `100M`, or a plain number of bytes. `m` and `g` mean Mi and Gi, as in compose. */
export type Size = string;

/** What a route may say beside where it leads. */
export interface RouteOptions {
  /** `off`: plain HTTP only, as without this field. */
  readonly https?: "off";
  /** Who may come in: `lan`, `tailnet`, `apps` (the house's own containers), addresses and networks. Absent: everybody who reaches the node. */
  readonly allow?: readonly string[];
  /** Ask for a user name and password before anything reaches the app. */
  readonly basicAuth?: readonly ({
    /** The user's name. */
    readonly user: string;
    /** The password's hash, as `fossora hash-password` prints it. */
    readonly hash: string;
  })[];
  /** Ask another service about each request first: an answer of 2xx lets it pass. It is told `X-Forwarded-Proto: http`: one that insists on HTTPS, as Authelia does, lets nobody in. */
  readonly forwardAuth?: {
    /** Where to ask. */
    readonly url: string;
    /** Headers of its answer that are handed on to the app. */
    readonly headers?: readonly string[];
  };
  /** Headers to set, on the way in and on the way out. */
  readonly headers?: {
    /** Set on requests before the app sees them. */
    readonly request?: Readonly<Record<string, string>>;
    /** Set on answers before the browser sees them. */
    readonly response?: Readonly<Record<string, string>>;
  };
  /** Refuse larger uploads. Absent: no limit. */
  readonly maxBody?: Size;
  /** Answer with a redirect in place of the app. */
  readonly redirect?: {
    /** Where the browser is sent; path and query are kept where it ends with `/`. */
    readonly to: string;
    /** The status of the answer. */
    readonly status: 301 | 302 | 307 | 308;
  };
  /** Keep each browser at the same instance. */
  readonly sticky?: boolean;
  /** Speak TLS to the app: `verify` checks its certificate, `insecure` does not. Absent: as the address in `to` says, with its certificate checked. */
  readonly backendTls?: "verify" | "insecure";
  /** Limits on how long the app may take. */
  readonly timeouts?: {
    /** Until the first byte of the answer. Absent: no limit. */
    readonly response?: Duration;
  };
  /** How long a request waits while no instance is ready. Absent: 10s. */
  readonly hold?: Duration;
  /** `none`: send no X-Forwarded headers, for apps that refuse them from an unknown proxy. Absent: `standard`. */
  readonly forwardedHeaders?: "none" | "standard";
}

/** What should run. */
export interface ServiceSpec {
  /** The containers, on one node and one private network of 13 addresses, found by name. An app of one container may be written without: its fields then stand directly in `spec`. */
  readonly containers: readonly Container[];
  /** The app's HTTP port: it is reached as http://NAME.<zone>. */
  readonly port?: ContainerPort;
  /** Replaces the Route that follows from `port`; an empty list hides the app. */
  readonly routes?: readonly ServiceRoute[];
  /** Ports that are not HTTP: `[ADDRESS:]PORT[:[CONTAINER:]PORT][/tcp|udp]`. They answer on every node. */
  readonly listen?: readonly Listen[];
  /** How many instances run, or `all`: one on each node that fits. Several run also where they write into one folder: `apply` warns of that. */
  readonly replicas: number | "all";
  /** Where it may run. Absent: on any node that has what it needs. */
  readonly placement?: Placement;
  /** How a change is brought out. */
  readonly update: Update;
  /** When a node is lost: how long to wait before the app starts elsewhere, or `never`. An app whose data is on that node stays there in any case. One that must not run twice (it writes to a `host:` path, has a device or the host's network) waits besides until its node has surely ended it, about half a minute, and moves only in a house of three or more voters; its node kills it when it loses contact with them, which `never` prevents. */
  readonly failover: "never" | {
    /** Time from the loss of the node to the start elsewhere. */
    readonly after: Duration;
  };
  /** Services that come first: after a boot, a failover or its creation this one is started when each of them is ready on some node. What runs is never stopped for it, and nobody waits for ever: it starts without one that is not ready 2 minutes after it could have started, that fails, that is stopped, or that does not exist. */
  readonly after?: readonly string[];
}

/** One container: what compose calls a service, in camelCase. */
export interface Container {
  /** Its name, under which the Service's other containers find it. */
  readonly name: string;
  /** The image to run, with its tag: without one it is `latest`, which changes under you. */
  readonly image: string;
  /** When to ask the registry: `missing` only when this node lacks the image, `always` at each start, `never`. */
  readonly pull: "missing" | "always" | "never";
  /** The command, in place of the image's. */
  readonly command?: readonly string[];
  /** The entry point, in place of the image's. */
  readonly entrypoint?: readonly string[];
  /** The folder that the command starts in. */
  readonly workingDir?: string;
  /** User and group to run as: names or numbers. */
  readonly user?: string;
  /** The host name that the container sees itself under. */
  readonly hostname?: string;
  /** Environment variables. `${url} ${host} ${zone} ${node} ${proxies}` are filled in; `$$` is a dollar. This release keeps no secrets: an app that names one (`{ secret: NAME/KEY }`) waits. */
  readonly env?: Readonly<Record<string, string | SecretRef>>;
  /** Files that are written into the container before it starts. */
  readonly files?: readonly FileEntry[];
  /** Folders that outlive the container, as nothing else in it does: `NAME:/in` (a Volume of the app, on the node where it was first placed: the app stays there), `volume/NAME:/in` (one that Services share, on one node likewise), `host:/out:/in` (the same path on any node), `NODE:/out:/in` (one node's folder, so the app stays there); `:ro` at the end for reading only. */
  readonly volumes?: readonly VolumeMount[];
  /** Folders in memory. */
  readonly tmpfs?: readonly ({
    /** Where the container sees it. */
    readonly path: string;
    /** The most it may hold. Absent: half of the machine's memory. */
    readonly size?: Size;
    /** File permissions in octal, in quotes: YAML reads an unquoted 0644 as the number 644. */
    readonly mode?: string;
  })[];
  /** Devices: a class that a node advertises (`gpu`, `gpu/nvidia`, `zigbee`), or a path that every machine has (`/dev/net/tun`). */
  readonly devices?: readonly DeviceRequest[];
  /** How to tell that it works. Absent: the image's own check, else a TCP connection to `port`, else that it runs. */
  readonly health?: Health;
  /** Containers of this Service that come first: healthy ones if they have a check, started ones if not, ended ones with `run: once`. */
  readonly after?: readonly string[];
  /** `once`: it must end with 0 before those that name it in `after` start. */
  readonly run: "always" | "once";
  /** Further names under which the Service's other containers find it. */
  readonly aliases?: readonly string[];
  /** Kernel capabilities to add. */
  readonly capAdd?: readonly string[];
  /** Kernel capabilities to take away. */
  readonly capDrop?: readonly string[];
  /** All capabilities and all devices: root on that machine. */
  readonly privileged: boolean;
  /** Docker's security options. */
  readonly securityOpt?: readonly string[];
  /** Kernel parameters of the container. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Limits on resources, by name. */
  readonly ulimits?: Readonly<Record<string, {
    /** The limit that holds. */
    readonly soft: number;
    /** How far the process may raise it. */
    readonly hard: number;
  }>>;
  /** Size of /dev/shm. Absent: 64Mi. */
  readonly shmSize?: Size;
  /** Run a tiny init as first process, which reaps zombies and hands signals on. */
  readonly init: boolean;
  /** Give the command a terminal. */
  readonly tty: boolean;
  /** The container's own files cannot be changed; volumes and tmpfs can. Not together with `files`. */
  readonly readOnly: boolean;
  /** Further names and their addresses, for /etc/hosts. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  /** Further groups of the process: names or numbers. */
  readonly groupAdd?: readonly string[];
  /** Labels for the Docker container, for other tools that read them. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Where the output goes. Absent: Docker's `local` driver with 3 files of 10 MB. */
  readonly logging?: {
    /** Docker's name of the driver. */
    readonly driver: string;
    /** The driver's options. */
    readonly options?: Readonly<Record<string, string>>;
  };
  /** Time to end by itself before it is killed. */
  readonly stopGrace: Duration;
  /** The signal that asks it to end. Absent: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** `on-failure`: started again when it fails; `no`: left as it ended. */
  readonly restart: "on-failure" | "no";
  /** Limits, which placement also reserves. */
  readonly resources?: {
    /** Cores it may use at most. Absent: all. */
    readonly cpus?: number;
    /** Memory it may use at most. Absent: all. A Service of which no container names it has 128Mi reserved. */
    readonly memory?: Size;
  };
  /** `default`; `host`: the machine's own network; `container:NAME`: the network of another container of this Service, a VPN for example. */
  readonly network: string;
  /** `host`: it sees the machine's processes. Absent: its own only. */
  readonly pid?: "host";
  /** Whose shared memory it sees. Absent: Docker's choice. */
  readonly ipc?: "host" | "private" | "shareable";
  /** Docker's runtime. Absent: Docker's choice. */
  readonly runtime?: string;
  /** Which variant of the image; one that is there for another processor is pulled anew. Absent: the node's own. */
  readonly platform?: string;
  /** A fixed MAC address. */
  readonly macAddress?: string;
  /** Handed to Docker's create call as it is, for what has no field here; in the words of Docker's HTTP API. It adds to Env and to HostConfig's Mounts, Devices, DeviceRequests, Ulimits, ExtraHosts, CapAdd, CapDrop, GroupAdd and SecurityOpt; other lists it replaces. An app with data that it mounts here stays on its node when that is lost: prefer `volumes`. */
  readonly engine?: Readonly<Record<string, unknown>>;
}

/** A port of one of the Service's containers. */
export interface ContainerPort {
  /** The container; may be left out where there is one. */
  readonly container: string;
  /** The port that it listens on. */
  readonly port: number;
}

/** A secret's value. This release keeps no secrets: a Service that names one waits. */
export interface SecretRef {
  /** `name/key` of a secret. */
  readonly secret: string;
}

/** One file; its text is `content`, a `secret`, or the `source` file beside the manifest. */
export interface FileEntry {
  /** Where it is written. */
  readonly path: string;
  /** Its text; `${...}` is filled in as in `env`. */
  readonly content?: string;
  /** A secret whose value is its text. This release keeps no secrets: an app that names one waits. */
  readonly secret?: string;
  /** A file on the computer of the person who applies, beside the manifest: the CLI reads it and sends its text as `content`. */
  readonly source?: string;
  /** Its permissions in octal, in quotes: YAML reads an unquoted 0644 as the number 644. */
  readonly mode: string;
  /** Its owner and group, as numbers. Absent: root. */
  readonly owner?: string;
}

/** One folder that outlives the container. */
export type VolumeMount =
  | {
    /** What is mounted. */
    readonly type: "volume";
    /** Its name; the Volume is called after the Service and this. */
    readonly name: string;
    /** Where the container sees it. */
    readonly path: string;
    /** The container may only read it. */
    readonly readOnly: boolean;
  }
  | {
    /** What is mounted. */
    readonly type: "shared";
    /** The Volume's name. */
    readonly name: string;
    /** Where the container sees it. */
    readonly path: string;
    /** The container may only read it. */
    readonly readOnly: boolean;
  }
  | {
    /** What is mounted. */
    readonly type: "host";
    /** The path on the node; it must exist. */
    readonly source: string;
    /** Where the container sees it. */
    readonly path: string;
    /** The container may only read it. */
    readonly readOnly: boolean;
  }
  | {
    /** What is mounted. */
    readonly type: "node";
    /** The node. */
    readonly node: string;
    /** The path on that node; it must exist. */
    readonly source: string;
    /** Where the container sees it. */
    readonly path: string;
    /** The container may only read it. */
    readonly readOnly: boolean;
  };

/** A device. */
export interface DeviceRequest {
  /** A class that a node advertises, or a path. */
  readonly class: string;
  /** Its path inside the container. Absent: as on the node. */
  readonly path?: string;
}

/** When a health check runs and when it has failed. */
export interface HealthTiming {
  /** Time between two checks; `100ms` at least. */
  readonly interval: Duration;
  /** A check that takes longer has failed. */
  readonly timeout: Duration;
  /** So many failures in a row make it unhealthy. */
  readonly retries: number;
  /** Failures in so long after its start do not count. */
  readonly startGrace: Duration;
}

/** How to tell that a container works. */
export type Health =
  | "none"
  | {
    /** The path to ask for, with `Host: localhost`. */
    readonly http: string;
    /** The port to ask on. Absent: the Service's `port`. */
    readonly port?: number;
    /** Which answers are good. */
    readonly status: string;
    /** Time between two checks; `100ms` at least. */
    readonly interval: Duration;
    /** A check that takes longer has failed. */
    readonly timeout: Duration;
    /** So many failures in a row make it unhealthy. */
    readonly retries: number;
    /** Failures in so long after its start do not count. */
    readonly startGrace: Duration;
  }
  | {
    /** The port to connect to. */
    readonly tcp: number;
    /** Time between two checks; `100ms` at least. */
    readonly interval: Duration;
    /** A check that takes longer has failed. */
    readonly timeout: Duration;
    /** So many failures in a row make it unhealthy. */
    readonly retries: number;
    /** Failures in so long after its start do not count. */
    readonly startGrace: Duration;
  }
  | {
    /** The command: a list of words, or a line for its shell. */
    readonly command: readonly string[];
    /** Time between two checks; `100ms` at least. */
    readonly interval: Duration;
    /** A check that takes longer has failed. */
    readonly timeout: Duration;
    /** So many failures in a row make it unhealthy. */
    readonly retries: number;
    /** Failures in so long after its start do not count. */
    readonly startGrace: Duration;
  };

/** A raw port that answers on every node. */
export interface Listen {
  /** The port outside; the first one of a range. */
  readonly port: number;
  /** The last port of a range. */
  readonly endPort?: number;
  /** Its protocol. */
  readonly protocol: "tcp" | "udp";
  /** The node's address to listen on. Absent: all. */
  readonly address?: string;
  /** The container; may be left out where there is one. */
  readonly container: string;
  /** The port inside; the first one of a range. Absent: as outside. */
  readonly targetPort: number;
  /** Who may come in: `lan`, `tailnet`, `apps` (the house's own containers), addresses and networks. Absent: everybody who reaches the node. */
  readonly allow?: readonly string[];
  /** Tell the app the client's address by the PROXY protocol, which it must understand. Absent: the app sees the bridge's gateway. */
  readonly proxyProtocol?: "v1" | "v2";
  /** Close a connection, or forget a UDP client, after so long without a byte. Absent: 1h for TCP, 60s for UDP. */
  readonly idleTimeout?: Duration;
}

/** Where it may run. Absent: on any node that has what it needs. */
export interface Placement {
  /** Only on nodes that have all of this. */
  readonly require?: Requirements;
  /** Rather on nodes that have this. */
  readonly prefer?: Requirements;
  /** `node`: instances go to different nodes while there are enough. */
  readonly spread: "node" | "none";
  /** Two further nodes that could take the app over pull its images beforehand, so that no failover waits for a registry. Absent: true. */
  readonly prepull?: boolean;
}

/** What a node must be. */
export interface Requirements {
  /** One of these processors. */
  readonly arch?: readonly string[];
  /** One of these nodes. */
  readonly nodes?: readonly string[];
  /** All of these labels of its Membership. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** How a change is brought out. */
export interface Update {
  /** `start-first`: the new one is healthy before the old one stops. Absent: `stop-first` for what cannot run twice, else `start-first`. */
  readonly order?: "start-first" | "stop-first";
  /** So many instances at a time. */
  readonly parallel: number;
  /** An instance must stay healthy for so long before the next one is changed. */
  readonly monitor: Duration;
  /** When the new one does not become healthy: `pause` and say why, go back (`rollback`), or `continue`. */
  readonly onFailure: "rollback" | "pause" | "continue";
  /** So many instances may be missing meanwhile. Absent: as `order` says. */
  readonly maxUnavailable?: number;
  /** Nothing of a change is brought out as long as this is true; an instance whose node is lost is replaced all the same. `fossora rollout pause` and `resume` set it. */
  readonly paused?: boolean;
  /** A moment. Instances are made anew when it changes, one after the other as in any update: `fossora rollout restart` sets it. */
  readonly restartedAt?: string;
}

/** One name that leads to this Service. */
export interface ServiceRoute {
  /** The name. Absent: the Service's own. */
  readonly host: string;
  /** Only what is below this path, in capital and small letters as it stands; the longest path wins. */
  readonly path: string;
  /** The port that it leads to. Absent: the Service's `port`. */
  readonly port: ContainerPort;
  /** `off`: plain HTTP only, as without this field. */
  readonly https?: "off";
  /** Who may come in: `lan`, `tailnet`, `apps` (the house's own containers), addresses and networks. Absent: everybody who reaches the node. */
  readonly allow?: readonly string[];
  /** Ask for a user name and password before anything reaches the app. */
  readonly basicAuth?: readonly ({
    /** The user's name. */
    readonly user: string;
    /** The password's hash, as `fossora hash-password` prints it. */
    readonly hash: string;
  })[];
  /** Ask another service about each request first: an answer of 2xx lets it pass. It is told `X-Forwarded-Proto: http`: one that insists on HTTPS, as Authelia does, lets nobody in. */
  readonly forwardAuth?: {
    /** Where to ask. */
    readonly url: string;
    /** Headers of its answer that are handed on to the app. */
    readonly headers?: readonly string[];
  };
  /** Headers to set, on the way in and on the way out. */
  readonly headers?: {
    /** Set on requests before the app sees them. */
    readonly request?: Readonly<Record<string, string>>;
    /** Set on answers before the browser sees them. */
    readonly response?: Readonly<Record<string, string>>;
  };
  /** Refuse larger uploads. Absent: no limit. */
  readonly maxBody?: Size;
  /** Answer with a redirect in place of the app. */
  readonly redirect?: {
    /** Where the browser is sent; path and query are kept where it ends with `/`. */
    readonly to: string;
    /** The status of the answer. */
    readonly status: 301 | 302 | 307 | 308;
  };
  /** Keep each browser at the same instance. */
  readonly sticky?: boolean;
  /** Speak TLS to the app: `verify` checks its certificate, `insecure` does not. Absent: as the address in `to` says, with its certificate checked. */
  readonly backendTls?: "verify" | "insecure";
  /** Limits on how long the app may take. */
  readonly timeouts?: {
    /** Until the first byte of the answer. Absent: no limit. */
    readonly response?: Duration;
  };
  /** How long a request waits while no instance is ready. Absent: 10s. */
  readonly hold?: Duration;
  /** `none`: send no X-Forwarded headers, for apps that refuse them from an unknown proxy. Absent: `standard`. */
  readonly forwardedHeaders?: "none" | "standard";
}

/** Either `host` (HTTP) or `listen` (TCP, UDP); both together with `tls: passthrough`. */
export interface RouteSpec {
  /** A single label (`jellyfin` matches `jellyfin.<zone>`, `jellyfin.local` and bare `jellyfin`) or a full name. */
  readonly host?: string;
  /** Only what is below this path, in capital and small letters as it stands; the longest path wins. */
  readonly path: string;
  /** A raw port that answers on every node: `[ADDRESS:]PORT[-PORT][/tcp|udp]`. */
  readonly listen?: {
    /** The port; the first one of a range. */
    readonly port: number;
    /** The last port of a range. */
    readonly endPort?: number;
    /** Its protocol. */
    readonly protocol: "tcp" | "udp";
    /** The node's address to listen on. Absent: all. */
    readonly address?: string;
  };
  /** `passthrough`: the encrypted stream is handed over as it is, chosen by the name in it, on port 443 or the one in `listen`. */
  readonly tls?: "passthrough";
  /** Where it leads: `service/NAME`, `service/NAME:PORT`, `service/NAME/CONTAINER:PORT`, or an address such as `https://192.168.1.1`. Absent only with `redirect`. */
  readonly to: {
    /** The Service. */
    readonly service: string;
    /** Its container. Absent: the one that its `port` names. */
    readonly container?: string;
    /** The container's port. Absent: the Service's `port`. */
    readonly port?: number;
  } | {
    /** An address outside of the house: http, https, tcp or udp. By HTTP it is asked for its own name, unless `headers` set another `Host`. */
    readonly url: string;
  };
  /** Tell the app the client's address by the PROXY protocol, which it must understand. Absent: the app sees the bridge's gateway. */
  readonly proxyProtocol?: "v1" | "v2";
  /** Close a connection, or forget a UDP client, after so long without a byte. Absent: 1h for TCP, 60s for UDP. */
  readonly idleTimeout?: Duration;
  /** `off`: plain HTTP only, as without this field. */
  readonly https?: "off";
  /** Who may come in: `lan`, `tailnet`, `apps` (the house's own containers), addresses and networks. Absent: everybody who reaches the node. */
  readonly allow?: readonly string[];
  /** Ask for a user name and password before anything reaches the app. */
  readonly basicAuth?: readonly ({
    /** The user's name. */
    readonly user: string;
    /** The password's hash, as `fossora hash-password` prints it. */
    readonly hash: string;
  })[];
  /** Ask another service about each request first: an answer of 2xx lets it pass. It is told `X-Forwarded-Proto: http`: one that insists on HTTPS, as Authelia does, lets nobody in. */
  readonly forwardAuth?: {
    /** Where to ask. */
    readonly url: string;
    /** Headers of its answer that are handed on to the app. */
    readonly headers?: readonly string[];
  };
  /** Headers to set, on the way in and on the way out. */
  readonly headers?: {
    /** Set on requests before the app sees them. */
    readonly request?: Readonly<Record<string, string>>;
    /** Set on answers before the browser sees them. */
    readonly response?: Readonly<Record<string, string>>;
  };
  /** Refuse larger uploads. Absent: no limit. */
  readonly maxBody?: Size;
  /** Answer with a redirect in place of the app. */
  readonly redirect?: {
    /** Where the browser is sent; path and query are kept where it ends with `/`. */
    readonly to: string;
    /** The status of the answer. */
    readonly status: 301 | 302 | 307 | 308;
  };
  /** Keep each browser at the same instance. */
  readonly sticky?: boolean;
  /** Speak TLS to the app: `verify` checks its certificate, `insecure` does not. Absent: as the address in `to` says, with its certificate checked. */
  readonly backendTls?: "verify" | "insecure";
  /** Limits on how long the app may take. */
  readonly timeouts?: {
    /** Until the first byte of the answer. Absent: no limit. */
    readonly response?: Duration;
  };
  /** How long a request waits while no instance is ready. Absent: 10s. */
  readonly hold?: Duration;
  /** `none`: send no X-Forwarded headers, for apps that refuse them from an unknown proxy. Absent: `standard`. */
  readonly forwardedHeaders?: "none" | "standard";
}

/** The record. */
export interface DnsRecordSpec {
  /** A name below the zone, or a full name with a dot at its end; `*` as its first label is a wildcard. Absent: the object's own name. */
  readonly name: string;
  /** The record's type. */
  readonly type: "A" | "AAAA" | "CNAME" | "TXT" | "SRV" | "MX" | "PTR";
  /** The record's data, as zone files write it. Absent: the addresses of the house's nodes. */
  readonly values?: readonly string[];
  /** How long others may keep the answer. */
  readonly ttl: Duration;
}

/** What the node is for. */
export interface MembershipSpec {
  /** Its part in the store: `auto` lets the house choose. */
  readonly role: "auto" | "voter" | "standby" | "worker";
  /** New instances may be placed here; `cordon` sets it to false. */
  readonly schedulable: boolean;
  /** What runs here moves to other computers, as far as it can, and nothing new is placed here; `drain` sets it, and `uncordon` takes it back. */
  readonly drain?: boolean;
  /** Names for devices of this machine, for `devices` of a Service. */
  readonly devices?: Readonly<Record<string, string>>;
}

/** What holds for the whole house. A field that a file does not name stays; `null` takes it away. */
export interface HouseSpec {
  /** The domain below which all names live. */
  readonly zone: string;
  /** How a computer that asks is let in: `auto` when its trust was proven, `approve` by a person each time, `off` not at all. */
  readonly joining: "auto" | "approve" | "off";
  /** How long a voter must have been silent until a standby takes its vote. Absent: 10 minutes, longer than any reboot. */
  readonly replaceAfter?: Duration;
  /** Devices of the tailnet that are trusted like those of the same user. Absent: those alone to which its policy grants `fossora.dev/cap/fossora`. */
  readonly tailnet?: {
    /** Tags of the tailnet's policy whose devices belong to the house. */
    readonly tags: readonly string[];
  };
  /** The house as the resolver of the LAN. Absent: it answers for its own zone only. */
  readonly resolver?: {
    /** Who may ask: `lan`, the private networks that a node itself is in; `tailnet`. Never the internet, containers or nodes. */
    readonly serve: readonly ("lan" | "tailnet")[];
    /** Who is asked for other names, in this order: `host` as the node itself does, addresses, or `service/NAME:PORT`. */
    readonly upstream: "host" | readonly string[];
    /** Whom to ask while an app as upstream is not ready, does not answer, or fails (SERVFAIL). Absent: nobody. */
    readonly fallback?: "host";
  };
}
