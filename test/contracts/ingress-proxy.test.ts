// The rules of a proxy, held by the ingress; and proof that each rule which the wrapper is there for is broken without it.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { isBreach, startBareProxy, type BareProxy } from "./ingress-bare.ts";
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
      const started: BareProxy[] = [];
      const proxyTo = async (port: number): Promise<number> => {
        const proxy = await startBareProxy(port);
        started.push(proxy);
        return proxy.port;
      };
      try {
        await (bare === "holds" ? run(proxyTo) : assert.rejects(run(proxyTo), isBreach));
      } finally {
        for (const proxy of started) proxy[Symbol.dispose]();
      }
    });
  }
});

test("a mistake of a test is not taken for a breach", () => {
  const mistakes = [new TypeError("x is not a function"), Object.assign(new Error("no such file"), { code: "ENOENT" }), "a string"];
  assert.deepEqual(mistakes.filter(isBreach), []);
});
