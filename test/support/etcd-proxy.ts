// A TCP proxy before one etcd member that fails as networks do: it cuts, freezes, refuses and delays.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** How many bytes a connection carries to its client before it is cut; never enough to be sure of one whole answer. */
export type CutAfter = () => number;

export class TcpProxy {
  readonly #server: Server;
  readonly #target: string;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #frozen = false;
  #refusing = false;
  #delayMs = 0;
  #cutAfter: CutAfter | undefined;
  /** Connections that were cut by `cutAfter`. */
  cuts = 0;

  static async before(target: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  cut(): void {
    for (const [client, member] of this.#pairs) {
      client.destroy();
      member.destroy();
    }
  }

  /** As a host whose processes hang: its kernel still accepts connections. */
  freeze(): void {
    this.#frozen = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  delay(ms: number): void {
    this.#delayMs = ms;
  }

  cutAfter(bytes: CutAfter): void {
    this.#cutAfter = bytes;
    this.cut();
  }

  heal(): void {
    this.#refusing = false;
    this.#cutAfter = undefined;
    this.#delayMs = 0;
    if (!this.#frozen) return;
    this.#frozen = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #accept(client: Socket): void {
    if (this.#refusing) return void client.destroy();
    const [host, port] = this.#target.split(":");
    const member = connect({ host: host ?? "", port: Number(port) });
    const pair = [client, member] as const;
    this.#pairs.add(pair);
    let budget = this.#cutAfter?.() ?? Infinity;
    client.on("data", (chunk) => this.#later(() => member.write(chunk)));
    member.on("data", (chunk) => {
      budget -= chunk.length;
      if (budget >= 0 || this.#cutAfter === undefined) return this.#later(() => client.write(chunk));
      this.cuts++;
      client.destroy();
    });
    for (const socket of pair) {
      socket.setNoDelay(true);
      if (this.#frozen) socket.pause();
      socket.on("error", () => {}); // "close" follows
      socket.on("close", () => {
        this.#pairs.delete(pair);
        client.destroy();
        member.destroy();
      });
    }
  }

  #later(send: () => void): void {
    if (this.#delayMs === 0) send();
    else setTimeout(send, this.#delayMs);
  }
}
