import assert from "node:assert/strict";
import { test } from "node:test";
import { UdpSessions, type PlacedSession } from "./udp-sessions.ts";

function sessionsOf(counts: Readonly<Record<string, number>>): UdpSessions<PlacedSession> {
  const sessions = new UdpSessions<PlacedSession>();
  let datagrams = 0;
  for (const [source, count] of Object.entries(counts))
    for (let port = 0; port < count; port += 1) sessions.add(`${source} ${port}`, { source, lastDatagram: (datagrams += 1) });
  return sessions;
}

test("the longest idle session of the source that has most makes room for another source", () => {
  const sessions = sessionsOf({ flood: 100, phone: 2 });
  const first = sessions.get("flood 0");
  if (first !== undefined) first.lastDatagram = 1000;
  assert.equal(sessions.whoMakesRoom("laptop"), sessions.get("flood 1"));
  assert.equal(sessions.whoMakesRoom("phone"), sessions.get("flood 1"));
});

test("nobody makes room for the source that has most, nor where none has many", () => {
  assert.equal(sessionsOf({ flood: 100, phone: 2 }).whoMakesRoom("flood"), undefined);
  assert.equal(sessionsOf({ flood: 100, other: 100 }).whoMakesRoom("other"), undefined);
  assert.equal(sessionsOf({ phone: 64, laptop: 64 }).whoMakesRoom("tablet"), undefined);
  assert.equal(sessionsOf({}).whoMakesRoom("phone"), undefined);
});

test("what has ended counts no more", () => {
  const sessions = sessionsOf({ flood: 65 });
  assert.notEqual(sessions.whoMakesRoom("phone"), undefined);
  sessions.delete("flood 0");
  sessions.delete("flood 0");
  assert.deepEqual([sessions.size, [...sessions.all()].length], [64, 64]);
  assert.equal(sessions.whoMakesRoom("phone"), undefined);
});
