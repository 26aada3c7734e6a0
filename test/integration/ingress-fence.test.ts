// What an ingress ends when contact with the house is lost, while another build takes its place.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test, type TestContext } from "node:test";
import type { IngressClient } from "../../src/adapters/ingress-client/client.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { Child } from "../../src/agent/child.ts";
import { IngressKeeper } from "../../src/agent/ingress.ts";
import { FENCE_AFTER_MS } from "../../src/api/fence-times.ts";
import { soon, startIngress, type TestIngress } from "../support/ingress.ts";
import { realClock, silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const main = path.resolve(import.meta.dirname, "../../src/main.ts");

/** As the agent of another build finds it. */
async function startKeeper(t: TestContext, ingress: TestIngress, client: IngressClient): Promise<void> {
  const { dataDir } = ingress;
  const runDir = path.join(dataDir, "../run");
  const newChild = (): Child =>
    new Child({ name: "ingress", runDir, dataDir, logFile: path.join(runDir, "ingress.log"), clock: realClock, log: silentLog });
  const before = newChild();
  before.replacedBy(ingress.child.pid ?? 0, { file: "", args: [], env: {}, identity: "another build" });
  before.release();
  const [child, stop] = [newChild(), new AbortController()];
  const program = { file: process.execPath, args: [main] };
  const onChange = (): void => {};
  const keeper = new IngressKeeper({
    ...{ program, build: "next", dataDir, runDir, child, client, clock: realClock, log: silentLog },
    ...{ onChange, onStatus: onChange },
  });
  t.after(async () => {
    stop.abort(new Error("the test is over"));
    await child.end(1_000);
    await ingress.stop();
  });
  await keeper.start(stop.signal);
}

for (const [how, change] of [
  ["by a hand-over", {}],
  ["because it did not hand over", { handover: () => Promise.reject(new Error("it does not")) }],
] as const)
  test(`an ingress that takes another one's place ${how} knows at once what ends with the contact, and how young that is`, async (t) => {
    const ingress = await startIngress();
    const told = { containers: ["c".repeat(64)], contactAtMs: systemClock.now() - 2_000 };
    await ingress.client.putFence(told, soon());
    const { pid } = await ingress.client.status(soon());
    await startKeeper(t, ingress, { ...ingress.client, ...change });
    assert.deepEqual(await ingress.client.fence(soon()), told);
    assert.notEqual((await ingress.client.status(soon())).pid, pid);
  });

test("an ingress that hands over ends what has lost the contact until the other one serves", async (t) => {
  const group = newGroup();
  if (group === undefined) return t.skip("this computer lets nobody make control groups");
  const app = spawn("sleep", ["600"]);
  t.after(() => group.end(app));
  group.take(app);
  const ingress = await startIngress();
  t.after(() => ingress.stop());
  const { client } = ingress;
  const ended = once(app, "exit");
  await client.putFence({ containers: [group.id], contactAtMs: systemClock.now() - FENCE_AFTER_MS + 2_000 }, soon());
  const isUnderWay = new AbortController();
  const handover = client.handover({ execPath: "/bin/sleep", args: ["60"] }, isUnderWay.signal);
  const first = await Promise.race([ended, handover.catch(() => "the hand-over failed")]);
  assert.deepEqual(first, [null, "SIGKILL"]);
  process.kill(await until("the other one", () => childOf(ingress.child.pid ?? 0)), "SIGKILL");
  await assert.rejects(handover, /it ended with SIGKILL before it was ready/);
});

/** The first of them. */
function childOf(pid: number): number | undefined {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")[0]) || undefined;
}

/** As a container's, of either version; undefined: only root may, and not everywhere. */
function newGroup() {
  const id = randomBytes(32).toString("hex");
  const folder = path.join(existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup", id);
  try {
    mkdirSync(folder);
  } catch {
    return undefined;
  }
  return {
    id,
    take: ({ pid }: ChildProcess): void => writeFileSync(path.join(folder, "cgroup.procs"), String(pid)),
    end: async (process: ChildProcess): Promise<void> => {
      process.kill("SIGKILL");
      await until("the group is empty", () => {
        rmdirSync(folder);
        return true;
      });
    },
  };
}
