// Before a node starts its store again it asks the agents that it knows for their house's epoch: while it was away the house may have been taken
// over, and what it would serve counts no more.
import type { Membership } from "../../joining/joiner-state.ts";
import { PROTOCOL, type Address, type Message, type Sender } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Clock, Log } from "../../ports.ts";

export interface Greeted {
  readonly peer: MeshPeer;
  readonly message: Message;
  readonly from: Address;
}

export interface EpochOptions {
  readonly membership: Membership | undefined;
  /** It was left running: it is ended by the first hello that says so. */
  readonly isRunning: boolean;
  readonly self: Sender;
  readonly members: readonly Address[];
  /** Where else one of them may be by now. */
  readonly candidates: readonly Address[];
  readonly greet: (address: Address, message: Message) => Promise<{ readonly peer: MeshPeer; readonly answers: readonly Message[] }>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whoever is on answers sooner; whoever is off must not keep the store from starting. */
const ASK_MS = 3_000;
const ASKED_MAX = 64;

/** The word of a member of this house under a higher epoch; undefined: nobody has said one in time. */
export async function meetHigherEpoch(options: EpochOptions, signal: AbortSignal): Promise<Greeted | undefined> {
  const { membership, isRunning, self, clock } = options;
  if (membership?.memberId === undefined || isRunning) return undefined;
  const { houseId: id, epoch, clusterId } = membership;
  const others = options.members.filter((address) => !self.addresses.includes(address));
  if (others.length === 0) return undefined;
  const members = [...new Set([...others, ...options.candidates])].slice(0, ASKED_MAX);
  const house = { id, epoch, clusterId, nodes: members.length + 1, hasObjects: true, joining: "off" } as const;
  const hello: Message = { protocol: PROTOCOL, kind: "hello", from: { ...self, house } };
  const ended = new AbortController();
  const met = Promise.withResolvers<Greeted | undefined>();
  const asked = members.map(async (address) => {
    const answer = await greeted(address, hello, { ...options, membership });
    if (answer !== undefined) met.resolve(answer);
  });
  void Promise.all(asked).then(() => met.resolve(undefined));
  const limit = clock.sleep(ASK_MS, AbortSignal.any([signal, ended.signal])).then(
    () => undefined,
    () => undefined,
  );
  return Promise.race([met.promise, limit]).finally(() => ended.abort());
}

async function greeted(
  address: Address,
  hello: Message,
  { membership, greet, log }: EpochOptions & { readonly membership: Membership },
): Promise<Greeted | undefined> {
  try {
    const { peer, answers } = await greet(address, hello);
    const message = answers.find(({ from: { house } }) => house?.id === membership.houseId && house.epoch > membership.epoch);
    // Only a certificate of the house speaks for it.
    return message !== undefined && peer.standing === "member" ? { peer, message, from: address } : undefined;
  } catch (error) {
    log.debug("The epoch was not heard", { address, error: String(error) });
    return undefined;
  }
}
