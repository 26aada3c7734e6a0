// A socket for multicast DNS on one LAN interface, beside those of other programs such as Avahi.
import dgram from "node:dgram";
import { BlockList } from "node:net";

const GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;
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
  /** Of everybody those who listen by this family of addresses; absent: by either. */
  readonly family?: 4 | 6;
}

/** Where it speaks: at an own IPv4 address, or by IPv6 on an interface. Whoever is in none of the networks (CIDR) is not on this segment. */
export type Spot = { readonly networks: readonly string[] } & (
  | { readonly family: 4; readonly address: string }
  | { readonly family: 6; readonly interface: string }
);

export interface SocketOptions {
  readonly spot: Spot;
  readonly onOpen: () => void;
  /** It is closed then, or was never open. */
  readonly onFailed: (error: NodeJS.ErrnoException) => void;
  readonly onPacket: (packet: Buffer, from: Endpoint) => void;
}

export class MdnsSocket {
  readonly #options: SocketOptions;
  readonly #socket: dgram.Socket;
  readonly #family: "ipv4" | "ipv6";
  /** With the interface, where the kernel cannot tell it otherwise. */
  readonly #group: string;
  readonly #interface: string;
  readonly #onLink = new BlockList();
  #state: "opening" | "open" | "closed" = "opening";

  constructor(options: SocketOptions) {
    this.#options = options;
    const { spot } = options;
    const { family } = spot;
    this.#family = `ipv${family}`;
    this.#group = spot.family === 4 ? GROUPS[4] : `${GROUPS[6]}%${spot.interface}`;
    this.#interface = spot.family === 4 ? spot.address : `::%${spot.interface}`;
    for (const [base = "", prefix] of spot.networks.map((network) => network.split("/")))
      this.#onLink.addSubnet(base, Number(prefix), this.#family);
    // Answers go to addresses, never to names: nothing to look up.
    const lookup = (host: string, _options: unknown, done: (error: null, address: string, family: number) => void): void =>
      done(null, host, family);
    this.#socket = dgram.createSocket({ type: `udp${family}`, ipv6Only: family === 6, reuseAddr: true, lookup });
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("message", (packet, from) => this.#receive(packet, from));
  }

  /** To the group, not to an address: what is sent to this host alone on this port stays with the program that it is for. */
  open(): void {
    this.#socket.bind({ port: PORT, address: this.#group }, () => this.#ready());
  }

  /** The kernel forgets a membership with its interface, and says nothing. By IPv6 the socket is bound to that, too, and is of no more use. */
  joinAgain(): void {
    if (this.#state !== "open") return;
    try {
      this.#socket.addMembership(this.#group, this.#interface);
      if (this.#family === "ipv6") throw new Error("the interface of this name is another one now");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") this.#fail(error as NodeJS.ErrnoException); // EADDRINUSE: it is a member still
    }
  }

  /** Resolves when the kernel has them all; one that it does not take is as good as lost on the way. */
  async send(datagrams: readonly Datagram[]): Promise<void> {
    if (this.#state !== "open") return;
    const own = this.#options.spot.family;
    const mine = datagrams.filter(({ to, family = own }) => own === (to === undefined ? family : familyOf(to)));
    await Promise.all(
      mine.map(
        ({ bytes, to = { address: this.#group, port: PORT } }) =>
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
      this.#socket.addMembership(this.#group, this.#interface);
      this.#socket.setMulticastInterface(this.#interface);
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
    const isOnLink = (): boolean => this.#onLink.check(address.split("%", 1)[0] ?? "", this.#family);
    if (this.#state === "open" && port !== 0 && isOnLink()) this.#options.onPacket(packet, { address, port });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#state === "closed") return;
    this.close();
    this.#options.onFailed(error);
  }
}

function familyOf({ address }: Endpoint): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}
