// One health check over the network: a connection, or a GET whose answer has a good status.
import { request } from "node:http";
import { connect } from "node:net";
import type { Probe } from "../../ports.ts";

/**
 * What an image's own check sends from inside: apps that serve listed hosts alone (Nextcloud, Paperless) let it through, and refuse the address
 * of their container. A Service may have no route or several, so none of their hosts would do.
 */
const HOST = "localhost";

/** Undefined: well; else one line on what is wrong. Ends within `timeoutMs`, and at once with the signal. */
export async function checkProbe(probe: Probe, timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
  const where = `${probe.host}:${probe.port}`;
  let limit: AbortSignal | undefined;
  try {
    limit = AbortSignal.timeout(Math.ceil(timeoutMs));
    const ends = AbortSignal.any([signal, limit]);
    return await (probe.kind === "tcp" ? checkTcp(probe, ends) : checkHttp(probe, ends));
  } catch (error) {
    if (limit?.aborted) return `no answer from ${where} within ${timeoutMs / 1000} s`;
    const { code, message } = error as NodeJS.ErrnoException; // what sockets throw
    return code === "ECONNREFUSED" ? `nobody listens on ${where}` : `cannot reach ${where}: ${code ?? message}`;
  }
}

type TcpProbe = Extract<Probe, { readonly kind: "tcp" }>;
type HttpProbe = Extract<Probe, { readonly kind: "http" }>;

function checkTcp({ host, port }: TcpProbe, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

function checkHttp({ host, port, path, status: [lowest, highest] }: HttpProbe, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { host: HOST, "user-agent": "fossora-health" };
    const asked = request({ host, port, path, signal, agent: false, headers }, (response) => {
      const { statusCode = 0 } = response;
      response.destroy();
      resolve(statusCode >= lowest && statusCode <= highest ? undefined : `GET ${path} answers ${statusCode}`);
    });
    asked.once("error", reject);
    asked.end();
  });
}
