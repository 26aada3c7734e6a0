// Messages of HTTP/1.1 that are nearly right: made of parts that parsers disagree about, then damaged. The same seed makes the same ones.

export interface Dice {
  /** A whole number below `end`. */
  below(end: number): number;
  pick<T>(from: readonly T[]): T;
  isIn(percent: number): boolean;
}

/** Mulberry32: small, and good enough to choose. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const below = (end: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  };
  return {
    below,
    pick: (from) => {
      const picked = from[below(from.length)];
      if (picked === undefined) throw new RangeError("Cannot pick from nothing");
      return picked;
    },
    isIn: (percent) => below(100) < percent,
  };
}

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
export function requestText(dice: Dice): string {
  const lines = dice.isIn(90) ? ["Host: hello\r\n"] : [];
  if (dice.isIn(60)) return damaged(wellFormed(dice), dice, 40);
  for (let count = dice.below(5); count > 0; count -= 1)
    lines.splice(dice.below(lines.length + 1), 0, dice.pick(NAMES) + dice.pick(SEPARATORS) + dice.pick(VALUES) + dice.pick(ENDS));
  const body = dice.isIn(50) ? dice.pick(CHUNKED_BODIES) : "hello".repeat(dice.below(3));
  return damaged(`${dice.pick(METHODS)} ${dice.pick(TARGETS)} ${dice.pick(VERSIONS)}\r\n${lines.join("")}\r\n${body}`, dice, 30);
}

function wellFormed(dice: Dice): string {
  const message = (): string => {
    const close = dice.isIn(30) ? "Connection: close\r\n" : "";
    switch (dice.below(4)) {
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
  return Array.from({ length: 1 + dice.below(3) }, message).join("");
}

/** Latin-1. An answer of an app that means no good, or is broken. */
export function answerText(dice: Dice): string {
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
  const lines = Array.from({ length: dice.below(4) }, () => dice.pick(NAMES) + dice.pick(SEPARATORS) + dice.pick(VALUES) + dice.pick(ENDS));
  const body = dice.isIn(50) ? dice.pick(CHUNKED_BODIES) : "hello".repeat(dice.below(3));
  const right = dice.isIn(50) ? `Content-Length: ${body.length}\r\n` : dice.isIn(50) ? "Transfer-Encoding: chunked\r\n" : "";
  return damaged(`${dice.pick(VERSIONS)} ${status}\r\n${right}${lines.join("")}\r\n${body}`, dice, 40);
}

function damaged(text: string, dice: Dice, percent: number): string {
  let all = text;
  while (dice.isIn(percent)) {
    const at = dice.below(all.length + 1);
    const length = dice.below(12);
    switch (dice.below(5)) {
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
        all = all.slice(0, at) + String.fromCharCode(dice.below(256)) + all.slice(at + 1);
    }
  }
  return all;
}
