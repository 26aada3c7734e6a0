// What nodes of one house ask each other on 733 besides the messages of the joining. Everybody else is told no.
import { MeshRefusal } from "../../api/errors.ts";
import type { NodeLoad } from "../../api/load.ts";
import type { TrafficReport } from "../../api/traffic.ts";
import type { Versions } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import { storeLogOf } from "../log-file.ts";
import { answerRenewal } from "../renewal.ts";
import type { NodeState } from "./house-look.ts";
import { giveAuthority, type Inside } from "./inside.ts";
import type { TimingKeeper } from "./timing-keeper.ts";

export interface MemberRequestPorts {
  readonly dataDir: string;
  readonly versions: Versions;
  readonly inside: () => Inside | undefined;
  /** Throws when the ingress does not answer. */
  readonly traffic: (signal: AbortSignal) => Promise<TrafficReport>;
  readonly load: (signal: AbortSignal) => Promise<NodeLoad>;
  /** Leaves the store and asks again, with the certificates that it has. */
  readonly comeAgain: () => void;
}

type Answer = (ports: MemberRequestPorts, peer: MeshPeer, asked: { readonly body: unknown; readonly signal: AbortSignal }) => unknown;

const ANSWERS: Readonly<Record<string, Answer>> = {
  renew: ({ dataDir }, peer, { body }) => answerRenewal(dataDir, peer, body),
  authority: ({ dataDir, inside }, peer) => giveAuthority(dataDir, peer, inside()?.sight),
  // Whoever leads asks; what is done is what the store says.
  links: (ports, peer) => timingOf(ports, peer).report(),
  "restart-store": (ports, peer, { signal }) => timingOf(ports, peer).restart(signal),
  state: tellState,
  traffic: ({ traffic }, peer, { signal }) => {
    mustBeMember(peer);
    return traffic(signal);
  },
  load: ({ load }, peer, { signal }) => {
    mustBeMember(peer);
    return load(signal);
  },
  "come-again": ({ comeAgain }, peer) => {
    mustBeMember(peer);
    comeAgain();
    return null;
  },
};

/** Undefined: it is none of these. */
export function memberAnswer(method: string): Answer | undefined {
  return Object.hasOwn(ANSWERS, method) ? ANSWERS[method] : undefined;
}

function timingOf({ inside }: MemberRequestPorts, peer: MeshPeer): TimingKeeper {
  const timing = inside()?.timing;
  if (peer.standing !== "member" || timing === undefined) throw new MeshRefusal("NotAllowed", "This is between members of a house");
  return timing;
}

/** For one that looks round. */
function tellState({ dataDir, versions, inside }: MemberRequestPorts, peer: MeshPeer): NodeState {
  mustBeMember(peer);
  const ageMs = inside()?.sight.ageMs;
  return { versions, storeLog: storeLogOf(dataDir), ...(ageMs !== undefined && { ageMs }) };
}

function mustBeMember({ standing }: MeshPeer): void {
  if (standing !== "member") throw new MeshRefusal("NotAllowed", "That is for the house's own nodes");
}
