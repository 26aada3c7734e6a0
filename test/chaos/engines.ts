// Asks the engine of each host which containers of an app run, also of hosts that nobody else reaches.
import http from "node:http";
import type { LabHost } from "../support/lab.ts";

const LIMIT_MS = 1_500;

/** Ids; undefined: the engine does not answer, or the computer has no power. */
export function runningContainers(host: Pick<LabHost, "docker">, app: string): Promise<readonly string[] | undefined> {
  const filters = JSON.stringify({ label: [`fossora.dev/name=${app}`], status: ["running"] });
  const options = { socketPath: host.docker.replace("unix://", ""), path: `/containers/json?filters=${encodeURIComponent(filters)}` };
  return new Promise((resolve) => {
    const request = http.get({ ...options, agent: false, timeout: LIMIT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on("error", () => resolve(undefined));
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        if (response.statusCode !== 200) return resolve(undefined);
        const found = JSON.parse(Buffer.concat(chunks).toString()) as readonly { readonly Id: string }[]; // Docker's documented form
        return resolve(found.map(({ Id }) => Id.slice(0, 12)));
      });
    });
    request.on("timeout", () => request.destroy());
    request.on("error", () => resolve(undefined));
  });
}
