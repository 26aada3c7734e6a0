// Real clients at a real ingress: a browser with WebSocket and Server-Sent Events, curl, wget and fetch, also while the app restarts.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { HttpRoute } from "../../src/api/table.ts";
import { chromiumReason, startChromium, type BrowserPage, type Chromium } from "../support/chromium.ts";
import { freePort, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { until } from "../support/until.ts";
import { echoWebSockets } from "../support/web-socket-app.ts";

const run = promisify(execFile);
const host = "hello.home.internal";

const html = `<!doctype html><title>films</title><h1 id="app">the app</h1><script>
globalThis.heard = { socket: [], events: [] };
const socket = new WebSocket("ws://" + location.host + "/socket");
socket.onopen = () => { socket.send("hello"); socket.send("x".repeat(5000)); };
socket.onmessage = ({ data }) => heard.socket.push(data.length > 20 ? data.length : data);
new EventSource("/events").onmessage = ({ data }) => heard.events.push(data);
</script>`;

/** At a port of its own choice, so that it comes back where it was. */
async function startWebApp(port: number): Promise<AsyncDisposable> {
  const sockets = new Set<net.Socket>();
  const server = http.createServer((request, response) => {
    if (request.url === "/events") {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      let count = 0;
      const timer = setInterval(() => response.write(`data: ${(count += 1)}\n\n`), 20);
      response.on("close", () => clearInterval(timer));
    } else response.setHeader("Content-Type", "text/html").end(html);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  echoWebSockets(server, (text) => `${text} back`);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}

describe("real clients", () => {
  let ingress: TestIngress;
  let chromium: Chromium | undefined;
  let port = 0;
  let address = "";
  before(async () => {
    [ingress, port] = await Promise.all([startIngress(), freePort()]);
    address = `http://${host}:${ingress.httpPort}/`;
    if (chromiumReason() === undefined) chromium = await startChromium();
  });
  after(async () => {
    await chromium?.[Symbol.asyncDispose]();
    await ingress.stop();
  });

  const serve = (ports: readonly number[], more: Partial<HttpRoute> = {}): Promise<void> =>
    ingress.client.putTable(tableOf(ports, more), soon());
  const held = (): Promise<unknown> => until("a request is held", async () => /fossora_http_held [1-9]/.test(await ingress.metrics()));
  const newPage = async (): Promise<BrowserPage> => {
    assert.ok(chromium);
    return chromium.page();
  };
  const skip = chromiumReason() ?? false;

  test("a browser loads a page and talks with it by WebSocket and Server-Sent Events", { skip }, async () => {
    await using _app = await startWebApp(port);
    await serve([port]);
    const page = await newPage();
    await page.open(address);
    await until("events came", () => page.ask<boolean>("heard.events.length >= 3 && heard.socket.length === 2"));
    assert.deepEqual(await page.ask("heard.socket"), ["hello back", 5005]);
    assert.deepEqual(await page.ask("heard.events.slice(0, 3)"), ["1", "2", "3"]);
    await page.open("about:blank");
  });

  test("a browser that comes while the app restarts sees the app a moment later, and no error", { skip }, async () => {
    await serve([port]);
    const page = await newPage();
    const opening = page.open(address);
    await held();
    await using _app = await startWebApp(port);
    await opening;
    assert.equal(await page.ask("document.getElementById('app')?.textContent"), "the app");
    await page.open("about:blank");
  });

  test("the page of an app that is away shows itself as it was meant, and gives way to the app", { skip }, async () => {
    const message = `There is no image 'registry.example.org/${"very-long-name/".repeat(10)}films:1'. Check its name`;
    await serve([], { holdMs: 0, waiting: { reason: "Starting", message, next: "fossora describe service/hello" } });
    const page = await newPage();
    await page.send("Emulation.setDeviceMetricsOverride", { width: 320, height: 640, deviceScaleFactor: 1, mobile: true });
    await page.send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: "dark" }] });
    await page.open(address);
    assert.equal(await page.ask("document.querySelector('h1').textContent"), "hello is starting");
    assert.ok(await page.ask("document.documentElement.scrollWidth <= innerWidth"), "it is wider than a phone");
    const { nodes } = await page.send("Accessibility.getFullAXTree");
    const roles = (nodes as readonly { readonly role?: { readonly value: string } }[]).map(({ role }) => role?.value); // as DevTools says
    for (const role of ["main", "heading", "paragraph"]) assert.ok(roles.includes(role), `${role} is not among ${roles.join()}`);
    assert.equal(await page.ask("getComputedStyle(document.body).backgroundColor"), "rgb(22, 24, 28)");
    // Whatever got into the page would not run.
    await page.ask("document.body.insertAdjacentHTML('beforeend', '<img src=\"/x.png\" onerror=\"globalThis.ran = true\">')");
    await until("the policy forbade it", () => page.complaints.some((each) => each.includes("Content Security Policy")));
    assert.equal(await page.ask("globalThis.ran"), undefined);
    await using _app = await startWebApp(port);
    await serve([port]);
    await until("the app is shown", async () => (await page.ask("document.getElementById('app')?.textContent")) === "the app");
    await page.open("about:blank");
  });

  const clients: Readonly<Record<string, () => Promise<string>>> = {
    curl: async () => (await run("curl", ["-sS", "--fail", "--resolve", `${host}:${ingress.httpPort}:127.0.0.1`, address])).stdout,
    wget: async () => (await run("wget", ["-q", "-O", "-", `--header=Host: ${host}`, `http://127.0.0.1:${ingress.httpPort}/`])).stdout,
    // fetch sends no other Host than the address has: a name of loopback does.
    fetch: async () => {
      const response = await fetch(`http://localhost:${ingress.httpPort}/`);
      assert.equal(response.status, 200);
      return response.text();
    },
  };
  for (const [name, get] of Object.entries(clients)) {
    test(`${name} gets the app, and waits for it while it restarts`, async () => {
      await serve([port], { host: name === "fetch" ? "localhost" : "hello" });
      const waiting = get();
      await held();
      await using _app = await startWebApp(port);
      assert.equal(await waiting, html);
      assert.equal(await get(), html);
    });
  }
});
