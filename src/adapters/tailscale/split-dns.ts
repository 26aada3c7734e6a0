// Asks the tailscaled of this computer which zones it sends where. One short call of its LocalAPI.
import http from "node:http";
import { readSplitDns } from "./answers.ts";

const ANSWER_WITHIN_MS = 2000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Undefined: no tailscaled, one that is not connected, or one too old to say (before 1.98). */
export async function splitDns(socketPath: string): Promise<Readonly<Record<string, readonly string[]>> | undefined> {
  const text = await get(socketPath, "/localapi/v0/dns-config").catch(() => undefined);
  return text === undefined ? undefined : readSplitDns(text);
}

function get(socketPath: string, path: string): Promise<string | undefined> {
  return new Promise((done, fail) => {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const request = http.get({ socketPath, path, signal, agent: false, headers: { Host: "local-tailscaled.sock" } }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) response.destroy(new Error("too long"));
      });
      response.on("end", () => done(response.statusCode === 200 ? text : undefined));
      response.on("error", fail);
    });
    request.on("error", fail);
  });
}
