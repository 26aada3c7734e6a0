import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../api/errors.ts";
import { formatToken, looksLikeToken, makeToken, parseToken, secretHash, TOKEN_RANDOM_BYTES } from "./token.ts";

const houseHash = "lrnivzfsr7d77aygmzxw6ytboi";
const token = makeToken(houseHash, Buffer.from("abcdefghijklmnopqrstu"));
const text = formatToken(token);

test("a token is read back as it was made, also with blanks, line breaks and capitals", () => {
  assert.equal(text, "fsr1.lrnivzfsr7d77aygmzxw6ytboi.mfrggzdf.mztwq2lknnwg23tpobyxe43uou" + text.slice(-4));
  assert.deepEqual(parseToken(text), token);
  assert.deepEqual(parseToken(`  ${text.slice(0, 30).toUpperCase()}\n${text.slice(30)} `), token);
  assert.equal(Buffer.from("abcdefghijklmnopqrstu").length, TOKEN_RANDOM_BYTES);
});

test("a token may say where its house answers, and nothing but IPv4 addresses with a port", () => {
  const addresses = ["192.168.1.10:733", "100.64.0.3:7330"];
  const made = formatToken({ ...token, addresses: ["nas", "192.168.1.256:1", ...addresses, "10.0.0.1:70000"] });
  assert.equal(made.split(".").length, 5);
  assert.deepEqual(parseToken(made), { ...token, addresses });
});

test("no single mistyped, missing, doubled or swapped character goes unseen", () => {
  for (let index = 0; index < text.length; index++) {
    const other = text[index] === "q" ? "r" : "q";
    const wrong = [
      text.slice(0, index) + other + text.slice(index + 1),
      text.slice(0, index) + text.slice(index + 1),
      text.slice(0, index) + text[index] + text.slice(index),
    ];
    const [left, right] = [text[index], text[index + 1]];
    if (right !== undefined && left !== right) wrong.push(text.slice(0, index) + right + left + text.slice(index + 2));
    for (const typed of wrong) assert.throws(() => parseToken(typed), UserError, typed);
  }
});

test("each error says what is wrong and what to do", () => {
  const says = (typed: string, what: RegExp): void =>
    assert.throws(
      () => parseToken(typed),
      (error: Error) => what.test(error.message) && error.message.includes("`fossora invite`"),
      typed,
    );
  says("", /it is empty/);
  says("192.168.1.2", /should begin with "fsr1."/);
  says(text.replace("fsr1", "fsr2"), /newer kind \(fsr2\)/);
  says(text + text, /pasted together/);
  says(text.slice(0, -2), /last part has 2 characters too few/);
  says(text.replace("m", "0"), /has a "0".*perhaps it is o/);
  says(`${text.slice(0, -1)}${text.endsWith("a") ? "b" : "a"}`, /mistyped/);
});

test("a token is told from an address, and the secret's hash tells nothing of it", () => {
  assert.ok(looksLikeToken(text));
  assert.ok(looksLikeToken("FSR1.abc"));
  assert.ok(!looksLikeToken("nas.local"));
  assert.ok(!secretHash(token.secret).includes(token.secret));
});
