// The command that a test plays keeps the contract of those that Docker runs.
import { test } from "node:test";
import { ScriptedSession } from "../support/transcript-house.ts";
import { keepsInputWaiting } from "./exec-session.ts";

test("a scripted command keeps its input waiting", async () => {
  const reads = Promise.withResolvers<void>();
  const session: ScriptedSession = new ScriptedSession([], async () => {
    await reads.promise;
    session.say(String((await session.readAll()).length));
    return 0;
  });
  await keepsInputWaiting({ session, readOn: async () => reads.resolve() });
});
