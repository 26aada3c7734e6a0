// Port 733: TLS 1.3, a certificate from everybody, and for strangers nothing but `hello` and `join`.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { MeshRefusal } from "../../api/errors.ts";
import type { MeshHandler, MeshPeer } from "../../mesh-ports.ts";
import type { Log } from "../../ports.ts";
import { mayAsk } from "../../trust/access.ts";
import { Gate, type GateLimits, type Place, type Rated } from "./gate.ts";
import { identify, PROTOCOL, secureOptions, type MeshTrust } from "./identify.ts";
import { MEMBER_LIMITS, ServerConnection, STRANGER_LIMITS, type ConnectionLimits } from "./server-connection.ts";

const HANDSHAKE_MS = 5_000;
const RATED: readonly string[] = ["hello", "join", "renew"] satisfies readonly Rated[];

export interface MeshServerOptions {
  readonly trust: MeshTrust;
  readonly handler: MeshHandler;
  readonly log: Log;
  /** Addresses of the house's nodes: a flood of strangers does not shut them out, and one from there nobody else. */
  readonly isFavoured?: (address: string) => boolean;
  /** The house has a node of this id, and did not remove it. */
  readonly isKnown?: (nodeId: string) => boolean;
  readonly limits?: { readonly gate?: GateLimits; readonly stranger?: ConnectionLimits; readonly handshakeMs?: number };
}

/** A descriptor is one that listens already. */
export type MeshAddress = { readonly address: string; readonly port: number } | { readonly fd: number };

export class MeshServer {
  readonly #options: MeshServerOptions;
  readonly #gate: Gate;
  readonly #tls: tls.Server;
  readonly #listeners = new Set<net.Server>();
  /** Of all that came in, TLS or not yet. */
  readonly #sockets = new Set<net.Socket>();
  readonly #places = new WeakMap<net.Socket, Place>();
  readonly #connections = new Set<ServerConnection>();
  #trust: MeshTrust;

  constructor(options: MeshServerOptions) {
    this.#options = options;
    this.#trust = options.trust;
    this.#gate = new Gate(options.limits?.gate);
    this.#tls = tls.createServer({
      ...secureOptions(options.trust),
      requestCert: true,
      rejectUnauthorized: false, // who it is decides what it may ask
      handshakeTimeout: options.limits?.handshakeMs ?? HANDSHAKE_MS,
      ALPNProtocols: [PROTOCOL],
    });
    this.#tls.on("tlsClientError", (_error, socket) => socket.destroy());
    this.#tls.on("secureConnection", (socket) => this.#greet(socket));
  }

  /** Answers the port; `::` is IPv4 as well, and IPv4 alone where there is no IPv6. Throws as `listen` does: EADDRINUSE, EACCES. */
  async listen(at: MeshAddress): Promise<number> {
    try {
      return await this.#listen(at);
    } catch (error) {
      const isIpv4Kernel = "address" in at && at.address === "::" && ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(codeOf(error));
      if (!isIpv4Kernel) throw error;
      return this.#listen({ address: "0.0.0.0", port: at.port });
    }
  }

  async #listen(at: MeshAddress): Promise<number> {
    const server = net.createServer({ noDelay: true }, (socket) => this.#enter(socket));
    server.listen("fd" in at ? { fd: at.fd } : { host: at.address, port: at.port });
    await once(server, "listening");
    server.on("error", (error) => this.#options.log.warn("Mesh listener failed", { error }));
    this.#listeners.add(server);
    return (server.address() as net.AddressInfo).port; // a TCP listener's address is an object
  }

  /** From now on. Connections of nodes that are members no longer end at once. */
  setTrust(trust: MeshTrust): void {
    this.#tls.setSecureContext(secureOptions(trust));
    const sameHouse = trust.ca === this.#trust.ca;
    this.#trust = trust;
    for (const connection of this.#connections)
      if (trust.removed.includes(connection.peer.nodeId) || (!sameHouse && connection.peer.standing === "member")) connection.close();
  }

  /** Nodes that belong to the house no more, whatever their certificates say: what they have open ends, also what carries bytes. */
  end(nodeIds: readonly string[]): void {
    for (const connection of this.#connections)
      if (connection.peer.standing === "member" && nodeIds.includes(connection.peer.nodeId)) connection.close();
  }

  /** Of nodes and strangers, for status and tests. */
  get peers(): readonly MeshPeer[] {
    return [...this.#connections].map(({ peer }) => peer);
  }

  async close(): Promise<void> {
    const closed = [...this.#listeners].map((server) => once(server.close(), "close"));
    for (const connection of this.#connections) connection.close();
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closed);
  }

  /** Before a byte is read: the cheapest no is the best. */
  #enter(raw: net.Socket): void {
    const { isFavoured } = this.#options;
    const { remoteAddress } = raw;
    raw.on("error", () => raw.destroy());
    const place =
      remoteAddress === undefined
        ? undefined
        : this.#gate.enter(remoteAddress, performance.now(), {
            favoured: isFavoured?.(remoteAddress) === true,
            close: () => void raw.destroy(),
          });
    if (place === undefined) {
      raw.destroy();
      return;
    }
    this.#sockets.add(raw);
    raw.once("close", () => {
      this.#sockets.delete(raw);
      place.leave();
    });
    this.#places.set(raw, place);
    this.#tls.emit("connection", raw);
  }

  #greet(socket: tls.TLSSocket): void {
    socket.on("error", () => socket.destroy());
    const peer = identify(socket, this.#trust);
    const place = this.#placeOf(socket);
    if (peer === undefined || (peer.standing === "member" && place?.promote() !== true)) {
      socket.destroy();
      return;
    }
    const connection = new ServerConnection({
      socket,
      peer,
      handler: this.#options.handler,
      limits: peer.standing === "member" ? MEMBER_LIMITS : (this.#options.limits?.stranger ?? STRANGER_LIMITS),
      refusal: (method) => this.#refusal(peer, method),
      log: this.#options.log,
    });
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
  }

  #placeOf(socket: tls.TLSSocket): Place | undefined {
    const { _parent: raw } = socket as unknown as { readonly _parent?: net.Socket }; // where Node keeps the socket it wrapped
    return raw && this.#places.get(raw);
  }

  #refusal({ standing, nodeId, address }: MeshPeer, method: string): MeshRefusal | undefined {
    if (!mayAsk(method, { standing, known: this.#options.isKnown?.(nodeId) === true }))
      return new MeshRefusal("NotAllowed", `Only members of this house may ask for ${method}`);
    if (standing === "stranger" && isRated(method) && !this.#gate.may(method, address, performance.now()))
      return new MeshRefusal("TooOften", `Too many tries from ${address}: wait a minute`);
    return undefined;
  }
}

function isRated(method: string): method is Rated {
  return RATED.includes(method);
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code);
}
