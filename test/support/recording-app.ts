// An app that keeps every byte it is sent and reads it strictly, to tell what a proxy sent on.
import { once } from "node:events";
import net from "node:net";
import { readRequest, type ReadRequest } from "./strict-http.ts";

export interface RecordingApp extends AsyncDisposable {
  readonly port: number;
  /** In the order in which they came. */
  readonly requests: readonly ReadRequest[];
  /** What could have been understood in two ways. */
  readonly problems: readonly string[];
  /** Open connections that end in the middle of a request. */
  readonly unfinished: number;
  /** Closes its connections and forgets all. */
  reset(): void;
}

/** Answers each request with 200, its method, its target and the length of its body. */
export async function recordingApp(port = 0): Promise<RecordingApp> {
  let requests: ReadRequest[] = [];
  let problems: string[] = [];
  const waiting = new Map<net.Socket, Buffer>();
  const server = net
    .createServer((socket) => {
      waiting.set(socket, Buffer.alloc(0));
      socket.on("error", () => undefined);
      socket.on("close", () => waiting.delete(socket));
      socket.on("data", (chunk: Buffer) => {
        let bytes = Buffer.concat([waiting.get(socket) ?? Buffer.alloc(0), chunk]);
        try {
          for (let read = readRequest(bytes); read !== undefined; read = readRequest(bytes)) {
            requests.push(read.request);
            socket.write(answerTo(read.request), "latin1");
            bytes = bytes.subarray(read.length);
          }
          waiting.set(socket, bytes);
        } catch (error) {
          problems.push(`${String(error)}: ${JSON.stringify(bytes.toString("latin1"))}`);
          socket.destroy();
        }
      });
    })
    .listen(port, "127.0.0.1");
  await once(server, "listening");
  const reset = (): void => {
    [requests, problems] = [[], []];
    for (const socket of waiting.keys()) socket.destroy();
  };
  return {
    port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
    get requests() {
      return requests;
    },
    get problems() {
      return problems;
    },
    get unfinished() {
      return [...waiting.values()].filter((bytes) => bytes.length > 0).length;
    },
    reset,
    [Symbol.asyncDispose]: async () => {
      reset();
      server.close();
    },
  };
}

export function summaryOf({ method, target, body }: ReadRequest): string {
  return `${method} ${target} ${body.length}`;
}

function answerTo(request: ReadRequest): string {
  const text = summaryOf(request);
  return `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${request.method === "HEAD" ? "" : text}`;
}
