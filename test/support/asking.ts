// People who ask for an app through several computers without a pause, while something is done to the house.
import http from "node:http";
import type { HouseNode } from "./house.ts";

/** Of a request: longer than what is held. */
const ANSWER_MS = 90_000;
const AT_ONCE = 3;

/** Status of the app's page at a node. Rejects where nobody answers. */
export function ask(node: HouseNode, app: string): Promise<number> {
  return new Promise((done, failed) => {
    const options = { host: node.address, headers: { Host: `${app}.home.internal` }, timeout: ANSWER_MS, agent: false };
    http
      .get(options, (response) => {
        response
          .resume()
          .once("end", () => done(response.statusCode ?? 0))
          .once("error", failed);
      })
      .once("timeout", function silent(this: http.ClientRequest) {
        this.destroy(new Error(`no answer in ${ANSWER_MS} ms`));
      })
      .once("error", failed);
  });
}

export interface Asked {
  readonly answers: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

/** Asks each node for the app, several at once and without a pause, until it is told to stop. */
export function askAllTheTime(nodes: readonly HouseNode[], app: string): () => Promise<Asked> {
  const failures: string[] = [];
  let [goesOn, answers, slowestMs] = [true, 0, 0];
  const askOne = async (node: HouseNode): Promise<void> => {
    while (goesOn) {
      const began = performance.now();
      const said = await ask(node, app).catch((error: unknown) => String(error));
      slowestMs = Math.max(slowestMs, performance.now() - began);
      if (said === 200) answers += 1;
      else failures.push(`${app} at ${node.name}: ${said}`);
    }
  };
  const running = nodes.flatMap((node) => Array.from({ length: AT_ONCE }, () => askOne(node)));
  return async () => {
    goesOn = false;
    await Promise.all(running);
    return { answers, failures, slowestMs: Math.round(slowestMs) };
  };
}
