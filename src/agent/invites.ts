// Invitations: made by any node, good for one newcomer and one hour, kept hashed in the store. And the newcomer's side of the same.
import { randomBytes } from "node:crypto";
import { MeshRefusal, UserError } from "../api/errors.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { MeshLink, MeshPeer } from "../mesh-ports.ts";
import type { Entry, Store } from "../ports.ts";
import { answerProof, EXPORTER_BYTES, EXPORTER_LABEL, joinProof, sameProof } from "../trust/proof.ts";
import { formatToken, makeToken, secretHash, TOKEN_RANDOM_BYTES, type Token } from "../trust/token.ts";

export const INVITE_MS = 3_600_000;
const INVITES_MAX = 32;
/** A lost compare-and-swap: somebody else comes with the same token at the same moment. */
const TRIES_MAX = 3;

/** What the store has under `house/invites/<id>`. */
interface InviteRecord {
  readonly secretHash: string;
  /** The newcomer that it is good for from now on: it may have to ask again. */
  readonly usedBy?: string;
}

/** What goes over 733 in either direction: a message of the joining, and a proof over it. */
export interface Proven {
  readonly message: unknown;
  readonly proof?: string;
}

/** Answers the token. `house`: the hash of its CA's key, and where this node answers. */
export async function createInvite(
  store: Store,
  house: { readonly hash: string; readonly addresses: readonly string[] },
  signal: AbortSignal,
): Promise<string> {
  const { entries } = await store.list(`${PREFIX.house}invites/`, signal);
  if (entries.length >= INVITES_MAX)
    throw new UserError(`Cannot make another invitation: ${INVITES_MAX} are open, and each ends an hour after it was made.`);
  const token: Token = { ...makeToken(house.hash, randomBytes(TOKEN_RANDOM_BYTES)), addresses: house.addresses };
  const record: InviteRecord = { secretHash: secretHash(token.secret) };
  const key = keys.invite(token.id);
  const made = await store.commit(
    { compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: JSON.stringify(record) }], ttlMs: INVITE_MS },
    signal,
  );
  if (!made.committed) throw new Error("Cannot make the invitation: its id is taken");
  return formatToken(token);
}

/**
 * Takes a newcomer's proof, and from then on its token is nobody else's. Answers how the house proves its own answer. Throws MeshRefusal
 * when the token is not known any more, used by another, or the proof does not hold on this connection.
 */
export async function redeemInvite(
  store: Store,
  peer: MeshPeer,
  { message, proof }: Proven,
  signal: AbortSignal,
): Promise<(answer: unknown) => Proven> {
  const [id = "", mac] = typeof proof === "string" ? proof.split(".") : [];
  const key = keys.invite(id);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const entry = /^[a-z2-7]{8}$/.test(id) ? await store.get(key, signal) : undefined;
    if (entry === undefined)
      throw new MeshRefusal("UnknownToken", "The token is not known here: it is older than an hour. `fossora invite` makes another one");
    const record = recordOf(entry);
    const parts = { secretHash: record.secretHash, exporter: peer.exporter(EXPORTER_LABEL, EXPORTER_BYTES), nodeId: peer.nodeId };
    if (!sameProof(mac, joinProof({ ...parts, body: message })))
      throw new MeshRefusal("WrongProof", "The token's proof does not hold: it was made for another request or another connection");
    if (record.usedBy !== undefined && record.usedBy !== peer.nodeId)
      throw new MeshRefusal(
        "UsedToken",
        "The token was used by another computer: each is good for one. `fossora invite` makes another one",
      );
    const prove = (answer: unknown): Proven => ({ message: answer, proof: answerProof({ ...parts, body: answer }) });
    if (record.usedBy !== undefined) return prove;
    const used: InviteRecord = { ...record, usedBy: peer.nodeId };
    const { committed } = await store.commit(
      { compare: [{ key, modRevision: entry.modRevision }], writes: [{ put: key, value: JSON.stringify(used) }], ttlMs: INVITE_MS },
      signal,
    );
    if (committed) return prove;
  }
  throw new MeshRefusal("UsedToken", "The token is being used by another computer");
}

/** The newcomer's side: nothing is said to another house, and no answer of anybody else is taken. */
export async function joinWithToken(
  link: MeshLink,
  own: { readonly nodeId: string; readonly token: Token; readonly message: unknown },
  options: { readonly limitMs: number; readonly signal?: AbortSignal },
): Promise<unknown> {
  const { token, message, nodeId } = own;
  const { address, house } = link.peer;
  if (house === undefined) throw new UserError(`Cannot join with this token at ${address}: it belongs to no house yet.`);
  if (house.hash !== token.houseHash)
    throw new UserError(`Cannot join with this token at ${address}: that is another house than the one that made it.`);
  const parts = { secretHash: secretHash(token.secret), exporter: link.peer.exporter(EXPORTER_LABEL, EXPORTER_BYTES), nodeId };
  const request: Proven = { message, proof: `${token.id}.${joinProof({ ...parts, body: message })}` };
  const answer = (await link.request("join", request, options)) as Partial<Proven> | null; // looked at in the next line
  if (!sameProof(answer?.proof, answerProof({ ...parts, body: answer?.message })))
    throw new UserError(`Cannot join with this token at ${address}: it answered without knowing the invitation.`);
  return answer?.message;
}

function recordOf(entry: Entry): InviteRecord {
  return JSON.parse(entry.value) as InviteRecord; // written above alone
}
