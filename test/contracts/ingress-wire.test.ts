// The ingress against HTTP/1.1 as bytes: each row sent as it stands, and every byte that the app received read strictly. No npm package
// offers such a suite, so the rows are ours.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { rawRequest } from "../support/proxy.ts";
import { recordingApp, summaryOf, type RecordingApp } from "../support/recording-app.ts";
import { wireCases } from "./ingress-wire-cases.ts";

describe("what a client sends", () => {
  let ingress: TestIngress;
  let app: RecordingApp;
  before(async () => {
    [ingress, app] = await Promise.all([startIngress(), recordingApp()]);
    await ingress.client.putTable(tableOf([app.port], { holdMs: 0 }), soon());
  });
  after(async () => {
    await ingress.stop();
    await app[Symbol.asyncDispose]();
  });

  for (const { name, section, send, statuses, app: seen } of wireCases) {
    test(`${section}: ${name} ${statuses.join(", ")}`, async () => {
      app.reset();
      const answer = await rawRequest(ingress.httpPort, Buffer.from(send, "latin1"));
      assert.deepEqual(app.problems, []);
      assert.deepEqual(
        { statuses: [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status)), app: app.requests.map(summaryOf) },
        { statuses, app: seen },
      );
      if (statuses[0] !== 200) assert.equal(app.unfinished, 0, "nothing of it reached the app");
    });
  }
});
