// On programs that behave as systemd-inhibit and busctl do: they keep in files what they were asked, and print what the test says.
import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { realClock, silentLog } from "../../../test/support/real.ts";
import { until } from "../../../test/support/until.ts";
import { Logind } from "./logind.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "fossora-logind-"));
const file = (name: string): string => path.join(folder, name);
const programs = { inhibit: file("inhibit"), bus: file("bus") };

before(() => {
  // It holds its lock for as long as the command that it was given runs.
  writeFileSync(programs.inhibit, `#!/bin/sh\necho "$@" >> ${file("asked")}\ntouch ${file("lock")}\ncat\nrm ${file("lock")}\n`);
  writeFileSync(
    programs.bus,
    `#!/bin/sh\ncase "$*" in\n*InhibitDelayMaxUSec) echo '{"type":"t","data":3000000}' ;;\n*monitor) exec tail -n +1 -s 0.05 -f ${file("signals")} ;;\nesac\n`,
  );
  for (const each of Object.values(programs)) chmodSync(each, 0o755);
  writeFileSync(file("signals"), "");
});
after(() => rmSync(folder, { recursive: true }));

const say = (member: string, begins: boolean): void =>
  appendFileSync(file("signals"), `${JSON.stringify({ member, payload: { type: "b", data: [begins] } })}\n`);
const isHeld = (): boolean => existsSync(file("lock"));

test("the machine is held up until the apps are handed over, and again once it woke", async () => {
  const told: string[] = [];
  let done = (): void => undefined;
  const logind = new Logind({
    programs,
    onStopping: (what, withinMs) => {
      told.push(`${what} within ${withinMs}`);
      return new Promise((resolve) => {
        done = resolve;
      });
    },
    onBack: () => told.push("back"),
    clock: realClock,
    log: silentLog,
  });
  const ending = new AbortController();
  const running = logind.run(ending.signal);
  await until("it is held", isHeld);
  assert.match(readFileSync(file("asked"), "utf8"), /^--what=shutdown:sleep --mode=delay --who=Fossora .* cat\n$/);

  say("PrepareForSleep", true);
  await until("it is told", () => told.includes("sleep within 2500"));
  assert.ok(isHeld(), "not before all is handed over");
  done();
  await until("it is let go", () => !isHeld());
  say("PrepareForSleep", false);
  await until("it is held again", isHeld);
  assert.deepEqual(told, ["sleep within 2500", "back"]);

  say("PrepareForShutdown", true);
  await until("it is told", () => told.includes("shutdown within 2500"));
  done();
  await until("it is let go", () => !isHeld());
  ending.abort();
  await running;
});

test("an agent that ends lets the machine go", async () => {
  const ending = new AbortController();
  const logind = new Logind({ programs, onStopping: async () => undefined, onBack: () => undefined, clock: realClock, log: silentLog });
  writeFileSync(file("signals"), "");
  const running = logind.run(ending.signal);
  await until("it is held", isHeld);
  ending.abort();
  await running;
  await until("it is let go", () => !isHeld());
});

test("without logind nothing is done", async () => {
  const nothing = { inhibit: file("none"), bus: file("none") };
  const logind = new Logind({
    programs: nothing,
    onStopping: async () => undefined,
    onBack: () => undefined,
    clock: realClock,
    log: silentLog,
  });
  await logind.run(new AbortController().signal);
});
