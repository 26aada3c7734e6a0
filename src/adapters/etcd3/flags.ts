// How the house starts its etcd: one table of flags by version. Whoever changes it reads membership first: `--max-learners` and the
// timing must be the same on all members. Pure.

export interface EtcdSettings {
  /** Carries an install id: a reinstalled machine with the same name would be taken for the old one and come up empty. */
  readonly name: string;
  readonly dataDir: string;
  /** What it listens on, as URLs. */
  readonly listen: { readonly peer: readonly string[]; readonly client: readonly string[]; readonly metrics: readonly string[] };
  /** What it tells others, as URLs. */
  readonly advertise: { readonly peer: readonly string[]; readonly client: readonly string[] };
  /** Read only while the data directory is empty, and then exactly the list of members. */
  readonly cluster: {
    readonly state: "new" | "existing";
    readonly token: string;
    readonly members: readonly { readonly name: string; /** Several with commas. */ readonly peerUrl: string }[];
  };
  /** Paths of PEM files, the CRL's of DER: what it shows to its clients, and to its peers. */
  readonly tls: { readonly ca: string; readonly crl: string; readonly client: LeafFiles; readonly peer: LeafFiles };
  /** The same on all members: 100/1000 on a wired LAN, 200/2000 on Wi-Fi, 500/5000 over a tailnet that is not local. */
  readonly timing: { readonly heartbeatMs: number; readonly electionMs: number };
}

interface LeafFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Go collects its garbage early: 10 MB less at rest for a little CPU under load. */
export const etcdEnvironment = { GOGC: "25" } as const;

/** Of the file of each member; where one has grown to it etcd takes no write any more. */
export const DB_MAX_BYTES = 536_870_912;
const REQUEST_MAX_BYTES = 8_388_608;
const TXN_OPS_MAX = 2_048;

/** Throws for a version that Fossora has not been tried with. */
export function etcdFlags(version: string, settings: EtcdSettings): readonly string[] {
  const { listen, advertise, cluster, tls, timing } = settings;
  return [
    `--name=${settings.name}`,
    `--data-dir=${settings.dataDir}`,
    `--listen-peer-urls=${listen.peer.join()}`,
    `--initial-advertise-peer-urls=${advertise.peer.join()}`,
    `--listen-client-urls=${listen.client.join()}`,
    `--advertise-client-urls=${advertise.client.join()}`,
    `--listen-metrics-urls=${listen.metrics.join()}`,
    `--initial-cluster=${cluster.members.flatMap(({ name, peerUrl }) => peerUrl.split(",").map((url) => `${name}=${url}`)).join()}`,
    `--initial-cluster-state=${cluster.state}`,
    `--initial-cluster-token=${cluster.token}`,
    `--cert-file=${tls.client.certificate}`,
    `--key-file=${tls.client.key}`,
    `--trusted-ca-file=${tls.ca}`,
    "--client-cert-auth",
    `--client-crl-file=${tls.crl}`,
    `--peer-cert-file=${tls.peer.certificate}`,
    `--peer-key-file=${tls.peer.key}`,
    `--peer-trusted-ca-file=${tls.ca}`,
    "--peer-client-cert-auth",
    `--peer-crl-file=${tls.crl}`,
    `--heartbeat-interval=${timing.heartbeatMs}`,
    `--election-timeout=${timing.electionMs}`,
    "--pre-vote",
    "--strict-reconfig-check",
    "--auto-compaction-mode=periodic",
    "--auto-compaction-retention=1h",
    `--quota-backend-bytes=${DB_MAX_BYTES}`,
    `--max-txn-ops=${TXN_OPS_MAX}`,
    `--max-request-bytes=${REQUEST_MAX_BYTES}`,
    "--logger=zap",
    "--log-outputs=stderr",
    "--log-level=warn",
    ...flagsOf(version),
  ];
}

/** 3.7 knows no `--experimental-*` flag and stops at the first. */
function flagsOf(version: string): readonly string[] {
  const minor = version.split(".").slice(0, 2).join(".");
  switch (minor) {
    case "3.7":
    case "3.6":
      return ["--peer-skip-client-san-verification", "--max-learners=3", "--snapshot-count=1000", "--snapshot-catchup-entries=500"];
    case "3.5":
      return ["--experimental-peer-skip-client-san-verification", "--snapshot-count=10000", "--experimental-snapshot-catchup-entries=1000"];
    case "3.4":
      return ["--experimental-peer-skip-client-san-verification", "--snapshot-count=10000"];
    default:
      throw new Error(`Cannot start etcd ${version}: Fossora knows 3.4 to 3.7`);
  }
}
