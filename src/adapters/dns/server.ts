// DNS on one address and port, UDP and TCP: bytes in, bytes out. What to say is somebody else's decision.
import type net from "node:net";
import type { Listen, Listening } from "../../ports.ts";
import { listenTcp } from "./connections.ts";
import { Datagrams } from "./datagrams.ts";
import { newLimits } from "./rate-limit.ts";
import type { DnsOptions } from "./reply.ts";

/** Opens both or neither; handed down as UDP, TCP. */
export function dnsListener(options: DnsOptions): Listen {
  const limits = newLimits();
  return async (address, at) => {
    const datagrams = new Datagrams(options, address, limits);
    const [udpFd, tcpFd] = "fds" in at ? at.fds : [];
    await datagrams.bind(udpFd === undefined ? at : { fds: [udpFd] });
    try {
      const tcp = await listenTcp(options, address, tcpFd === undefined ? { port: datagrams.port } : { fds: [tcpFd] }, limits);
      return combine(datagrams, tcp);
    } catch (cause) {
      await datagrams.drain();
      throw cause;
    }
  };
}

function combine(datagrams: Datagrams, tcp: net.Server): Listening {
  return {
    port: datagrams.port,
    sockets: [datagrams.socket, tcp],
    async drain() {
      await Promise.all([datagrams.drain(), new Promise<void>((done) => tcp.close(() => done()))]);
    },
  };
}
