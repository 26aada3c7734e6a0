// The ingress among clients and apps that send nearly anything: it goes on, passes on nothing that could be understood in two ways, and
// keeps nothing. `npm run soak` sends ten times as much.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { SeededRandom } from "../fakes/clock.ts";
import { answerText, requestText } from "../support/http-fuzz.ts";
import { AS_BUILT, get, soon, startApp, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { recordingApp } from "../support/recording-app.ts";
import { until } from "../support/until.ts";

const exchanges = Number(process.env["FOSSORA_HTTP_EXCHANGES"] ?? 10_000);
const seed = Number(process.env["FOSSORA_SEED"] ?? 1);
const roundSize = 1_000;
const atOnce = 100;
/** Who hears nothing for this long goes: most of what is sent here is waited for in vain. */
const quietMs = 30;
const growthMaxBytes = 60 * 1024 * 1024;

describe(`with seed ${seed}`, () => {
  let ingress: TestIngress;
  before(async () => (ingress = await startIngress(AS_BUILT)));
  after(() => ingress.stop());

  const rss = async (): Promise<number> => Number(/^fossora_ingress_resident_memory_bytes (\d+)/m.exec(await ingress.metrics())?.[1]);

  /** Rounds of `one`; after each the ingress is well, and in the second half it grows no more. */
  async function rounds(count: number, one: (dice: SeededRandom) => Promise<void>, checkRound: () => Promise<void>): Promise<void> {
    const { pid } = ingress.child;
    const descriptors = await openDescriptors(pid);
    let atHalf = 0;
    for (let done = 0; done < count; done += roundSize) {
      const dice = new SeededRandom(seed + done);
      const worker = async (): Promise<void> => {
        for (let index = 0; index < roundSize / atOnce; index += 1) await one(dice);
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      await checkRound();
      assert.equal((await ingress.client.status(soon())).pid, pid);
      if (done < count / 2) atHalf = await rss();
    }
    assert.doesNotMatch(await ingress.log(), / error /);
    const grew = (await rss()) - atHalf;
    assert.ok(grew < growthMaxBytes, `${grew} bytes more`);
    // Some wait to be let go, or are kept open to the app for a while.
    await until("its descriptors are closed", async () => (await openDescriptors(pid)) <= descriptors + atOnce, 90_000);
  }

  test(`${exchanges} messages of clients: only what is clear is passed on`, { timeout: 1_200_000 }, async () => {
    await using app = await recordingApp();
    await ingress.client.putTable(tableOf([app.port], { holdMs: 0 }), soon());
    const send = (dice: SeededRandom): Promise<void> => exchange(ingress.httpPort, Buffer.from(requestText(dice), "latin1"), dice);
    let passedOn = 0;
    await rounds(exchanges, send, async () => {
      assert.deepEqual(app.problems, []);
      const nobodys = app.requests.filter(({ headers }) =>
        headers.some(([name, value]) => name === "X-Forwarded-For" && value !== "127.0.0.1"),
      );
      assert.deepEqual(nobodys, []);
      passedOn += app.requests.length;
      app.reset();
      const clean = await get(ingress.httpPort, { method: "POST", path: "/clean", body: "hello" });
      assert.deepEqual([clean.status, clean.body], [200, "POST /clean 5"]);
    });
    assert.ok(passedOn > exchanges / 10, `the generator is too wild: ${passedOn}`);
  });

  test(`${exchanges / 2} answers of apps: nobody else hears of them`, { timeout: 1_200_000 }, async () => {
    let dice = new SeededRandom(seed);
    const sockets = new Set<net.Socket>();
    const broken = net.createServer((socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => undefined);
      socket.on("data", () => {
        socket.write(Buffer.from(answerText(dice), "latin1"));
        if (dice.chance(0.5)) socket.end();
      });
    });
    broken.listen(0, "127.0.0.1");
    await once(broken, "listening");
    const well = await startApp((request, response) => response.end(request.url));
    try {
      const route = tableOf([(broken.address() as net.AddressInfo).port], { holdMs: 0 });
      const other = tableOf([well.port], { name: "well", host: "well" }).http;
      await ingress.client.putTable({ ...route, http: [...route.http, ...other] }, soon());
      const ask = (next: SeededRandom): Promise<void> => {
        dice = next;
        const method = next.pick(["GET", "HEAD", "POST"]);
        const bytes = Buffer.from(`${method} / HTTP/1.1\r\nHost: hello\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello`);
        return exchange(ingress.httpPort, bytes, next);
      };
      await rounds(exchanges / 2, ask, async () => {
        const clean = await get(ingress.httpPort, { path: "/clean", headers: { Host: "well" } });
        assert.deepEqual([clean.status, clean.body], [200, "/clean"]);
        for (const socket of sockets) socket.destroy();
      });
    } finally {
      broken.close();
      well.stop();
    }
  });
});

/** Sends it whole or in two, and goes when the other end does, or says nothing more. */
function exchange(port: number, bytes: Buffer, dice: SeededRandom): Promise<void> {
  const [cut, how] = [dice.chance(0.3) ? dice.int(0, bytes.length) : bytes.length, dice.int(0, 9)];
  return new Promise((done) => {
    const socket = net.connect(port, "127.0.0.1");
    const timer = setTimeout(() => (how < 5 ? socket.resetAndDestroy() : socket.destroy()), quietMs);
    socket.on("connect", () => timer.refresh());
    socket.on("error", () => undefined);
    socket.on("data", () => timer.refresh());
    socket.on("close", () => {
      clearTimeout(timer);
      done();
    });
    socket.write(bytes.subarray(0, cut), () => {
      if (cut < bytes.length) setImmediate(() => socket.write(bytes.subarray(cut)));
      // Some go while they are answered.
      if (how === 9) socket.end();
    });
  });
}

async function openDescriptors(pid: number | undefined): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`)).length;
}
