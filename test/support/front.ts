// The ingress' HTTP server in the test's own process, with limits that a test can wait for.
import { HttpFront, type FrontOptions } from "../../src/adapters/http-proxy/front.ts";
import { plainAddress } from "../../src/ingress/address.ts";
import { BackendHealth } from "../../src/ingress/backend-health.ts";
import { decide } from "../../src/ingress/decide.ts";
import { compileRouter } from "../../src/ingress/match.ts";
import * as pages from "../../src/ingress/pages.ts";
import type { HttpRoute, Table } from "../../src/api/table.ts";
import { Traffic } from "../../src/ingress/traffic.ts";
import { tableOf } from "./ingress.ts";
import { noWays } from "./no-ways.ts";

export interface TestFront extends AsyncDisposable {
  readonly port: number;
  /** What was logged as an error. */
  readonly errors: readonly string[];
  /** Requests that wait for a backend. */
  readonly held: number;
  /** From now on it serves this. */
  use(table: Table): void;
  /** Takes no further connections; resolves when the last one has ended. */
  handOver(): Promise<void>;
}

export function startFront(
  appPort: number,
  limits: NonNullable<FrontOptions["limits"]>,
  more: Partial<HttpRoute> = {},
): Promise<TestFront> {
  return startFrontOf(tableOf([appPort], { holdMs: 0, ...more }), { limits });
}

export async function startFrontOf(table: Table, options: Partial<FrontOptions>): Promise<TestFront> {
  const errors: string[] = [];
  let router = compileRouter(table);
  const front = new HttpFront({
    decide: (asked) => decide(router, asked),
    node: () => "attic",
    health: new BackendHealth(),
    ways: noWays,
    pages,
    backendsOf: () => [],
    plainAddress,
    traffic: new Traffic(performance.now()),
    accessLog: { ended: () => undefined },
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (text, fields) => void errors.push(`${text} ${JSON.stringify(fields)}`),
    },
    ...options,
  });
  const listening = await front.listen("127.0.0.1", { port: 0 });
  return {
    port: listening.port,
    errors,
    get held() {
      return front.held;
    },
    use(next) {
      router = compileRouter(next);
      front.changed(next.http);
    },
    handOver() {
      const drained = listening.drain();
      front.handOver();
      return drained;
    },
    [Symbol.asyncDispose]: () => listening.drain(),
  };
}
