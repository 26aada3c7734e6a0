// What a tailnet tells about other computers: which of them are worth asking for a house, and whom to trust without a person. Pure.

export interface TailnetDevice {
  /** Stable; a reinstalled machine has another one. */
  readonly id: string;
  /** In MagicDNS, without the dot at its end; for people's eyes. */
  readonly name: string;
  readonly os: string;
  /** As decimal text: an int64 does not fit a number. All tagged devices have one and the same. */
  readonly userId: string;
  readonly tags: readonly string[];
  /** IPv4 first. */
  readonly addresses: readonly string[];
  /** Connected to the control server, which says nothing about reachable. */
  readonly online: boolean;
  readonly expired: boolean;
  /** Shared in from another tailnet. */
  readonly shared: boolean;
}

export type TailnetState =
  | {
      readonly kind: "running";
      readonly self: TailnetDevice;
      readonly peers: readonly TailnetDevice[];
      /** Userspace mode: nobody can listen on the tailnet address. */
      readonly userspace: boolean;
    }
  /** Nothing is known, which never means that there is nobody. `state` in Tailscale's own words. */
  | { readonly kind: "unknown"; readonly state: string }
  /** There is no tailscaled on this machine. */
  | { readonly kind: "absent" };

/** Who is behind an address, by WhoIs: a device, not a process. */
export interface TailnetWho {
  readonly id: string;
  readonly name: string;
  /** As the device says; "" where the tailnet does not tell. */
  readonly os: string;
  readonly userId: string;
  readonly login: string;
  readonly tags: readonly string[];
  readonly addresses: readonly string[];
  readonly expired: boolean;
  /** What the policy grants it here, by name of the capability. */
  readonly capabilities: Readonly<Record<string, readonly unknown[]>>;
}

export interface TailnetSettings {
  /** `tag:nas`: devices that belong to the house by their tag. */
  readonly tags: readonly string[];
}

export interface TailnetVerdict {
  /** `needs approval`: a person may know what the tailnet cannot tell. */
  readonly trust: "trusted" | "needs approval" | "refused";
  readonly because: string;
}

export const CAPABILITY = "fossora.dev/cap/fossora";
const SYSTEMS: readonly string[] = ["linux", "macOS", "windows"];
/** Where only root listens on a port below 1024: on the others any program of any user may answer on 733. */
const ROOT_ANSWERS: readonly string[] = ["linux"];
/** A tailnet of a company may have thousands; a house is asked for among the first. */
const ASKED_MAX = 256;

/** The devices to ask for `hello` on 733, online ones first. */
export function worthAsking(state: TailnetState, settings: TailnetSettings): readonly TailnetDevice[] {
  if (state.kind !== "running") return [];
  const { self, peers } = state;
  return peers
    .filter(({ os, shared, expired, addresses }) => SYSTEMS.includes(os) && !shared && !expired && addresses.length > 0)
    .filter((peer) => sameUser(self, peer) || peer.tags.some((tag) => settings.tags.includes(tag)))
    .sort((a, b) => Number(b.online) - Number(a.online) || (a.id < b.id ? -1 : 1))
    .slice(0, ASKED_MAX);
}

/** May this device be a node without anybody being asked? `self` is undefined while this machine does not know its own place. */
export function judge(self: TailnetDevice | undefined, who: TailnetWho | undefined, settings: TailnetSettings): TailnetVerdict {
  if (who === undefined) return perhaps("the tailnet does not know this address");
  if (self === undefined) return no("this machine is not connected to its tailnet");
  if (who.expired) return no(`the tailnet key of ${who.name} has expired`);
  if (sameUser(self, who)) return yes(who, `both belong to ${who.login}`);
  const tag = who.tags.find((each) => settings.tags.includes(each));
  if (tag !== undefined) return yes(who, `it has the tag ${tag}`);
  if ((who.capabilities[CAPABILITY] ?? []).some(grantsJoining)) return yes(who, `the tailnet's policy grants it ${CAPABILITY}`);
  if (who.tags.length > 0) return no(`it is tagged ${who.tags.join(", ")}, which the house does not name`);
  if (self.tags.length > 0) return no("this machine is tagged, so it has no user to share with others");
  return no(`it belongs to ${who.login}, another user`);
}

/** All tagged devices share one user id: only among untagged ones does it tell a person. */
function sameUser(self: Pick<TailnetDevice, "userId" | "tags">, other: Pick<TailnetDevice, "userId" | "tags">): boolean {
  return self.tags.length === 0 && other.tags.length === 0 && self.userId === other.userId && !["", "0"].includes(self.userId);
}

/** A grant for people who may look at the house must not make a node of their laptop. */
function grantsJoining(grant: unknown): boolean {
  if (typeof grant !== "object" || grant === null) return false;
  const { join, role } = grant as { readonly join?: unknown; readonly role?: unknown }; // what a policy file says
  return join === true || (join === undefined && (role === undefined || role === "admin" || role === "node"));
}

function yes({ name, os }: TailnetWho, because: string): TailnetVerdict {
  if (ROOT_ANSWERS.includes(os)) return { trust: "trusted", because };
  return perhaps(`${because}, but on ${name} (${os === "" ? "of an unknown system" : os}) any program may answer on port 733`);
}

function perhaps(because: string): TailnetVerdict {
  return { trust: "needs approval", because };
}

function no(because: string): TailnetVerdict {
  return { trust: "refused", because };
}
