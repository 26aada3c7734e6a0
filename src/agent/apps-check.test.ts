import assert from "node:assert/strict";
import { test } from "node:test";
import { checkApps, type AppsCheckOptions } from "./apps-check.ts";

const summary: AppsCheckOptions["summary"] = {
  zone: "home.internal",
  listeners: [{ protocol: "dns", address: "10.200.0.1", port: 53 }],
};

/** The lines that `up` says. */
async function said(answers: { readonly container: boolean; readonly host: boolean }, pid = 7): Promise<readonly string[]> {
  const lines: string[] = [];
  await checkApps(
    { summary, docker: { processes: async () => [{ id: "", name: "", pid, gateway: "10.200.0.1", restartPolicy: "on-failure" }] } },
    { note: (line) => void lines.push(line), mark: (_, text) => text },
    { fromContainer: async () => answers.container, fromHost: async () => answers.host },
  );
  return lines;
}

test("apps that are answered are nothing to speak of, nor is a machine without apps", async () => {
  assert.deepEqual(await said({ container: true, host: true }), []);
  assert.deepEqual(await said({ container: false, host: false }, 0), []);
});

test("a firewall is blamed only where the same name server answers this computer", async () => {
  const lines = await said({ container: false, host: true });
  assert.deepEqual([lines.length, lines[0]], [3, "apps cannot ask the house for names: 10.200.0.1:53 does not answer them. Let them in:"]);
  assert.deepEqual(await said({ container: false, host: false }), [
    "apps cannot ask the house for names: 10.200.0.1:53 does not answer, this computer neither. Look at `fossora status`",
  ]);
});
