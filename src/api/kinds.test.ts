import assert from "node:assert/strict";
import { test } from "node:test";
import { isStored, kindByWord, kindWords, namesOf, reference, SERVED_KINDS } from "./kinds.ts";

test("a kind is found by each of its names, whatever the case", () => {
  for (const word of ["service", "services", "svc", "SVC", "Services"]) assert.equal(kindByWord(word)?.kind, "Service", word);
  for (const word of ["node", "nodes", "membership"]) assert.equal(kindByWord(word)?.kind, "Membership", word);
  assert.equal(kindByWord("pod"), undefined);
});

test("no two kinds share a name", () => {
  const words = SERVED_KINDS.flatMap(({ plural, singular, short }) => [plural, singular, ...short]);
  assert.equal(new Set(words).size, words.length);
  assert.deepEqual([...kindWords()], words);
});

test("instances and events cannot be written", () => {
  assert.deepEqual(
    SERVED_KINDS.filter(({ kind }) => !isStored(kind)).map(({ kind }) => kind),
    ["Instance", "Event"],
  );
});

test("a reference is what every command takes", () => {
  assert.equal(reference("Membership", "nas"), "node/nas");
  assert.equal(namesOf("DnsRecord").plural, "dnsrecords");
});
