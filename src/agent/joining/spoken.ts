// What another node says on 733, taken only if its certificate says the same of it.
import { MeshRefusal } from "../../api/errors.ts";
import type { Address, Message } from "../../joining/messages.ts";
import { parseMessage } from "../../joining/parse-message.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Part } from "../tailnet-proof.ts";

/** How a message came here. */
export interface Came {
  /** Where an answer reaches its sender. */
  readonly from: Address;
  readonly as: Part;
  /** Of what goes back on the same connection; an answer is not answered there. */
  readonly kinds?: readonly Message["kind"][];
}

/** A refusal of a hello: whoever said it belongs to the house no more. */
export const REMOVED = "Removed";

/** What goes back on the connection of a request. */
export const answers = {
  hello: ["hello-answer"],
  "request-admission": ["present", "started"],
  admitted: ["started"],
  present: [],
  started: [],
  moved: [],
} as const satisfies Readonly<Record<string, readonly Message["kind"][]>>;

export function isAnswered(method: string): method is keyof typeof answers {
  return Object.hasOwn(answers, method);
}

/** Its id is that of its key, and its house is that of its certificate. */
export function isHonest(peer: Pick<MeshPeer, "nodeId" | "house">, { from }: Message): boolean {
  return from.nodeId === peer.nodeId && (from.house === undefined || from.house.id === peer.house?.hash);
}

/** Only a certificate of the house speaks for it, and of nobody that this node knows to be removed. */
export function mayTell({ standing, house }: Pick<MeshPeer, "standing" | "house">, houseId: string): boolean {
  return standing === "member" && house?.hash === houseId;
}

/** Throws MeshRefusal. */
export function readSpoken<K extends Message["kind"]>(
  peer: Pick<MeshPeer, "nodeId" | "house">,
  body: unknown,
  kind: K,
): Extract<Message, { kind: K }> {
  const message = read(body);
  if (!isOf(message, kind)) throw new MeshRefusal("Invalid", `Cannot read the message: it should be ${kind}`);
  if (!isHonest(peer, message)) throw new MeshRefusal("NotProven", "What it says of itself is not what its certificate says");
  return message;
}

function read(body: unknown): Message {
  try {
    return parseMessage(body);
  } catch (error) {
    if (error instanceof SyntaxError) throw new MeshRefusal("Invalid", error.message, { cause: error });
    throw error;
  }
}

function isOf<K extends Message["kind"]>(message: Message, kind: K): message is Extract<Message, { kind: K }> {
  return message.kind === kind;
}
