// What a shell is told at a Tab: names of commands, flags and what is in the house, at once or not at all.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { promisify } from "node:util";
import { fossora, type Outcome, type RunOptions } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, READY_NODE, readyService } from "../support/transcript-statuses.ts";
import { until as untilBy } from "../support/until.ts";

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
  await run("apply", "-f", "jellyfin.yaml");
  house.setStatus("Service", "jellyfin", readyService());
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

describe("completion", () => {
  const main = path.join(import.meta.dirname, "../../src/main.ts");
  const cache = mkdtempSync(path.join(tmpdir(), "fossora-completion-"));
  after(() => rmSync(cache, { recursive: true, force: true }));

  /** As the shell's script calls it, in a process of its own. */
  const tab = async (socket: string, ...words: readonly string[]): Promise<readonly string[]> => {
    const env = { ...process.env, FOSSORA_SOCKET: socket, XDG_CACHE_HOME: cache };
    const { stdout } = await promisify(execFile)(process.execPath, [main, "complete", "--", ...words], { env });
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0] ?? "");
  };

  test("names commands, flags and what is in the house; without a node only what needs none", async () => {
    await run("apply", "-f", "jellyfin.yaml");
    house.setStatus("Service", "jellyfin", readyService());
    assert.deepEqual(await tab(house.socket, "ap"), ["apply", "api-resources", ":4"]);
    assert.deepEqual(await tab(house.socket, "apply", "--wa"), ["--wait", ":4"]);
    // On a busy machine the house may be slower than a Tab waits.
    const names = await untilBy("the house answers in time", async () => {
      const found = await tab(house.socket, "logs", "");
      return found.length > 1 && found;
    });
    assert.deepEqual(names, ["jellyfin", "svc/jellyfin", "instance/jellyfin-k3f9", ":4"]);
    assert.deepEqual(await tab("/nonexistent", "logs", "jel"), [":4"]);
    await untilBy("the house answers in time", async () => (await tab(house.socket, "node", "cordon", "")).includes("nas"));
    await untilBy("the house answers in time", async () => (await tab(house.socket, "drill", "")).includes("nas"));
  });

  test("prints a script for each shell", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { stdout } = await promisify(execFile)(process.execPath, [main, "completion", shell]);
      assert.match(stdout, /fossora complete -- /, shell);
    }
    assert.equal((await fossora({ socket: "/nonexistent" }, "completion", "tcsh")).code, 2);
  });

  /** In this process, where time stands still at what the test says; the shell's answer is printed past our streams. */
  const names = async (t: TestContext, options: RunOptions): Promise<readonly string[]> => {
    const printed = t.mock.method(console, "log", () => undefined);
    await fossora(options, "complete", "--", "logs", "");
    const lines = printed.mock.calls.map(({ arguments: [line] }) => String(line).split("\t")[0] ?? "");
    printed.mock.restore();
    return lines;
  };

  test("remembers the names for five seconds, of this house only", async (t) => {
    const remembered = { atMs: Date.parse("2026-01-10T00:00:00.000Z"), socket: house.socket, names: { Service: ["remembered"] } };
    const files = { "/cache/fossora/names.json": JSON.stringify(remembered) };
    const after = (elapsedMs: number, socket = house.socket): RunOptions => ({ socket, files, elapsedMs: () => elapsedMs });
    assert.deepEqual(await names(t, after(4_999)), ["remembered", "svc/remembered", ":4"]);
    await untilBy("the house answers in time", async () => (await names(t, after(5_000))).includes("jellyfin"));
    assert.deepEqual(await names(t, after(0, "/nonexistent")), [":4"]);
  });

  test("gives a node that does not answer 300 ms", { timeout: 30_000 }, async (t) => {
    const directory = mkdtempSync(path.join(tmpdir(), "fossora-mute-"));
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => void sockets.add(socket.on("error", () => undefined)));
    const at = path.join(directory, "mute.sock");
    await new Promise<void>((resolve) => mute.listen(at, resolve));
    try {
      // Any other request has a minute, which this test has not.
      assert.deepEqual(await names(t, { socket: at }), [":4"]);
      assert.ok(sockets.size > 0, "it was asked");
    } finally {
      for (const socket of sockets) socket.destroy();
      mute.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
