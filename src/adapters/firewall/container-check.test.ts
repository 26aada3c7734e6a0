import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { answersContainer } from "./container-check.ts";

const patience = { tries: 2, answerSeconds: 3, pauseMs: 10 } as const;
const gateway = "127.0.0.1";
const skip = process.getuid?.() === 0 ? false : "a network namespace is entered by root";

/** What this process hears when it is asked as an app is, by a name server that does so with each question. */
async function asked(answer: (question: Buffer) => Promise<Buffer | undefined>, { zone = "home.internal", answerSeconds = 3 } = {}) {
  const socket = dgram.createSocket("udp4");
  const questions: Buffer[] = [];
  socket.on("message", (question, { port, address }) => {
    questions.push(question);
    void answer(question).then((said) => said && socket.send(said, port, address));
  });
  socket.bind(0, gateway);
  await once(socket, "listening");
  const { port } = socket.address();
  const heard = await answersContainer({ pid: process.pid, gateway, port, zone }, { ...patience, answerSeconds });
  socket.close();
  await once(socket, "close");
  return { heard, questions, port };
}

const withoutName = (question: Buffer): Buffer => question.subarray(0, 12);

test("an answer that takes its time is one, and the question is one datagram whatever the zone", { skip }, async () => {
  const late = await asked(async (question) => {
    await setTimeout(1_500);
    return withoutName(question);
  });
  assert.equal(late.heard, true);
  const { heard, questions } = await asked(async (question) => withoutName(question), { zone: "tenletters.internal" });
  assert.deepEqual([heard, questions.length], [true, 1]);
  assert.match(questions[0]?.toString("latin1") ?? "", /^id.{10}\ntenletters\u0008internal.{5}$/s);
});

test("silence is none, nor is a port where nobody listens", { skip }, async () => {
  const { heard, questions, port } = await asked(async () => undefined, { answerSeconds: 1 });
  assert.deepEqual([heard, questions.length], [false, patience.tries]);
  assert.equal(await answersContainer({ pid: process.pid, gateway, port, zone: "home.internal" }, patience), false);
});

test("where it cannot be tried nothing is blamed: the app has ended, or there is no way", { skip }, async () => {
  const check = { gateway, port: 9, zone: "home.internal" };
  assert.equal(await answersContainer({ ...check, pid: 2 ** 22 + 1 }, patience), true);
  assert.equal(await answersContainer({ ...check, pid: process.pid, gateway: "no.such.host.invalid" }, patience), true);
});
