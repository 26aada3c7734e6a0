// Carries messages of the joining to other nodes over 733, and their answers back: the addresses are tried in turn, until one takes it.
import { dial, type MeshConnection } from "../../adapters/mesh/client.ts";
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { MeshRefusal, MeshUnreachable, UserError } from "../../api/errors.ts";
import type { Address, Message, NodeId } from "../../joining/messages.ts";
import { parseMessage } from "../../joining/parse-message.ts";
import { failureOf } from "../../joining/reasons.ts";
import type { MeshLink, MeshPeer } from "../../mesh-ports.ts";
import type { Log } from "../../ports.ts";
import type { Token } from "../../trust/token.ts";
import { joinWithToken, type Proven } from "../invites.ts";
import { splitAddress } from "./addresses.ts";
import { answers, isAnswered, REMOVED } from "./spoken.ts";

export interface CourierOptions {
  readonly nodeId: NodeId;
  readonly trust: MeshTrust;
  /** Which of this computer's addresses to speak from; absent: what the route says. */
  readonly localAddress?: string;
  /** Of `fossora join`: whom it is good for is checked before it is used. */
  readonly token: () => Token | undefined;
  /** Whose certificates this node holds. */
  readonly house: () => string | undefined;
  /** An answer, from whoever answered at that address. What throws is dropped. */
  readonly onAnswer: (peer: MeshPeer, message: Message, from: Address) => Promise<void>;
  /** It says that its house has removed this node. */
  readonly onRemoved: (peer: MeshPeer) => void;
  /** A no that a person should read. */
  readonly onRefusal: (why: string) => void;
  /** Nothing listens there, or what does has nothing to say to this node. */
  readonly onNobody: (address: Address) => void;
  /** Nobody could be spoken to there, or not in our words. */
  readonly onFailure: (address: Address, error: unknown) => void;
  readonly log: Log;
}

/** One node, where it is said to be: another one may have that address by now, or at another place. */
export interface NodeAt {
  readonly nodeId: NodeId;
  readonly address: Address;
}

export interface Greeting {
  readonly peer: MeshPeer;
  readonly answers: readonly Message[];
  /** It says that its house has removed this node. */
  readonly isRemoved: boolean;
}

/** More than a fresh node says hello to. */
const LINKS_MAX = 320;
const DIAL_MS = 2_000;
/** Whoever looks for a house asks all at once: on a busy computer handshakes take their time, and one that is broken off was for nothing. */
const HELLO_DIAL_MS = 8_000;
const ANSWER_MS = 10_000;
const ANSWERS_MAX = 4;
const joinAnswers: readonly Message["kind"][] = ["join-answer"];
/** Codes of a house's door that answers as it should: it lets this node in not at all, or not before its store answers. */
const DOOR_SAYS: readonly string[] = ["Refused", "TryAnother"];

export class Courier {
  readonly #options: CourierOptions;
  #trust: MeshTrust;
  readonly #links = new Map<Address, Promise<MeshConnection>>();

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#trust = options.trust;
  }

  /** From now on; what is under way under the earlier name may end. */
  setTrust(trust: MeshTrust): void {
    this.#trust = trust;
    const before = [...this.#links.values()];
    this.#links.clear();
    setTimeout(() => before.forEach(end), ANSWER_MS).unref();
  }

  /** Waits for nothing. */
  send(to: readonly Address[], message: Message): void {
    void this.#carry(to, message);
  }

  /** A link of one's own, to end; `nodeId`: to that member alone. Throws MeshUnreachable. */
  dial(address: Address, nodeId?: NodeId, limitMs = DIAL_MS): Promise<MeshConnection> {
    const { localAddress } = this.#options;
    return dial({
      ...splitAddress(address),
      trust: this.#trust,
      limitMs,
      ...(localAddress !== undefined && { localAddress }),
      ...(nodeId !== undefined && { expect: { nodeId, standing: "member" } }),
    });
  }

  /** As a member of that member alone. Throws MeshRefusal or MeshUnreachable. */
  async ask({ nodeId, address }: NodeAt, method: string, body: unknown): Promise<unknown> {
    const link = this.#linkTo(address, DIAL_MS);
    const { peer } = await link;
    if (peer.nodeId !== nodeId) throw new MeshUnreachable(`Another node answers at ${address} (${peer.nodeId})`);
    if (peer.standing !== "member") throw new MeshRefusal("NotAllowed", `${address} is no member of this house`);
    return this.#onLink(address, link, (open) => open.request(method, body, { limitMs: ANSWER_MS }));
  }

  /** Asks whoever is there and waits for it. Throws MeshRefusal or MeshUnreachable. */
  greet(address: Address, message: Message, dialMs = DIAL_MS): Promise<Greeting> {
    return this.#onLink(address, this.#linkTo(address, dialMs), async (link) => {
      const { peer } = link;
      try {
        return { peer, answers: await this.#ask(link, message), isRemoved: false };
      } catch (error) {
        if (message.kind === "hello" && error instanceof MeshRefusal && error.code === REMOVED)
          return { peer, answers: [], isRemoved: true };
        throw error;
      }
    });
  }

  /** Who answers there says something else than its certificate: it is met anew at the next message. */
  drop(address: Address): void {
    const link = this.#links.get(address);
    this.#links.delete(address);
    if (link !== undefined) end(link);
  }

  close(): void {
    for (const address of this.#links.keys()) this.drop(address);
  }

  async #carry(to: readonly Address[], message: Message): Promise<void> {
    const { log, onNobody, onRemoved, onRefusal, onFailure } = this.#options;
    for (const address of to) {
      try {
        const { peer, answers, isRemoved } = await this.greet(address, message, message.kind === "hello" ? HELLO_DIAL_MS : DIAL_MS);
        for (const answer of answers) void this.#handOver(peer, answer, address);
        if (message.kind === "hello" && answers.length === 0) onNobody(address);
        if (isRemoved) onRemoved(peer);
        return;
      } catch (error) {
        const code = error instanceof MeshRefusal ? error.code : "";
        const isNo = error instanceof UserError || (error instanceof MeshRefusal && code !== "TryAnother");
        if (message.kind === "join" && isNo) onRefusal(error.message);
        // It met this node before it knew it, or the other way round.
        if (code === "NotAllowed") this.drop(address);
        if (!DOOR_SAYS.includes(code)) onFailure(address, error);
        if (failureOf(error) === "nothing listens") onNobody(address);
        log.debug("Message was not taken", { kind: message.kind, address, error: String(error) });
      }
    }
  }

  /** The store may not answer just now, or too many strangers be judged: whoever it was is asked again. */
  async #handOver(peer: MeshPeer, answer: Message, from: Address): Promise<void> {
    try {
      await this.#options.onAnswer(peer, answer, from);
    } catch (error) {
      this.#options.log.debug("An answer was dropped", { kind: answer.kind, address: from, error: String(error) });
    }
  }

  /** Nothing but what answers the message: two that ask back would never end. */
  async #ask(link: MeshLink, message: Message): Promise<readonly Message[]> {
    if (message.kind === "join") return only(joinAnswers, [parseMessage(await this.#join(link, message))]);
    const answer = await link.request(message.kind, message, { limitMs: ANSWER_MS });
    const said = (Array.isArray(answer) ? (answer as readonly unknown[]) : []).slice(0, ANSWERS_MAX).map(parseMessage);
    return isAnswered(message.kind) ? only(answers[message.kind], said) : [];
  }

  async #join(link: MeshLink, message: Message): Promise<unknown> {
    const { nodeId, house } = this.#options;
    const token = this.#options.token();
    // A house whose certificates this node holds needs no token, and it may be long gone. Whom this node knows is another question.
    if (token !== undefined && house() !== token.houseHash) return joinWithToken(link, { nodeId, token, message }, { limitMs: ANSWER_MS });
    const answer = await link.request("join", { message } satisfies Proven, { limitMs: ANSWER_MS });
    return (answer as Partial<Proven> | null)?.message; // it is parsed
  }

  /** One whose other end lost its power looks open for a quarter of an hour: after an answer that is late the next message dials anew. */
  async #onLink<T>(address: Address, link: Promise<MeshConnection>, say: (link: MeshConnection) => Promise<T>): Promise<T> {
    try {
      return await say(await link);
    } catch (error) {
      if (error instanceof MeshUnreachable && this.#links.get(address) === link) {
        this.#links.delete(address);
        setTimeout(() => end(link), ANSWER_MS).unref(); // by then what else was asked there is answered, or late as well
      }
      throw error;
    }
  }

  #linkTo(address: Address, limitMs: number): Promise<MeshConnection> {
    const known = this.#links.get(address);
    if (known !== undefined) return known;
    const [oldest] = this.#links.keys();
    if (this.#links.size >= LINKS_MAX && oldest !== undefined) this.drop(oldest);
    const link = this.dial(address, undefined, limitMs);
    this.#links.set(address, link);
    const gone = (): void => void (this.#links.get(address) === link && this.#links.delete(address));
    link.then(({ closed }) => closed.addEventListener("abort", gone, { once: true }), gone);
    return link;
  }
}

function only(kinds: readonly Message["kind"][], said: readonly Message[]): readonly Message[] {
  return said.filter(({ kind }) => kinds.includes(kind));
}

function end(link: Promise<MeshConnection>): void {
  link.then(
    (open) => open.close(),
    () => undefined,
  );
}
