// Who is answered, for whom others are asked, and who is turned away. Pure.
import type { IngressSettings, Table } from "../api/table.ts";
import { isLan, isLoopback, isTailnet, plainAddress } from "./address.ts";
import { answer, isContainer, viewOf, type Answer, type Question } from "./answer.ts";
import { lowerCase } from "./record.ts";
import { isBelow, type Zone } from "./zone.ts";

export interface Peer {
  /** The local address that was asked. */
  readonly asked: string;
  readonly client: string;
}

export type Reply =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** Ask these in the peer's stead. */
  | { readonly kind: "forward"; readonly upstreams: readonly string[] }
  /** Somebody from the internet: refused, and not often. */
  | { readonly kind: "stranger" };

export interface Known {
  /** Absent until the first table. */
  readonly zone?: Zone | undefined;
  readonly table?: Table | undefined;
  readonly containers?: IngressSettings["containers"];
}

export function replyTo(question: Question, peer: Peer, { zone, table, containers }: Known): Reply {
  const client = plainAddress(peer.client);
  const fromContainer = containers !== undefined && isContainer(client, containers);
  if (!fromContainer && !isLoopback(client) && !isLan(client) && !isTailnet(client)) return { kind: "stranger" };
  const outside = zone !== undefined && !isBelow(lowerCase(question.name), zone.origin);
  // Only there and only for them: nobody else may use this house to ask the world.
  if (outside && fromContainer && peer.asked === containers.gateway) return { kind: "forward", upstreams: containers.upstreams };
  const own = table?.nodes[table.node];
  return { kind: "answer", answer: answer(zone, question, viewOf(peer.asked, client, own, containers)) };
}
