// A client of a house as any device is one: it asks name servers with real packets, then the address that they told.
import dgram from "node:dgram";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import dnsPacket from "dns-packet";

export interface NameAnswer {
  /** `NOERROR`, `NXDOMAIN`, `SERVFAIL` ... */
  readonly rcode: string;
  readonly addresses: readonly string[];
}

export interface PageQuestion {
  readonly address: string;
  readonly port?: number;
  /** The name that is asked for. */
  readonly host: string;
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  /** Until there is a connection. */
  readonly connectMs: number;
  /** Until the whole answer. */
  readonly limitMs: number;
}

export interface PageAnswer {
  readonly status: number;
  readonly body: string;
  /** The container that answered, where the lab's server did. */
  readonly servedBy: string | undefined;
}

const DNS_PORT = 53;
let lastId = 0;

/** Undefined: nobody answered in time. */
export async function askName(server: string, name: string, limitMs: number): Promise<NameAnswer | undefined> {
  const id = (lastId = (lastId + 1) % 65_536);
  const question = dnsPacket.encode({ id, type: "query", flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: "A" }] });
  const answer = await askDatagram({ address: server, port: DNS_PORT, limitMs }, question, (packet) => packet.readUInt16BE() === id);
  if (answer === undefined) return undefined;
  const { rcode = "NOERROR", answers = [] } = dnsPacket.decode(answer) as dnsPacket.DecodedPacket & { readonly rcode?: string }; // the types lack it
  return { rcode, addresses: answers.flatMap((each) => (each.type === "A" ? [each.data] : [])) };
}

/** In turn until one tells an address, twice at most, as a resolver does; throws when none does. */
export async function lookUp(servers: readonly string[], name: string, limitMs: number): Promise<readonly string[]> {
  for (const server of [...servers, ...servers]) {
    const answer = await askName(server, name, limitMs);
    if (answer !== undefined && answer.addresses.length > 0) return answer.addresses;
  }
  throw new Error(`Nobody tells an address of ${name}`);
}

/** Undefined: nobody answered in time. */
export async function askDatagram(
  { address, port, limitMs }: { readonly address: string; readonly port: number; readonly limitMs: number },
  question: Uint8Array,
  isAnswer: (packet: Buffer) => boolean,
): Promise<Buffer | undefined> {
  const socket = dgram.createSocket("udp4");
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const timer = setTimeout(() => resolve(undefined), limitMs);
  socket.on("message", (packet, from) => {
    // What comes from elsewhere is late, and for whoever had this port before.
    if (from.address === address && from.port === port && packet.length >= 2 && isAnswer(packet)) resolve(packet);
  });
  socket.on("error", () => {}); // the limit tells
  socket.send(question, port, address);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

/** Throws when there is no whole answer in time. Each on a connection of its own. */
export function askPage(question: PageQuestion): Promise<PageAnswer> {
  const { address, port = 80, host, path = "/", method = "GET", body, connectMs, limitMs } = question;
  return new Promise((resolve, reject) => {
    const request = http.request({ host: address, port, path, method, headers: { host }, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const servedBy = response.headers["x-served-by"];
        resolve({
          status: response.statusCode ?? 0,
          body: Buffer.concat(chunks).toString(),
          servedBy: typeof servedBy === "string" ? servedBy : undefined,
        });
      });
    });
    const end = (why: string): void => void request.destroy(new Error(`${address}: ${why}`));
    const connecting = setTimeout(() => end(`no connection within ${connectMs} ms`), connectMs);
    const whole = setTimeout(() => end(`no answer within ${limitMs} ms`), limitMs);
    request.on("socket", (socket) => socket.once("connect", () => clearTimeout(connecting)));
    request.on("error", reject);
    request.on("close", () => {
      clearTimeout(connecting);
      clearTimeout(whole);
      reject(new Error(`${address}: the answer broke off`)); // no news where it was whole
    });
    request.end(body);
  });
}

/** What a raw port says to a text, to the end of the connection. Throws when that does not come in time. */
export async function askStream(address: string, port: number, text: string, limitMs: number): Promise<string> {
  const socket = net.connect(port, address);
  const timer = setTimeout(() => socket.destroy(new Error(`${address}:${port}: no answer within ${limitMs} ms`)), limitMs);
  let heard = "";
  socket.on("data", (chunk: Buffer) => (heard += chunk.toString()));
  socket.write(text);
  try {
    await once(socket, "end");
    return heard;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
