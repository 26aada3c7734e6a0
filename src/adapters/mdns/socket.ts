// A socket for multicast DNS on one LAN interface, beside those of other programs such as Avahi.
import dgram from "node:dgram";
import { BlockList } from "node:net";

const GROUP = "224.0.0.251";
export const PORT = 5353;
/** RFC 6762, 11. */
const TTL = 255;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface Datagram {
  readonly bytes: Buffer;
  /** Absent: to everybody on the segment. */
  readonly to?: Endpoint;
}

export interface SocketOptions {
  /** Own, on that interface. */
  readonly address: string;
  /** CIDR: whoever is not in it is not on this segment. */
  readonly network: string;
  readonly onOpen: () => void;
  /** It is closed then, or was never open. */
  readonly onFailed: (error: NodeJS.ErrnoException) => void;
  readonly onPacket: (packet: Buffer, from: Endpoint) => void;
}

export class MdnsSocket {
  readonly #options: SocketOptions;
  readonly #socket: dgram.Socket;
  readonly #onLink = new BlockList();
  #state: "opening" | "open" | "closed" = "opening";

  constructor(options: SocketOptions) {
    this.#options = options;
    const [base = "", prefix] = options.network.split("/");
    this.#onLink.addSubnet(base, Number(prefix), "ipv4");
    // Answers go to addresses, never to names: nothing to look up.
    const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, host, 4);
    this.#socket = dgram.createSocket({ type: "udp4", reuseAddr: true, lookup });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("message", (packet, from) => this.#receive(packet, from));
  }

  /** To the group, not to an address: what is sent to this host alone on this port stays with the program that it is for. */
  open(): void {
    this.#socket.bind({ port: PORT, address: GROUP }, () => this.#ready());
  }

  /** The kernel forgets a membership with its interface, and says nothing. */
  joinAgain(): void {
    if (this.#state !== "open") return;
    try {
      this.#socket.addMembership(GROUP, this.#options.address);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") this.#fail(error as NodeJS.ErrnoException); // EADDRINUSE: it is a member still
    }
  }

  /** Resolves when the kernel has them all; one that it does not take is as good as lost on the way. */
  async send(datagrams: readonly Datagram[]): Promise<void> {
    if (this.#state !== "open") return;
    await Promise.all(
      datagrams.map(
        ({ bytes, to = { address: GROUP, port: PORT } }) =>
          new Promise<void>((done) => this.#socket.send(bytes, to.port, to.address, () => done())),
      ),
    );
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#socket.close();
  }

  #ready(): void {
    if (this.#state === "closed") return;
    try {
      this.#socket.addMembership(GROUP, this.#options.address);
      this.#socket.setMulticastInterface(this.#options.address);
      this.#socket.setMulticastTTL(TTL);
      this.#socket.setTTL(TTL);
      this.#socket.setMulticastLoopback(true);
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException); // of the system call
      return;
    }
    this.#state = "open";
    this.#options.onOpen();
  }

  #receive(packet: Buffer, { address, port }: dgram.RemoteInfo): void {
    // A socket of the group hears all interfaces on which any program has joined it; to port 0 nothing can be sent.
    if (this.#state === "open" && port !== 0 && this.#onLink.check(address, "ipv4")) this.#options.onPacket(packet, { address, port });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#state === "closed") return;
    this.close();
    this.#options.onFailed(error);
  }
}
