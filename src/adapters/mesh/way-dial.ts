// A connection to another node's 734: whichever of its addresses answers first, and only if it is that node.
import net from "node:net";
import tls from "node:tls";
import type { MeshTrust } from "./identify.ts";
import { keepWayAlive } from "./way-socket.ts";
import { ingressBehind, WAY_PROTOCOL, wayOptions } from "./way-trust.ts";

/** An address that does not answer in this time is not waited for alone. */
const NEXT_ADDRESS_MS = 200;

export interface WayAddress {
  readonly host: string;
  readonly port: number;
}

export interface Dialled {
  readonly socket: tls.TLSSocket;
  readonly address: WayAddress;
}

export interface DialTo {
  readonly addresses: readonly WayAddress[];
  readonly nodeId: string;
  readonly trust: MeshTrust;
  /** What goes on from one connection to the next, of one trust and one node; absent: nothing does. */
  readonly kept?: KeptSession;
}

/** A connection that resumes costs less than half of a new one. */
export interface KeptSession {
  readonly nodeId: string;
  readonly context: tls.SecureContext;
  session?: Buffer;
}

export function keepSession(trust: MeshTrust, nodeId: string): KeptSession {
  return { nodeId, context: tls.createSecureContext(wayOptions(trust)) };
}

/** The addresses in turn, a later one beside those that are silent. Throws what the last one said. */
export async function dialNode({ addresses, ...to }: DialTo, limitMs: number): Promise<Dialled> {
  const over = new AbortController();
  const limit = setTimeout(() => over.abort(new Error(`no answer within ${limitMs} ms`)), limitMs);
  try {
    return await raceDials(addresses, (address) => dialAddress(address, to, over.signal));
  } finally {
    clearTimeout(limit);
    over.abort(new Error("another address answered"));
  }
}

async function raceDials(addresses: readonly WayAddress[], dial: (address: WayAddress) => Promise<Dialled>): Promise<Dialled> {
  if (addresses.length === 0) throw new Error("no address of it is known");
  const { promise, resolve, reject } = Promise.withResolvers<Dialled>();
  let [next, open, won] = [0, 0, false];
  let timer: NodeJS.Timeout | undefined;
  const start = async (): Promise<void> => {
    clearTimeout(timer);
    const address = addresses[next];
    if (won || address === undefined) return;
    next += 1;
    open += 1;
    if (next < addresses.length) timer = setTimeout(() => void start(), NEXT_ADDRESS_MS);
    try {
      const dialled = await dial(address);
      // Two may answer at once.
      if (won) dialled.socket.destroy();
      won = true;
      clearTimeout(timer);
      resolve(dialled);
    } catch (error) {
      open -= 1;
      if (next < addresses.length) void start();
      else if (open === 0) reject(error);
    }
  };
  void start();
  return promise;
}

function dialAddress(
  address: WayAddress,
  { nodeId, trust, kept = keepSession(trust, nodeId) }: Omit<DialTo, "addresses">,
  over: AbortSignal,
): Promise<Dialled> {
  return new Promise((done, fail) => {
    const raw = net.connect({ ...address, allowHalfOpen: true, noDelay: true });
    raw.on("error", () => raw.destroy());
    const options: tls.ConnectionOptions = {
      secureContext: kept.context,
      ...(kept.session && { session: kept.session }),
      socket: raw,
      rejectUnauthorized: false, // looked at below
      checkServerIdentity: () => undefined,
      ALPNProtocols: [WAY_PROTOCOL],
      // What one end has no more to say the other may still answer.
      allowHalfOpen: true,
    } as tls.ConnectionOptions; // its types leave allowHalfOpen out
    const socket = tls.connect(options);
    // TLS itself cannot break off; the connection below it can.
    Object.defineProperty(socket, "resetAndDestroy", { value: () => raw.resetAndDestroy() && socket });
    const giveUp = (): void => {
      socket.destroy();
      raw.destroy();
    };
    over.addEventListener("abort", giveUp, { once: true });
    let problem: Error | undefined;
    socket.on("error", (error) => {
      problem ??= error;
      giveUp();
    });
    socket.once("secureConnect", () => {
      over.removeEventListener("abort", giveUp);
      // Only who has the session of a node that proved itself can go on with it. Node shows no certificate then.
      const found = socket.isSessionReused() ? nodeId : ingressBehind(socket, trust);
      if (found === nodeId) {
        socket.on("session", (session) => (kept.session = session));
        keepWayAlive(socket);
        return done({ socket, address });
      }
      problem = new Error(found === undefined ? "it is no ingress of this house" : `another node answered (${found})`);
      return giveUp();
    });
    const closed = (): void => fail(problem ?? (over.aborted ? (over.reason as Error) : new Error("it closed the connection")));
    socket.once("close", closed);
    raw.once("close", closed);
    if (over.aborted) giveUp();
  });
}
