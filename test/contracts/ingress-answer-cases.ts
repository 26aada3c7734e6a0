// What an app may answer, as bytes, by the section of RFC 9112 or 9110: what the client hears of it. The app is a proxy's other stranger:
// it may be old, broken, or somebody's way into the answers of others.

export interface AnswerCase {
  readonly name: string;
  readonly section: string;
  /** Latin-1; the app then ends the connection. */
  readonly answer: string;
  readonly method?: "HEAD" | "POST";
  /** 1.1 if absent. */
  readonly version?: "1.0";
  readonly status: number;
  /** What the client reads as the body. `cut off`: it sees that the answer is not whole. */
  readonly body: string;
  /** A pattern that the head of the answer has, or has not. */
  readonly has?: RegExp;
  readonly hasNot?: RegExp;
}

/** The page that stands for the app. */
const page = "page";
const failed = /^(?:HTTP\/1\.1 103 Early Hints\r\n\r\n)*HTTP\/1\.1 502 Bad Gateway\r\n/;
const ok = (lines: string, body = ""): string => `HTTP/1.1 200 OK\r\n${lines}\r\n${body}`;
const chunked = "Transfer-Encoding: chunked\r\n";
const length5 = "Content-Length: 5\r\n";

function failures(
  section: string,
  rows: Readonly<Record<string, string | Pick<AnswerCase, "answer" | "method" | "version">>>,
): readonly AnswerCase[] {
  return Object.entries(rows).map(([name, row]) => {
    return { name, section, status: 502, body: page, has: failed, ...(typeof row === "string" ? { answer: row } : row) };
  });
}

/** 256 cases; `has` in a head that is passed on. */
function eachByte(
  section: string,
  where: string,
  at: (byte: string) => { readonly answer: string; readonly has?: string },
): readonly AnswerCase[] {
  return [...Array(256).keys()].map((byte) => {
    const { answer, has } = at(String.fromCharCode(byte));
    const name = `byte ${byte} ${where}`;
    // What ends a line, and what no value may hold.
    const isRefused = (byte < 32 && byte !== 9) || byte === 127;
    if (isRefused) return { name, section, answer, status: 502, body: page, has: failed };
    return { name, section, answer, status: 200, body: "hello", ...(has !== undefined && { has: new RegExp(RegExp.escape(has)) }) };
  });
}

type Row = Omit<AnswerCase, "name" | "section" | "status" | "body"> & { readonly status?: number };

function whole(section: string, body: string, rows: Readonly<Record<string, Row>>): readonly AnswerCase[] {
  return Object.entries(rows).map(([name, row]) => ({ name, section, status: 200, body, ...row }));
}

const framing: readonly AnswerCase[] = [
  ...failures("9112 6.3", {
    "a length and chunks": ok(`${length5}${chunked}`, "0\r\n\r\nhello"),
    "two lengths that differ": ok(`${length5}Content-Length: 4\r\n`, "hello"),
    "a length with a plus": ok("Content-Length: +5\r\n", "hello"),
    "a length below zero": ok("Content-Length: -5\r\n", "hello"),
    "a length that is no number": ok("Content-Length: five\r\n", "hello"),
  }),
  ...failures("9112 6.1", {
    "a coding that nobody here undoes": ok("Transfer-Encoding: gzip, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
    "a coding that is not chunked": ok("Transfer-Encoding: gzip\r\n", "hello"),
    "chunked twice": ok("Transfer-Encoding: chunked, chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
  }),
  ...whole("9112 6.3", "hello", {
    "a length": { answer: ok(length5, "hello"), has: /Content-Length: 5/ },
    chunks: { answer: ok(chunked, "5\r\nhello\r\n0\r\n\r\n"), has: /Transfer-Encoding: chunked/ },
    "a body until the end of the connection": { answer: ok("", "hello"), has: /Transfer-Encoding: chunked/ },
    "a body until the end of the connection, to an old client": {
      answer: ok("", "hello"),
      version: "1.0",
      hasNot: /Transfer-Encoding/i,
      has: /Connection: close/,
    },
    "chunks to an old client": {
      answer: ok(chunked, "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
      version: "1.0",
      hasNot: /Transfer-Encoding/i,
      has: /Connection: close/,
    },
    "an answer of HTTP/1.0": { answer: "HTTP/1.0 200 OK\r\n\r\nhello", has: /^HTTP\/1\.1 200/ },
    "more than its length": { answer: ok(length5, `hello${ok(length5, "other")}`), has: /Content-Length: 5/ },
    "more than its chunks": { answer: ok(chunked, `5\r\nhello\r\n0\r\n\r\n${ok(length5, "other")}`) },
    "chunk extensions, which go no further": { answer: ok(chunked, "5;x=y\r\nhello\r\n0;z\r\n\r\n") },
    "trailers, which are dropped": {
      answer: ok(`Trailer: X-Sum\r\n${chunked}`, "5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
      hasNot: /Trailer|X-Sum/i,
    },
  }),
  ...whole("9112 8", "cut off", {
    "less than its length": { answer: ok(length5, "hell") },
    "chunks without an end": { answer: ok(chunked, "5\r\nhello\r\n") },
    "half a chunk": { answer: ok(chunked, "5\r\nhel") },
    "a chunk size that is none": { answer: ok(chunked, "5\r\nhello\r\nx\r\n") },
    "a body that is cut off, to an old client": { answer: ok(length5, "hell"), version: "1.0" },
  }),
];

const bodyless: readonly AnswerCase[] = [
  ...whole("9110 9.3.2", "", {
    "HEAD with a length": { answer: ok(length5), method: "HEAD", has: /Content-Length: 5/ },
    "HEAD with chunks": { answer: ok(chunked), method: "HEAD" },
    "HEAD without any": { answer: ok(""), method: "HEAD" },
    "HEAD with a body all the same": { answer: ok(length5, "hello"), method: "HEAD", has: /Content-Length: 5/ },
  }),
  ...whole("9110 15.4.5", "", {
    "304 with a length": { answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status: 304, has: /Content-Length: 5/ },
    "304 with a body all the same": { answer: `HTTP/1.1 304 Not Modified\r\n${length5}\r\nhello`, status: 304 },
    "304 with chunks all the same": { answer: `HTTP/1.1 304 Not Modified\r\n${chunked}\r\n5\r\nhello\r\n0\r\n\r\n`, status: 304 },
  }),
  ...whole("9110 15.3.5", "", {
    "204": { answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, hasNot: /Content-Length|Transfer-Encoding/i },
    "204 with a length": { answer: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", status: 204, hasNot: /Transfer-Encoding/i },
    "204 with a body all the same": { answer: `HTTP/1.1 204 No Content\r\n${length5}\r\nhello`, status: 204 },
    "205": { answer: "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", status: 205 },
  }),
];

const heads: readonly AnswerCase[] = [
  ...failures("9112 4", {
    nothing: "",
    "what is no HTTP": "SSH-2.0-OpenSSH_9.2\r\n",
    "half a head": "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
    "a status of two digits": "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n",
    "a status below 100": "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n",
    "a status that is no number": "HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "only an interim answer": "HTTP/1.1 103 Early Hints\r\n\r\n",
    "interim answers without end": "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(200) + ok(length5, "hello"),
  }),
  ...failures("9112 5.1", {
    "a space before the colon": ok(`X : y\r\n${length5}`, "hello"),
    "a header without a colon": ok(`hello\r\n${length5}`, "hello"),
    "a header name with a space in it": ok(`X Y: z\r\n${length5}`, "hello"),
  }),
  ...failures("9112 2.2", {
    "a bare CR in a value": ok(`X: y\rSet-Cookie: a=b\r\n${length5}`, "hello"),
    "a NUL in a value": ok(`X: y\0z\r\n${length5}`, "hello"),
  }),
  ...eachByte("9110 5.5", "in a value of an interim answer", (byte) => ({
    answer: `HTTP/1.1 103 Early Hints\r\nX: a${byte}b\r\n\r\n${ok(length5, "hello")}`,
  })),
  ...eachByte("9110 5.5", "in a value", (byte) => ({ answer: ok(`X: a${byte}b\r\n${length5}`, "hello"), has: `\r\nX: a${byte}b\r\n` })),
  ...eachByte("9112 4", "in the words of the status", (byte) => ({
    answer: `HTTP/1.1 200 a${byte}b\r\n${length5}\r\nhello`,
    has: `HTTP/1.1 200 a${byte}b\r\n`,
  })),
  ...eachByte("9112 4", "in the words of an interim answer", (byte) => ({
    answer: `HTTP/1.1 103 a${byte}b\r\n\r\n${ok(length5, "hello")}`,
    has: "HTTP/1.1 103 Early Hints\r\n",
  })),
  ...failures("9112 4", {
    "words with an escape, to HEAD": { answer: `HTTP/1.1 200 a\x1bb\r\n${length5}\r\n`, method: "HEAD" },
    "words with an escape, to POST": { answer: `HTTP/1.1 200 a\x1bb\r\n${length5}\r\nhello`, method: "POST" },
    "words with an escape, to an old client": { answer: `HTTP/1.1 200 a\x1bb\r\n${length5}\r\nhello`, version: "1.0" },
    "words with an escape, of 304": "HTTP/1.1 304 a\x1bb\r\n\r\n",
    "words with an escape, of 100": `HTTP/1.1 100 a\x1bb\r\n\r\n${ok(length5, "hello")}`,
  }),
  ...failures("9112 5", { "a head without end": ok(`X: ${"x".repeat(200_000)}\r\n${length5}`, "hello") }),
  ...whole("9112 5", "hello", {
    "a head of 30 KiB": { answer: ok(`X: ${"x".repeat(30_000)}\r\n${length5}`, "hello"), has: /X: x{30000}\r\n/ },
    "other bytes than ASCII": { answer: ok(`X: \xe9\xff\r\n${length5}`, "hello"), has: /X: \xe9\xff\r\n/ },
    "names as the app writes them, and lines that have the same": {
      answer: ok(`set-cookie: a=b\r\nSet-Cookie: c=d\r\n${length5}`, "hello"),
      has: /set-cookie: a=b\r\n(?:.*\r\n)*Set-Cookie: c=d\r\n/,
    },
  }),
  ...whole("9112 4", "hello", {
    "a status without words": { answer: `HTTP/1.1 200 \r\n${length5}\r\nhello` },
    "words of other bytes than ASCII": { answer: `HTTP/1.1 200 \xc9t\xe9\r\n${length5}\r\nhello`, has: /^HTTP\/1\.1 200 \xc9t\xe9\r\n/ },
    "words of the app's own": { answer: `HTTP/1.1 200 Fine\r\n${length5}\r\nhello`, has: /^HTTP\/1\.1 200 Fine\r\n/ },
    "a status that nobody knows": { answer: `HTTP/1.1 599 Hm\r\n${length5}\r\nhello`, status: 599 },
    "a status above 599": { answer: `HTTP/1.1 999 No\r\n${length5}\r\nhello`, status: 999 },
  }),
  ...whole("9110 7.6.1", "hello", {
    "what is for one connection only": {
      answer: ok(`Connection: close, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=1\r\nProxy-Connection: x\r\n${length5}`, "hello"),
      hasNot: /X-Private|Keep-Alive: timeout=1\r|Proxy-Connection/i,
    },
    "an offer to upgrade": { answer: ok(`Connection: Upgrade\r\nUpgrade: h2c\r\n${length5}`, "hello"), hasNot: /Upgrade/i },
  }),
  ...whole("9110 15.2", "hello", {
    "100 is for the proxy": { answer: `HTTP/1.1 100 Continue\r\n\r\n${ok(length5, "hello")}`, hasNot: /100 Continue/ },
    "100 twice": { answer: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n${ok(length5, "hello")}`, hasNot: /100 Continue/ },
    "103 comes through, and again": {
      answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: X\r\nX: y\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n${ok(length5, "hello")}`,
      has: /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: <\/b\.css>\r\n\r\nHTTP\/1\.1 200/,
    },
    "103 is nothing for an old client": {
      answer: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n${ok(length5, "hello")}`,
      version: "1.0",
      hasNot: /103/,
    },
  }),
];

export const answerCases: readonly AnswerCase[] = [...framing, ...bodyless, ...heads];

export interface HandshakeCase extends Pick<AnswerCase, "name" | "section" | "answer"> {
  readonly head: RegExp;
}

/** To a client that asks for a WebSocket. */
export const handshakeCases: readonly HandshakeCase[] = [
  ...eachByte("9112 4", "in the words of a switch of protocols", (byte) => ({
    answer: switching(`101 a${byte}b`),
    has: `HTTP/1.1 101 a${byte}b\r\n`,
  })),
  ...eachByte("9110 5.5", "in a value of a switch of protocols", (byte) => ({
    answer: switching("101 Hm", `X: a${byte}b\r\n`),
    has: `\r\nX: a${byte}b\r\n`,
  })),
  ...failures("9112 4", {
    "a switch of protocols of HTTP/2": switching("101 Hm").replace("1.1", "2.0"),
    "a switch of protocols with a coding that nobody here undoes": switching("101 Hm", "Transfer-Encoding: gzip\r\n"),
    "another answer, words with an escape": `HTTP/1.1 400 a\x1bb\r\n${length5}\r\nhello`,
  }),
].map(({ name, section, answer, has = failed }) => ({ name, section, answer, head: has }));

function switching(status: string, lines = ""): string {
  return `HTTP/1.1 ${status}\r\n${lines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
}
