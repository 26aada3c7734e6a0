// A headless Chromium on a computer of its own in the same network, that asks an app by name again and again, with all that it keeps: names,
// connections, addresses that answered last.
import http from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { chromiumReason } from "../support/chromium.ts";
import type { Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";

const HOST = "browser";
const PAUSE_MS = 50;
/** Then whoever waits presses reload. */
const RELOAD_MS = 2_000;
const RECOVERY_LIMIT_MS = 180_000;

/** Says when it asks and when it is answered. What the answer says it may not read: the app is another origin. */
function pageFor(url: string): string {
  return `<!doctype html><title>watch</title><script>
(async () => {
  for (;;) {
    await fetch("/asks", { method: "POST" });
    const answered = await fetch(${JSON.stringify(url)}, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout(${RELOAD_MS}) }).then(() => true, () => false);
    if (answered) await fetch("/answered", { method: "POST" });
    await new Promise((resolve) => setTimeout(resolve, ${PAUSE_MS}));
  }
})();
</script>`;
}

export class Browser {
  readonly #lab: Lab;
  readonly #server: http.Server;
  /** Since it was last settled: ms of `performance.now()` here. */
  #answers: { readonly askedMs: number; readonly answeredMs: number }[] = [];
  #askedMs = 0;

  private constructor(lab: Lab, url: string) {
    this.#lab = lab;
    this.#server = http.createServer((request, response) => {
      if (request.url === "/asks") this.#askedMs = performance.now();
      if (request.url === "/answered") this.#answers.push({ askedMs: this.#askedMs, answeredMs: performance.now() });
      response.setHeader("content-type", "text/html").end(request.url === "/" ? pageFor(url) : "");
    });
  }

  /** `servers`: whom it asks for names, as its router told it. Undefined: there is no Chromium here. */
  static async start(lab: Lab, url: string, servers: readonly string[]): Promise<Browser | undefined> {
    if (chromiumReason() !== undefined) return undefined;
    const { ip } = await lab.client(HOST, servers);
    const browser = new Browser(lab, url);
    const gateway = ip.replace(/\.\d+$/, ".1"); // this machine, on every network of the lab
    browser.#server.listen(0, gateway);
    await once(browser.#server, "listening");
    const { port } = browser.#server.address() as AddressInfo; // it listens on a port
    const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run"];
    const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir=/tmp/chromium"];
    await lab.start(HOST, "chromium", ["/usr/bin/chromium", ...flags, ...quiet, `http://${gateway}:${port}/`]);
    return browser;
  }

  /** It is answered now. */
  async settled(): Promise<void> {
    this.#answers = [];
    const nowMs = performance.now();
    await until("Chromium is answered", () => this.#answers.some(({ askedMs }) => askedMs > nowMs), RECOVERY_LIMIT_MS);
  }

  /** Until it was answered what it asked after this moment, when the lost computer was gone: ms of `performance.now()`. */
  async recovered(goneMs: number): Promise<number> {
    const first = (): number | undefined => this.#answers.find(({ askedMs }) => askedMs > goneMs)?.answeredMs;
    return until("Chromium is answered after the loss", first, RECOVERY_LIMIT_MS);
  }

  async close(): Promise<void> {
    await this.#lab.stop(HOST, "chromium", { kill: true, all: true }).catch(() => undefined); // it had ended
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
