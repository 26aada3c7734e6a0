// What a proxy that has handed over does with who still asks it: its table is the last one that it will ever have.
import assert from "node:assert/strict";
import http from "node:http";
import { describe, test, type TestContext } from "node:test";
import { startFront, type TestFront } from "../support/front.ts";
import { freePort, get, tableOf } from "../support/ingress.ts";
import { disposableApp, withLimit } from "../support/proxy.ts";
import { until } from "../support/until.ts";

describe("a proxy that handed over, of an app that has moved since", () => {
  /** A connection that was answered on, and is kept open. */
  async function kept(t: TestContext, front: TestFront): Promise<http.Agent> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    assert.equal((await get(front.port, { agent })).status, 200);
    return agent;
  }

  test("closes a connection on which it answered before, so that its client asks the other one", async (t) => {
    for (const backends of [[], [await freePort()]]) {
      await using app = await disposableApp();
      await using front = await startFront(app.port, {});
      const agents = [await kept(t, front), await kept(t, front), await kept(t, front)];
      front.use(tableOf(backends));
      const held = get(front.port, { agent: agents[0] });
      await until("it is held", () => front.held === 1);
      const over = front.handOver();
      const later = get(front.port, { agent: agents[1] });
      await withLimit(Promise.all([held, later].map((asked) => assert.rejects(asked, { code: "ECONNRESET" }))));
      for (const agent of agents) agent.destroy();
      await withLimit(over);
      assert.deepEqual(front.errors, []);
    }
  });

  test("answers once more where it can, and who has nothing to fall back on has a page", async (t) => {
    await using app = await disposableApp();
    await using front = await startFront(app.port, {});
    const agents = [await kept(t, front), await kept(t, front)];
    const over = front.handOver();
    const { status, headers } = await get(front.port, { agent: agents[0] });
    assert.deepEqual([status, headers.connection], [200, "close"]);
    front.use(tableOf([], { holdMs: 100 }));
    assert.equal((await get(front.port, { agent: agents[1], method: "POST", body: "x" })).status, 503);
    await withLimit(over);
  });
});
