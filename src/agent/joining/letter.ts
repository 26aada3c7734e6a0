// What goes with an admission: the house's letter, the token of its cluster, and where its voters' stores are reached. No secret, but for
// the token, which is worth nothing without a certificate.
import { UserError } from "../../api/errors.ts";
import { writeLetter, type HouseLetter } from "../entry.ts";
import { clusterToken } from "../etcd.ts";
import { readTiming, type Timing } from "../../joining/timing.ts";

export interface AdmissionCredentials {
  readonly letter: HouseLetter;
  readonly clusterToken: string;
  /** Client endpoints. */
  readonly hosts: readonly string[];
  /** As patient as the house's other stores. */
  readonly timing: Timing;
}

const HOSTS_MAX = 16;

export function writeCredentials(dataDir: string, { hosts, timing }: Pick<AdmissionCredentials, "hosts" | "timing">): string {
  const credentials: AdmissionCredentials = { letter: writeLetter(dataDir), clusterToken: clusterToken(dataDir) ?? "", hosts, timing };
  return JSON.stringify(credentials);
}

/** The letter is checked by whoever enters with it. */
export function readCredentialsText(text: string): AdmissionCredentials {
  const { letter, clusterToken: token, hosts, timing: said } = JSON.parse(text) as Partial<Record<keyof AdmissionCredentials, unknown>>; // looked at below
  const list: readonly unknown[] = Array.isArray(hosts) ? hosts : [];
  const isHosts = list.length <= HOSTS_MAX && list.every((host) => typeof host === "string" && /^[0-9A-Za-z.:[\]-]{1,256}$/.test(host));
  const timing = readTiming(said);
  if (!isHosts || timing === undefined || typeof token !== "string" || !/^[a-z2-7]{0,64}$/.test(token))
    throw new UserError(
      "Cannot enter the house: what came with the admission is not whole. Run the same release of Fossora on both computers.",
    );
  return { letter: letter as HouseLetter, clusterToken: token, hosts: list as readonly string[], timing }; // checked above, and by enterHouse
}
