// Messages of HTTP/1.1 that are nearly right: made of parts that parsers disagree about, then damaged. The same seed makes the same ones.
import type { SeededRandom } from "../fakes/clock.ts";

const METHODS = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "PRI", "G\0T", ""];
const TARGETS = [
  "/",
  "/a/../b",
  "*",
  "http://hello/x",
  "http://other/",
  "//x",
  "/%00%2e",
  "/a b",
  "hello:80",
  "/#x",
  "/\xff",
  "",
  "/?a=\r",
];
const VERSIONS = ["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/1.9", "HTTP/0.9", "http/1.1", ""];
const NAMES = [
  "Content-Length",
  "Transfer-Encoding",
  "Host",
  "Connection",
  "Upgrade",
  "Expect",
  "X",
  "TE",
  "Trailer",
  "Content_Length",
  "Cookie",
];
const VALUES = [
  ..."0 5 +5 -1 0x5 5,5 chunked Chunked identity gzip,chunked chunked,chunked hello other close keep-alive".split(" "),
  ..."100-continue websocket h2c trailers content-length transfer-encoding upgrade ; , 99999999999999999999".split(" "),
  " chunked ",
  "\vchunked",
  "chunked\xa0",
  "",
  "x".repeat(300),
];
const SEPARATORS = [": ", ": ", ": ", ":", " : ", ":\t", "\t: ", "", ":\r\n "];
const ENDS = ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", "\0\r\n"];
const CHUNKED_BODIES = [
  "0\r\n\r\n",
  "5\r\nhello\r\n0\r\n\r\n",
  "5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n",
  "5\nhello\n0\n\n",
  "6\r\nhello\r\n0\r\n\r\n",
  "4\r\nhello\r\n0\r\n\r\n",
  "ffffffffffffffff\r\nhello",
  "-1\r\nhello\r\n",
  "0\r\nContent-Length: 5\r\n\r\nhello",
];
const SPECIAL = [
  "\r",
  "\n",
  "\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "\x80",
  "\xff",
  "0",
  "\r\n\r\n",
  "Host: other\r\n",
  "Content-Length: 3\r\n",
];

/** Latin-1. */
export function requestText(dice: SeededRandom): string {
  const lines = dice.chance(0.9) ? ["Host: hello\r\n"] : [];
  if (dice.chance(0.6)) return damaged(wellFormed(dice), dice, 0.4);
  for (let count = dice.int(0, 4); count > 0; count -= 1)
    lines.splice(dice.int(0, lines.length), 0, dice.pick(NAMES) + dice.pick(SEPARATORS) + dice.pick(VALUES) + dice.pick(ENDS));
  const body = dice.chance(0.5) ? dice.pick(CHUNKED_BODIES) : "hello".repeat(dice.int(0, 2));
  return damaged(`${dice.pick(METHODS)} ${dice.pick(TARGETS)} ${dice.pick(VERSIONS)}\r\n${lines.join("")}\r\n${body}`, dice, 0.3);
}

function wellFormed(dice: SeededRandom): string {
  const message = (): string => {
    const close = dice.chance(0.3) ? "Connection: close\r\n" : "";
    switch (dice.int(0, 3)) {
      case 0:
        return `POST /post HTTP/1.1\r\nHost: hello\r\n${close}Content-Length: 5\r\n\r\nhello`;
      case 1:
        return `PUT /put HTTP/1.1\r\nHost: hello\r\n${close}Transfer-Encoding: chunked\r\n\r\n${dice.pick(CHUNKED_BODIES)}`;
      case 2:
        return `GET /socket HTTP/1.1\r\nHost: hello\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
      default:
        return `GET /get HTTP/1.${dice.pick(["0", "1", "1"])}\r\nHost: hello\r\n${close}\r\n`;
    }
  };
  return Array.from({ length: 1 + dice.int(0, 2) }, message).join("");
}

/** Latin-1. An answer of an app that means no good, or is broken. */
export function answerText(dice: SeededRandom): string {
  const status = dice.pick([
    "200 OK",
    "200 OK",
    "200 OK",
    "204 No",
    "304 Not",
    "100 Go on",
    "103 Early",
    "101 Switching",
    "999",
    "099 x",
    "200",
    "-1 x",
  ]);
  const lines = Array.from(
    { length: dice.int(0, 3) },
    () => dice.pick(NAMES) + dice.pick(SEPARATORS) + dice.pick(VALUES) + dice.pick(ENDS),
  );
  const body = dice.chance(0.5) ? dice.pick(CHUNKED_BODIES) : "hello".repeat(dice.int(0, 2));
  const right = dice.chance(0.5) ? `Content-Length: ${body.length}\r\n` : dice.chance(0.5) ? "Transfer-Encoding: chunked\r\n" : "";
  return damaged(`${dice.pick(VERSIONS)} ${status}\r\n${right}${lines.join("")}\r\n${body}`, dice, 0.4);
}

function damaged(text: string, dice: SeededRandom, chance: number): string {
  let all = text;
  while (dice.chance(chance)) {
    const at = dice.int(0, all.length);
    const length = dice.int(0, 11);
    switch (dice.int(0, 4)) {
      case 0:
        all = all.slice(0, at) + all.slice(at + 1);
        break;
      case 1:
        all = all.slice(0, at) + dice.pick(SPECIAL) + all.slice(at);
        break;
      case 2:
        all = all.slice(0, at) + all.slice(at, at + length) + all.slice(at);
        break;
      case 3:
        all = all.slice(0, at);
        break;
      default:
        all = all.slice(0, at) + String.fromCharCode(dice.int(0, 255)) + all.slice(at + 1);
    }
  }
  return all;
}
