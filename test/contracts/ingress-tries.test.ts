// Which instances hear a request when some take no connection: what was sent to nobody may be sent to another one, what may have been read
// is sent to nobody else.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { describe, test } from "node:test";
import fc from "fast-check";
import { MeshUnreachable } from "../../src/api/errors.ts";
import type { Backend } from "../../src/api/table.ts";
import type { Ways } from "../../src/ports.ts";
import { startFrontOf } from "../support/front.ts";
import { freePort, get, tableOf, type Got } from "../support/ingress.ts";
import { noWays } from "../support/no-ways.ts";
import { disposableApp, withLimit } from "../support/proxy.ts";
import { recordingApp, summaryOf } from "../support/recording-app.ts";
import { readRequest, type ReadRequest } from "../support/strict-http.ts";
import { until } from "../support/until.ts";

/** As the table has them. */
const inOrder = { order: <T>(backends: readonly T[]): readonly T[] => backends, unreachable: () => undefined };
/** More than all the buffers on its way hold. */
const LARGE_BYTES = 20_000_000;

/** A way to the instances of node `far`, which are held up until the test lets them go, or never reached. */
function gateTo(far: string): { readonly ways: Ways; readonly asked: () => number; readonly fail: () => void } {
  const waiting: ((error: Error) => void)[] = [];
  const ways: Ways = {
    ...noWays,
    isElsewhere: ({ node }) => node === far,
    connect: () => new Promise((_done, fail) => waiting.push(fail)),
  };
  return {
    ways,
    asked: () => waiting.length,
    fail: () => {
      for (const fail of waiting.splice(0)) fail(new MeshUnreachable("the way to its node was cut"));
    },
  };
}

describe("a request to an instance that takes no connection", () => {
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "GET"]) {
    for (const framing of ["Content-Length", "Transfer-Encoding"]) {
      test(`${method} with a body and ${framing} is another one's, whole and once`, async () => {
        await using app = await recordingApp();
        const [refused, alsoRefused] = await Promise.all([freePort(), freePort()]);
        await using front = await startFrontOf(tableOf([refused, alsoRefused, app.port]), { health: inOrder });
        const body = "fossora ".repeat(100_000);
        const headers = framing === "Content-Length" ? { [framing]: String(body.length) } : { [framing]: "chunked" };
        const answer = await withLimit(get(front.port, { method, body, headers }));
        assert.deepEqual([answer.status, answer.body], [200, `${method} / ${body.length}`]);
        assert.deepEqual(app.requests.map(summaryOf), [`${method} / ${body.length}`]);
        assert.equal(String(app.requests[0]?.body), body);
        assert.deepEqual(app.problems, []);
      });
    }
  }

  test("is not read before some instance is there, and hears only then that it may go on", async () => {
    let bytes = 0;
    await using app = await disposableApp((request, response) => {
      request.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("end", () => response.end("whole"));
    });
    const gate = gateTo("far");
    const { backends } = tableOf([app.port]).http[0] ?? { backends: [] };
    const away = { node: "far", instance: "away", host: "127.0.0.1", port: 1 };
    await using front = await startFrontOf(tableOf([], { backends: [away, ...backends] }), { health: inOrder, ways: gate.ways });
    const client = net.connect(front.port, "127.0.0.1");
    let heard = "";
    client.on("data", (chunk) => (heard += String(chunk)));
    client.write(`POST / HTTP/1.1\r\nHost: hello\r\nContent-Length: ${LARGE_BYTES}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`);
    client.write(Buffer.alloc(LARGE_BYTES, "x"));
    await until("the way is asked for", () => gate.asked() === 1);
    // By the time that this one has its answer, the first one's would be here too.
    assert.equal((await withLimit(get(front.port, { headers: { Host: "nobody" } }))).status, 404);
    assert.equal(heard, "");
    assert.ok(client.writableLength > 0, "the proxy took all of a body that nobody waits for");
    gate.fail();
    await until("the answer", () => heard.endsWith("whole"), 30_000);
    assert.match(heard, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    assert.equal(bytes, LARGE_BYTES);
    client.destroy();
  });

  test("is another one's where the way is cut before the instance's own TLS stands", async () => {
    await using app = await recordingApp();
    const sockets: net.Socket[] = [];
    // Takes the connection, and says nothing of TLS.
    const mute = net.createServer((socket) => sockets.push(socket.on("error", () => undefined).resume())).listen(0, "127.0.0.1");
    await once(mute, "listening");
    const { port } = mute.address() as net.AddressInfo; // a TCP server has no other kind of address
    const ways: Ways = {
      ...noWays,
      isElsewhere: ({ node }) => node === "far",
      connect: async () => {
        const socket = net.connect(port, "127.0.0.1");
        await once(socket, "connect");
        setImmediate(() => socket.destroy(new MeshUnreachable("the way to its node was cut")));
        return socket;
      },
    };
    const { backends } = tableOf([app.port]).http[0] ?? { backends: [] };
    const away = { node: "far", instance: "away", host: "127.0.0.1", port, tls: "insecure" as const };
    await using front = await startFrontOf(tableOf([], { backends: [away, ...backends] }), { health: inOrder, ways });
    assert.equal((await withLimit(get(front.port, { method: "POST", body: "x" }))).status, 200);
    mute.close();
  });

  test("waits for one, and leaves nothing behind at each try", async () => {
    const port = await freePort();
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warned);
    let tries = 0;
    const health = { ...inOrder, unreachable: () => void (tries += 1) };
    await using front = await startFrontOf(tableOf([port], { holdMs: 60_000 }), { health, limits: { holdRetryMs: 1 } });
    const answer = get(front.port, { method: "POST", body: "x" });
    await until("it was tried many times", () => tries > 50);
    await using app = await recordingApp(port);
    assert.equal((await withLimit(answer)).status, 200);
    assert.deepEqual(app.requests.map(summaryOf), ["POST / 1"]);
    process.off("warning", warned);
    assert.deepEqual(warnings, []);
  });
});

describe("the app that is asked who may come in", () => {
  const forwardAuth = { url: "http://door/", headers: [] };
  const here = (instance: string, port: number): Backend => ({ node: "attic", instance, host: "127.0.0.1", port });

  test("is asked at another instance where a node is lost, before or after it heard the question, and where one takes no connection", async () => {
    const heard: string[] = [];
    const wayFrom = net.createServer((socket) => {
      socket.once("data", (bytes) => {
        heard.push(String(bytes).split(" ", 1)[0] ?? "");
        opened?.destroy(new MeshUnreachable("the way to its node was cut"));
      });
      socket.on("error", () => undefined);
    });
    await once(wayFrom.listen(0, "127.0.0.1"), "listening");
    const { port } = wayFrom.address() as net.AddressInfo; // a TCP server has no other kind of address
    let opened: net.Socket | undefined;
    const ways: Ways = {
      ...noWays,
      isElsewhere: ({ node }) => node === "far",
      async connect({ instance }) {
        if (instance === "lost") throw new MeshUnreachable("its node is away");
        opened = net.connect(port, "127.0.0.1");
        await once(opened, "connect");
        return opened;
      },
    };
    await using app = await recordingApp();
    await using door = await recordingApp();
    const far = ["lost", "cut"].map((instance) => ({ node: "far", instance, host: "127.0.0.1", port: 1 }));
    const backends = [...far, here("dead", await freePort()), here("door", door.port), here("unasked", await freePort())];
    const out: string[] = [];
    const health = { ...inOrder, unreachable: ({ instance }: Backend) => void out.push(instance) };
    await using front = await startFrontOf(tableOf([app.port], { forwardAuth }), { health, ways, backendsOf: () => backends });
    assert.equal((await withLimit(get(front.port, { method: "POST", body: "x" }))).status, 200);
    assert.deepEqual([heard, out], [["GET"], ["lost", "cut", "dead"]]);
    assert.deepEqual(app.requests.map(summaryOf), ["POST / 1"]);
    wayFrom.close();
  });

  test("is asked at no other instance when one took the question and broke off: it may be what ended it", async () => {
    await using app = await recordingApp();
    await using door = await recordingApp();
    await using broken = await oddApp("resets when asked");
    const backends = [here("broken", broken.port), here("door", door.port)];
    await using front = await startFrontOf(tableOf([app.port], { forwardAuth }), { health: inOrder, backendsOf: () => backends });
    assert.equal((await withLimit(get(front.port))).status, 502);
    assert.deepEqual([broken.read.length, door.requests.length, app.requests.length], [1, 0, 0]);
  });

  test("does not keep everybody waiting where it takes connections and says nothing of TLS", async () => {
    const mute = net.createServer((socket) => void socket.on("error", () => undefined).resume());
    await once(mute.listen(0, "127.0.0.1"), "listening");
    const { port } = mute.address() as net.AddressInfo; // a TCP server has no other kind of address
    await using app = await recordingApp();
    await using door = await recordingApp();
    const backends = [{ ...here("mute", port), tls: "insecure" as const }, here("door", door.port)];
    await using front = await startFrontOf(tableOf([app.port], { forwardAuth }), { health: inOrder, backendsOf: () => backends });
    assert.equal((await withLimit(get(front.port))).status, 200);
    mute.close();
  });
});

const KINDS = ["refuses", "resets at once", "resets when asked", "ends when asked", "answers", "answers once a connection"] as const;
type Kind = (typeof KINDS)[number];

interface OddApp extends AsyncDisposable {
  readonly kind: Kind;
  readonly port: number;
  /** Targets, one for each time that a byte of such a request was read. */
  readonly read: readonly string[];
  /** What was answered, whole. */
  readonly whole: readonly ReadRequest[];
}

async function oddApp(kind: Kind): Promise<OddApp> {
  if (kind === "refuses") return { kind, port: await freePort(), read: [], whole: [], [Symbol.asyncDispose]: async () => undefined };
  const read: string[] = [];
  const whole: ReadRequest[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (kind === "resets at once") return void socket.resetAndDestroy();
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      if (bytes.length === 0) read.push(chunk.toString("latin1").split(" ")[1] ?? "");
      bytes = Buffer.concat([bytes, chunk]);
      if (kind === "resets when asked") return void socket.resetAndDestroy();
      const found = readRequest(bytes);
      if (found === undefined) return;
      if (kind === "ends when asked" || (kind === "answers once a connection" && socket.bytesWritten > 0)) return void socket.end();
      whole.push(found.request);
      bytes = bytes.subarray(found.length);
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    kind,
    port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
    read,
    whole,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

/** What may become of a request that is said to these in turn. */
function outcomesOf(kinds: readonly Kind[]): ReadonlySet<number> {
  const statuses = new Set<number>();
  for (const kind of kinds) {
    if (kind.startsWith("answers")) return statuses.add(200);
    if (kind !== "refuses") statuses.add(502);
    // Its reset may come before the connection was seen to stand: then nothing was sent, and the next one is asked.
    if (kind !== "refuses" && kind !== "resets at once") return statuses;
  }
  return statuses.add(502);
}

const asked = fc.record({
  method: fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"),
  bytes: fc.constantFrom(0, 1, 1000, 300_000),
  isChunked: fc.boolean(),
});

const SEED = process.env["FOSSORA_SEED"] === undefined ? {} : { seed: Number(process.env["FOSSORA_SEED"]) };
const RUNS = Number(process.env["FOSSORA_TRIES"] ?? 50);

test("whatever instances refuse, reset, end and answer, one of them at most reads a request that may not be said twice", async () => {
  const scenario = fc.tuple(
    fc.array(fc.constantFrom(...KINDS), { minLength: 1, maxLength: 5 }),
    fc.array(asked, { minLength: 1, maxLength: 8 }),
  );
  const law = fc.asyncProperty(scenario, fc.boolean(), async ([kinds, requests], atOnce) => {
    await using stack = new AsyncDisposableStack();
    const apps = await Promise.all(kinds.map(async (kind) => stack.use(await oddApp(kind))));
    const front = stack.use(
      await startFrontOf(
        tableOf(
          apps.map(({ port }) => port),
          { holdMs: 0 },
        ),
        { health: inOrder },
      ),
    );
    const outcomes = outcomesOf(kinds);
    const ask = async ({ method, bytes, isChunked }: (typeof requests)[number], index: number): Promise<Got> => {
      const body = "x".repeat(bytes);
      const headers: Record<string, string> = isChunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": String(bytes) };
      const answer = await withLimit(get(front.port, { method, path: `/${index}`, body, headers }));
      assert.ok(outcomes.has(answer.status), `${method} ${bytes} to ${kinds.join(", ")}: ${answer.status}`);
      const whole = apps.flatMap((app) => app.whole).filter(({ target }) => target === `/${index}`);
      assert.deepEqual(whole.map(summaryOf), answer.status === 200 ? [`${method} /${index} ${bytes}`] : []);
      return answer;
    };
    if (atOnce) await Promise.all(requests.map(ask));
    else for (const [index, request] of requests.entries()) await ask(request, index);
    for (const [index, { method, bytes, isChunked }] of requests.entries()) {
      const reads = apps.flatMap(({ read }) => read).filter((target) => target === `/${index}`).length;
      const isRepeatable = (method === "GET" || method === "HEAD") && bytes === 0 && !isChunked;
      assert.ok(reads <= (isRepeatable ? 2 : 1), `${method} of ${bytes} bytes was read ${reads} times by ${kinds.join(", ")}`);
    }
  });
  await fc.assert(law, { ...SEED, numRuns: RUNS });
});
