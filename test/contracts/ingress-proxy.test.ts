// The rules of a proxy, held by the ingress; and proof that each rule which the wrapper is there for is broken without it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { connectionCases } from "./ingress-connection-cases.ts";
import { keptCases } from "./ingress-kept-cases.ts";
import { messageCases } from "./ingress-message-cases.ts";

const proxyCases = [...messageCases, ...connectionCases, ...keptCases];

describe("the ingress as a proxy", () => {
  let ingress: TestIngress;
  before(async () => (ingress = await startIngress()));
  after(() => ingress.stop());

  const proxyTo = async (port: number): Promise<number> => {
    await ingress.client.putTable(tableOf([port], { holdMs: 0 }), soon());
    return ingress.httpPort;
  };
  for (const { name, run } of proxyCases) test(name, () => run(proxyTo));
});

// Each has a process of its own, and what breaks often hangs.
describe("http-proxy without its wrapper", { concurrency: 4 }, () => {
  for (const { name, bare, run } of proxyCases) {
    test(`${bare}: ${name}`, async () => {
      const started: (() => void)[] = [];
      const proxyTo = async (port: number): Promise<number> => {
        const child = spawn(process.execPath, [path.join(import.meta.dirname, "ingress-bare-proxy.ts"), String(port)], {
          stdio: ["ignore", "pipe", "ignore"],
        });
        started.push(() => child.kill("SIGKILL"));
        const [line] = (await once(child.stdout, "data")) as [Buffer];
        return Number(String(line));
      };
      try {
        await (bare === "holds" ? run(proxyTo) : assert.rejects(run(proxyTo)));
      } finally {
        for (const stop of started) stop();
      }
    });
  }
});
