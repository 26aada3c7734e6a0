// Requests that wait for a backend: each until a table brings news of its app, its time is over, or its client goes away. Tables come
// often and mostly tell of others: whoever waits must not knock at its app again at each.
import type http from "node:http";
import type { Backend, HttpRoute } from "../../api/table.ts";
import type { Decision } from "./front.ts";

export class Held {
  readonly #waiting = new Map<() => void, () => boolean>();

  get size(): number {
    return this.#waiting.size;
  }

  /** After a new table. */
  changed(): void {
    for (const [wake, hasNews] of this.#waiting) if (hasNews()) wake();
  }

  /** Nobody tells of tables any more. */
  wake(): void {
    for (const wake of this.#waiting.keys()) wake();
  }

  /** `look` decides by the table of the moment. */
  wait(response: http.ServerResponse, ms: number, before: Decision, look: () => Decision): Promise<void> {
    // It left while somebody was asked whether it may come in: nobody would tell.
    if (response.destroyed) return Promise.resolve();
    return new Promise((done) => {
      const wake = (): void => {
        clearTimeout(timer);
        response.off("close", wake);
        this.#waiting.delete(wake);
        done();
      };
      const timer = setTimeout(wake, ms);
      response.once("close", wake);
      this.#waiting.set(wake, () => isNews(before, look()));
    });
  }
}

function isNews(before: Decision, after: Decision): boolean {
  if (before.kind !== after.kind) return true;
  return before.kind === "forward" && after.kind === "forward" && !leadSame(before.route, after.route);
}

function leadSame({ backends: left }: HttpRoute, { backends: right }: HttpRoute): boolean {
  return left.length === right.length && left.every((backend, index) => leadsSame(backend, right[index]));
}

function leadsSame({ node, host, port }: Backend, other: Backend | undefined): boolean {
  return other?.host === host && other.port === port && other.node === node;
}
