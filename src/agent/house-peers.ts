// The agents of the house's other nodes, as the API's handlers ask them: by name, at the address that answers first, over 733. Each end
// shows its agent's certificate of this house, and speaks to nobody who shows none.
import type { Duplex } from "node:stream";
import { MeshRefusal, MeshUnreachable, OutcomeUnknown } from "../api/errors.ts";
import type { NodeName } from "../api/resource.ts";
import type { MeshConnection } from "../adapters/mesh/client.ts";
import type { Peers } from "../server/ports.ts";
import type { JoiningNode } from "./joining/joining-node.ts";

export interface HousePeersOptions {
  /** Undefined: this node has only just started. */
  readonly joining: () => Pick<JoiningNode, "seen" | "linkTo"> | undefined;
  /** This one's own. */
  readonly nodeId: string;
}

/** Whoever asks waits no longer than its signal says. */
const ANSWER_MS = 30_000;

export class HousePeers implements Peers {
  readonly #options: HousePeersOptions;

  constructor(options: HousePeersOptions) {
    this.#options = options;
  }

  names(): readonly NodeName[] {
    return this.#others.map(({ name }) => name).sort();
  }

  async ask(node: NodeName, method: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const link = await this.#linkTo(node, signal);
    try {
      return await link.request(method, body, { limitMs: ANSWER_MS, signal });
    } finally {
      link.close();
    }
  }

  async stream(
    node: NodeName,
    method: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<{ readonly answer: unknown; readonly bytes: Duplex }> {
    const link = await this.#linkTo(node, signal);
    try {
      return await link.stream(method, body, { limitMs: ANSWER_MS, signal });
    } catch (error) {
      link.close();
      if (error instanceof MeshRefusal) throw error;
      throw new OutcomeUnknown(`${node} was asked and did not answer`, { cause: error });
    }
  }

  get #others(): readonly { readonly nodeId: string; readonly name: NodeName; readonly addresses: readonly string[] }[] {
    const { joining, nodeId } = this.#options;
    return (joining()?.seen?.known ?? []).filter((each) => each.nodeId !== nodeId);
  }

  /** All addresses at once: those that answer later are left. */
  async #linkTo(name: NodeName, signal: AbortSignal): Promise<MeshConnection> {
    const joining = this.#options.joining();
    const node = this.#others.find((each) => each.name === name);
    if (joining === undefined || node === undefined) throw new MeshUnreachable(`There is no node "${name}"`);
    signal.throwIfAborted();
    const links = node.addresses.map((address) => joining.linkTo(address, node.nodeId));
    const { promise: late, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    let taken: MeshConnection | undefined;
    try {
      taken = await Promise.race([Promise.any(links), late]);
      return taken;
    } catch (cause) {
      throw new MeshUnreachable(`${name} does not answer`, { cause });
    } finally {
      signal.removeEventListener("abort", onAbort);
      for (const link of links)
        link.then(
          (made) => made !== taken && made.close(),
          () => undefined, // it was tried
        );
    }
  }
}
