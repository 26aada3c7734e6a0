// Before a node starts its store again, and what lives on its copy, it asks the agents that it knows for their house's epoch: while it was away
// the house may have been taken over, or a person may have removed this node, and what it would serve and run counts no more.
import type { Membership } from "../../joining/joiner-state.ts";
import { PROTOCOL, type Address, type Message, type Sender } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Clock, Log } from "../../ports.ts";
import type { Greeting } from "./courier.ts";
import { mayTell } from "./spoken.ts";

/** What a member of this house says to one that was away. */
export type Told = Greeted | "was removed";

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
  readonly greet: (address: Address, message: Message) => Promise<Greeting>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whoever is on answers sooner; whoever is off must not keep the store from starting. */
const ASK_MS = 3_000;
const ASKED_MAX = 64;

/** The word of a member of this house under a higher epoch, or that this node was removed; undefined: nobody has said one in time. */
export async function hearOfChange(options: EpochOptions, signal: AbortSignal): Promise<Told | undefined> {
  const { membership, isRunning, self, clock } = options;
  if (membership === undefined || isRunning) return undefined;
  const { houseId: id, epoch, clusterId } = membership;
  const others = options.members.filter((address) => !self.addresses.includes(address));
  if (others.length === 0) return undefined;
  const members = [...new Set([...others, ...options.candidates])].slice(0, ASKED_MAX);
  const house = { id, epoch, clusterId, nodes: members.length + 1, hasObjects: true, joining: "off" } as const;
  const hello: Message = { protocol: PROTOCOL, kind: "hello", from: { ...self, house } };
  const ended = new AbortController();
  const met = Promise.withResolvers<Told | undefined>();
  const asked = members.map(async (address) => {
    const told = await toldAt(address, hello, { ...options, membership });
    if (told !== undefined) met.resolve(told);
  });
  void Promise.all(asked).then(() => met.resolve(undefined));
  const limit = clock.sleep(ASK_MS, AbortSignal.any([signal, ended.signal])).then(
    () => undefined,
    () => undefined,
  );
  return Promise.race([met.promise, limit]).finally(() => ended.abort());
}

async function toldAt(
  address: Address,
  hello: Message,
  { membership, greet, log }: EpochOptions & { readonly membership: Membership },
): Promise<Told | undefined> {
  try {
    const { peer, answers, isRemoved } = await greet(address, hello);
    if (!mayTell(peer, membership.houseId)) return undefined;
    if (isRemoved) return "was removed";
    const message = answers.find(({ from: { house } }) => house?.id === membership.houseId && house.epoch > membership.epoch);
    return message === undefined ? undefined : { peer, message, from: address };
  } catch (error) {
    log.debug("The epoch was not heard", { address, error: String(error) });
    return undefined;
  }
}
