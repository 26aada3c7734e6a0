// The life of the ingress process: serving from the disk, handing over under load, taking late addresses, saying who holds a port.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import http from "node:http";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { startLoad } from "../support/load.ts";
import { LoopbackAddresses } from "../support/loopback.ts";
import { openWebSocket, webSocketApp } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { freePort, get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";

describe("an ingress process", () => {
  let ingress: TestIngress;
  let app: TestApp;
  before(async () => {
    [ingress, app] = await Promise.all([startIngress(), startApp()]);
  });
  after(async () => {
    await ingress.stop();
    app.stop();
  });

  test("shows a page for every name until it has a table, and its control socket to its owner only", async () => {
    const fresh = await startIngress();
    try {
      assert.equal((await stat(path.join(fresh.dataDir, "../run/ingress.sock"))).mode & 0o777, 0o600);
      assert.equal((await get(fresh.httpPort)).status, 503);
      assert.equal((await fresh.client.status(soon())).revision, 0);
    } finally {
      await fresh.stop();
    }
  });

  test("reaches an app by its name right after the table came", async () => {
    await ingress.client.putTable(tableOf([app.port]), soon());
    assert.equal((await get(ingress.httpPort)).body, "hello\n");
    assert.equal((await ingress.client.status(soon())).revision, 1);
  });

  test("refuses a table that it cannot read and keeps the one it has", async () => {
    const wrong = { ...tableOf([]), zone: 7 } as unknown as ReturnType<typeof tableOf>; // what another release might send
    await assert.rejects(ingress.client.putTable(wrong, soon()), /"zone" must be text/);
    assert.equal((await get(ingress.httpPort)).status, 200);
  });

  test("serves from the table on disk after kill -9", async () => {
    await ingress.client.putTable({ ...tableOf([app.port]), revision: 2 }, soon());
    await until("the table is on disk", async () =>
      (await readFile(`${ingress.dataDir}/ingress/table.json`, "utf8")).includes('"revision":2,'),
    );
    const gone = ingress.client.gone(soon());
    ingress.child.kill("SIGKILL");
    await gone;
    await ingress.start();
    assert.equal((await ingress.client.status(soon())).revision, 2);
    assert.equal((await get(ingress.httpPort)).status, 200);
    assert.match(dig(ingress, "hello.home.internal"), /192\.168\.1\.10/);
  });

  test("does not start twice in one run directory", async () => {
    const second = execOutcome(ingress);
    assert.notEqual(second.status, 0);
    assert.match(second.stderr, /another ingress answers/);
  });

  test("hands over four times under load without one failed request or query", async () => {
    const load = startLoad({
      address: "127.0.0.1",
      httpPort: ingress.httpPort,
      dnsPort: ingress.dnsPort,
      host: "hello.home.internal",
      requestsPerSecond: 200,
      queriesPerSecond: 50,
    });
    const pids = new Set<number>();
    for (let round = 0; round < 4; round += 1) {
      const { pid: oldPid } = await ingress.client.status(soon());
      pids.add(await ingress.client.handover(ingress.program, soon()));
      const revision = 10 + round;
      await ingress.client.putTable({ ...tableOf([app.port]), revision }, soon());
      await until("the new process has the new table", async () => (await ingress.client.status(soon())).revision === revision);
      await until("the old process ended", () => !isAlive(oldPid));
    }
    const result = await load.stop();
    assert.deepEqual(result.failures, []);
    assert.equal(pids.size, 4);
    assert.ok(pids.has((await ingress.client.status(soon())).pid));
  });

  test("goes on as before when the program that shall take over fails", async () => {
    const { pid } = await ingress.client.status(soon());
    await assert.rejects(ingress.client.handover({ execPath: process.execPath, args: ["-e", "process.exit(3)"] }, soon()), /ended with 3/);
    await assert.rejects(ingress.client.handover({ execPath: "/nonexistent", args: [] }, soon()), /ENOENT/);
    assert.equal((await ingress.client.status(soon())).pid, pid);
    await ingress.client.putTable({ ...tableOf([app.port]), revision: 20 }, soon());
    assert.equal((await get(ingress.httpPort)).status, 200);
  });

  test("keeps streams and WebSockets through a handover, and ends when they do", async () => {
    let stream: http.ServerResponse | undefined;
    const hold: http.RequestListener = (_request, response) => {
      stream = response;
      response.write("first\n");
    };
    await using app = await webSocketApp((socket) => socket.pipe(socket), hold);
    await ingress.client.putTable(tableOf([app.port]), soon());
    const { pid: oldPid } = await ingress.client.status(soon());
    const request = http.get({ host: "127.0.0.1", port: ingress.httpPort, agent: false, headers: { Host: "hello" } });
    const [response] = (await once(request, "response")) as [http.IncomingMessage];
    const socket = await openWebSocket(ingress.httpPort);
    const heard = { stream: "", socket: "" };
    response.on("data", (chunk) => (heard.stream += String(chunk)));
    socket.on("data", (chunk) => (heard.socket += String(chunk)));

    const gone = ingress.client.gone(soon());
    await ingress.client.handover(ingress.program, soon());
    await gone;
    socket.write("echo");
    stream?.end("last\n");
    await until("both were heard", () => heard.stream === "first\nlast\n" && heard.socket === "echo");
    assert.ok(isAlive(oldPid));
    socket.destroy();
    await until("the old process ended", () => !isAlive(oldPid));
  });

  test("says who holds the wanted port and takes the next one", async () => {
    const [busyPort, nextPort] = await Promise.all([freePort(), freePort()]);
    const holder = net.createServer().listen(busyPort, "127.0.0.1");
    await once(holder, "listening");
    await ingress.client.putSettings({ ...ingress.settings, http: { addresses: ["127.0.0.1"], ports: [busyPort, nextPort] } }, soon());
    const { listeners } = await ingress.client.status(soon());
    const listener = listeners.find(({ protocol }) => protocol === "http");
    assert.equal(listener?.port, nextPort);
    assert.match(
      listener?.problem ?? "",
      new RegExp(`port ${busyPort} is held by .+ \\(pid ${process.pid}\\); ${nextPort} was taken instead`),
    );
    holder.close();
    await ingress.client.putSettings(ingress.settings, soon());
  });

  test("listens on an address as soon as the computer has it", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root to add an address");
    const address = "10.254.77.1";
    const loopback = new LoopbackAddresses(`${address}/32`);
    const settings = { ...ingress.settings, dns: { ...ingress.settings.dns, addresses: ["127.0.0.1", address] } };
    await ingress.client.putSettings(settings, soon());
    const status = async () => (await ingress.client.status(soon())).listeners.find((listener) => listener.address === address);
    assert.match((await status())?.problem ?? "", /has no address 10\.254\.77\.1 yet/);
    loopback.add();
    try {
      await until("the listener is open", async () => (await status())?.port === ingress.dnsPort);
      assert.equal((await status())?.problem, undefined);
    } finally {
      loopback.remove();
      await ingress.client.putSettings(ingress.settings, soon());
    }
    return undefined;
  });
});

function dig(ingress: TestIngress, name: string): string {
  return execFileSync("dig", ["+short", "+time=2", "-p", String(ingress.dnsPort), "@127.0.0.1", name], { encoding: "utf8" });
}

function execOutcome(ingress: TestIngress): { readonly status: number; readonly stderr: string } {
  try {
    execFileSync(ingress.program.execPath, ingress.program.args, { encoding: "utf8", stdio: "pipe" });
    return { status: 0, stderr: "" };
  } catch (error) {
    return error as { readonly status: number; readonly stderr: string }; // what execFileSync throws
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
