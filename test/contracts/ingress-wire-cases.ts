// HTTP/1.1 as bytes, by the section of RFC 9112 or 9110 that each row is about: what a client sends, the statuses that it hears until
// the connection ends, and what the app may see of it.

export interface WireCase {
  readonly name: string;
  readonly section: string;
  /** Latin-1. */
  readonly send: string;
  /** In order, with 100; the connection ends after the last. */
  readonly statuses: readonly number[];
  /** Method, target and length of the body of each request that the app sees. */
  readonly app: readonly string[];
}

const CLOSE = "Connection: close\r\n";
const get = (lines = "", target = "/"): string => `GET ${target} HTTP/1.1\r\nHost: hello\r\n${lines}${CLOSE}\r\n`;
const post = (lines: string, body = ""): string => `POST / HTTP/1.1\r\nHost: hello\r\n${lines}${CLOSE}\r\n${body}`;
const options = (lines: string, target = "/"): string => `OPTIONS ${target} HTTP/1.1\r\nHost: hello\r\n${lines}${CLOSE}\r\n`;
const chunks = (body: string): string => post("Transfer-Encoding: chunked\r\n", body);

type Rows = Readonly<Record<string, string>>;

/** One answer, and nothing of it for the app: what follows it on the connection is not read. */
function refused(status: number, section: string, rows: Rows): readonly WireCase[] {
  return Object.entries(rows).map(([name, send]) => ({ name, section, send, statuses: [status], app: [] }));
}

function served(section: string, app: readonly string[], rows: Rows): readonly WireCase[] {
  return Object.entries(rows).map(([name, send]) => ({ name, section, send, statuses: app.map(() => 200), app }));
}

/** Read by one end as two requests and by the other as one, this is what would come out. */
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: hello\r\n\r\n";
const both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
const lengthOf = (value: string): string => post(`Content-Length: ${value}\r\n`, `hello${smuggled}`);
const codingOf = (line: string): string => post(`Content-Length: 5\r\n${line}\r\n`, `0\r\n\r\n${smuggled}`);
const onlyCoding = (line: string): string => post(`${line}\r\n`, `0\r\n\r\n${smuggled}`);

const lengths: readonly WireCase[] = [
  ...refused(400, "9112 6.3", {
    "CL.TE: a length and chunks": post(both, `0\r\n\r\n${smuggled}`),
    "TE.CL: chunks and a length": post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", `5c\r\n${smuggled}`),
    "two lengths that differ": post("Content-Length: 5\r\nContent-Length: 0\r\n", `hello${smuggled}`),
    "two lengths that agree": post("Content-Length: 5\r\nContent-Length: 5\r\n", `hello${smuggled}`),
    "a list of lengths": lengthOf("5, 5"),
    "a length with a plus": lengthOf("+5"),
    "a length below zero": lengthOf("-5"),
    "a length in hex": lengthOf("0x5"),
    "a length with a fraction": lengthOf("5.0"),
    "a length with a space in it": lengthOf("5 5"),
    "a length beyond 64 bits": lengthOf("18446744073709551621"),
    "a length that is no number": lengthOf("five"),
    "an empty length": lengthOf(""),
  }),
  ...refused(400, "9112 6.1", {
    "TE.TE: a coding that is not chunked": codingOf("Transfer-Encoding: xchunked"),
    "TE.TE: chunked is not the last": codingOf("Transfer-Encoding: chunked, identity"),
    "TE.TE: chunked in quotes": codingOf('Transfer-Encoding: "chunked"'),
    "TE.TE: chunked with a parameter": codingOf("Transfer-Encoding: chunked;q=1"),
    "TE.TE: a vertical tab before chunked": codingOf("Transfer-Encoding: \vchunked"),
    "TE.TE: a NUL before chunked": codingOf("Transfer-Encoding: \0chunked"),
    "TE.TE: a no-break space after chunked": codingOf("Transfer-Encoding: chunked\xa0"),
    "TE.TE: two lines of which one is unknown": codingOf("Transfer-Encoding: chunked\r\nTransfer-Encoding: x"),
    "TE.TE: two lines of which the first is unknown": codingOf("Transfer-Encoding: x\r\nTransfer-Encoding: chunked"),
    "TE.TE: on a folded line": codingOf("Transfer-Encoding:\r\n chunked"),
    "TE.TE: behind a bare LF": codingOf("X: y\nTransfer-Encoding: chunked"),
    "TE.TE: behind a bare CR": codingOf("X: y\rTransfer-Encoding: chunked"),
    "TE.TE: a space before the colon": codingOf("Transfer-Encoding : chunked"),
    "TE.TE: a tab before the colon": codingOf("Transfer-Encoding\t: chunked"),
    "TE.TE: a space before the name": codingOf(" Transfer-Encoding: chunked"),
    "TE.TE: chunks sent by a client of HTTP/1.0": `POST / HTTP/1.0\r\nHost: hello\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n0\r\n\r\n${smuggled}`,
    "a coding whose end nobody knows": onlyCoding("Transfer-Encoding: identity"),
    "an empty coding": onlyCoding("Transfer-Encoding:"),
    "chunked twice": onlyCoding("Transfer-Encoding: chunked, chunked"),
  }),
  ...refused(501, "9112 6.1", {
    "a coding before chunked that nobody here undoes": onlyCoding("Transfer-Encoding: gzip, chunked"),
  }),
  ...served("9112 6.1", ["POST / 0"], {
    "chunked in capitals": onlyCoding("TRANSFER-ENCODING: CHUNKED"),
    "chunked after a tab": onlyCoding("Transfer-Encoding:\tchunked"),
    "chunked without a space": onlyCoding("Transfer-Encoding:chunked"),
  }),
  ...served("9112 6.3", ["POST / 5"], {
    "a length as CGI would read it, beside the real one": post("Content-Length: 5\r\nContent_Length: 0\r\n", "hello"),
    "a coding as CGI would read it, beside the real one": post("Content-Length: 5\r\nTransfer_Encoding: chunked\r\n", "hello"),
    "a length with zeros before it": post("Content-Length: 0005\r\n", "hello"),
    "a length after a tab and before a space": post("Content-Length:\t5 \r\n", "hello"),
  }),
  ...served("9112 6.3", ["POST / 0"], {
    "a POST without any length has no body": post("", smuggled),
    "a POST of length 0": post("Content-Length: 0\r\n", smuggled),
  }),
  ...served("9110 9.3", ["GET / 5"], { "a GET with a body": `GET / HTTP/1.1\r\nHost: hello\r\nContent-Length: 5\r\n${CLOSE}\r\nhello` }),
];

const chunked: readonly WireCase[] = [
  ...refused(400, "9112 7.1", {
    "a chunk size with a letter": chunks("5g\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with 0x": chunks("0x5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size below zero": chunks("-5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a plus": chunks("+5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a space before it": chunks(" 5\r\nhello\r\n0\r\n\r\n"),
    "a chunk size with a space after it": chunks("5 \r\nhello\r\n0\r\n\r\n"),
    "an empty chunk size": chunks("\r\nhello\r\n0\r\n\r\n"),
    "a chunk size beyond 64 bits": chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    "a chunk longer than its size": chunks("4\r\nhello\r\n0\r\n\r\n"),
    "a chunk size that ends in a bare LF": chunks("5\nhello\r\n0\r\n\r\n"),
    "a chunk that ends in a bare LF": chunks("5\r\nhello\n0\r\n\r\n"),
    "a chunk that ends in two other bytes": chunks("5\r\nhelloXX0\r\n\r\n"),
    "a chunk extension that ends in a bare LF": chunks(`5;x\nhello\r\n0\r\n\r\n`),
    "a chunk extension with a bare CR": chunks("5;x\ry\r\nhello\r\n0\r\n\r\n"),
    "a length in a trailer": chunks("5\r\nhello\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a trailer that ends in a bare LF": chunks("0\r\nX: y\n\r\n"),
  }),
  ...refused(413, "9112 7.1.1", {
    "chunk extensions without end": chunks(`5;${"x".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
  }),
  ...served("9112 7.1.1", ["POST / 5"], {
    "chunk extensions are understood and go no further": chunks('5;a;b=c;d="e"\r\nhello\r\n0;x\r\n\r\n'),
    "a chunk size with zeros before it": chunks("000005\r\nhello\r\n000\r\n\r\n"),
    "a chunk size in capitals, and one of two chunks": chunks("1\r\nh\r\n04\r\nello\r\n0\r\n\r\n"),
  }),
  ...served("9112 7.1.2", ["POST / 5"], {
    "trailers are dropped": chunks("5\r\nhello\r\n0\r\nX-Sum: 1\r\nHost: other\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"),
  }),
];

const heads: readonly WireCase[] = [
  ...refused(400, "9112 5.1", {
    "a header name with a space in it": get("Content Length: 5\r\n"),
    "a header without a colon": get("hello\r\n"),
    "a header without a name": get(": hello\r\n"),
    "a header name that is not ASCII": get("X-\xe9: y\r\n"),
    "a space before the first header": "GET / HTTP/1.1\r\n X: y\r\nHost: hello\r\n\r\n",
    "a space before the colon": get("X : y\r\n"),
  }),
  ...refused(400, "9112 5.2", { "a folded line": get("X: y\r\n z\r\n"), "a folded line with a tab": get("X: y\r\n\tz\r\n") }),
  ...refused(400, "9112 2.2", {
    "a bare CR in a value": get("X: y\rz\r\n"),
    "a bare LF at the end of a line": get("X: y\nZ: z\r\n"),
    "bare LFs throughout": "GET / HTTP/1.1\nHost: hello\n\n",
    "a bare CR at the end of the head": "GET / HTTP/1.1\r\nHost: hello\r\n\rX: y\r\n\r\n",
  }),
  ...refused(400, "9110 5.5", { "a NUL in a value": get("X: y\0z\r\n"), "a control character in a value": get("X: y\x01z\r\n") }),
  ...refused(431, "9112 5", {
    "a header that is too long": get(`X: ${"x".repeat(40_000)}\r\n`),
    "more headers than anybody means": get("a:\r\n".repeat(5_000)),
    "a target that is too long": get("", `/${"x".repeat(40_000)}`),
  }),
  ...served("9110 5.5", ["GET / 0"], {
    "a value of other bytes than ASCII": get("X: \xe9\xff\r\n"),
    "an empty value": get("X:\r\n"),
    "nine hundred headers": get("a: b\r\n".repeat(900)),
  }),
];

const requestLines: readonly WireCase[] = [
  ...refused(400, "9112 3", {
    "a tab in the request line": "GET\t/ HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a space at the end of the request line": "GET / HTTP/1.1 \r\nHost: hello\r\n\r\n",
    "a space before the method": " GET / HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a target with a space": "GET /a b HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a target with a control character": "GET /\x01 HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a target that is not ASCII": get("", "/\xe9"),
    "a target with a NUL": "GET /\0 HTTP/1.1\r\nHost: hello\r\n\r\n",
    "no target": "GET HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a method in small letters": "get / HTTP/1.1\r\nHost: hello\r\n\r\n",
    "a method that nobody knows": "HELLO / HTTP/1.1\r\nHost: hello\r\n\r\n",
  }),
  ...refused(400, "9112 2.3", {
    "a version in small letters": "GET / http/1.1\r\nHost: hello\r\n\r\n",
    "HTTP/1.2": "GET / HTTP/1.2\r\nHost: hello\r\n\r\n",
    "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS on the port of plain HTTP": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  }),
  ...refused(505, "9110 15.6.6", { "HTTP/0.9": "GET /\r\n\r\n", "HTTP/2.0 in words": "GET / HTTP/2.0\r\nHost: hello\r\n\r\n" }),
  ...refused(400, "9112 3.2", {
    "a fragment in the target": get("", "/open#/../private"),
    "a target that is a host and a port, without CONNECT": get("", "hello:80"),
    "a target without a slash": get("", "index.html"),
    "an asterisk without OPTIONS": get("", "*"),
    "an absolute target of another host": get("", "http://other/"),
    "an absolute target with a user": get("", "http://me@hello/"),
    "an absolute target without a host": get("", "http:///x"),
    "an absolute target of another scheme": get("", "ftp://hello/"),
  }),
  ...refused(501, "9110 9.3.6", { CONNECT: "CONNECT hello:80 HTTP/1.1\r\nHost: hello:80\r\n\r\n" }),
  ...refused(501, "9110 9.3.8", { TRACE: "TRACE / HTTP/1.1\r\nHost: hello\r\nCookie: secret\r\n\r\n" }),
  ...served("9112 3.2.2", ["GET /x?y 0"], {
    "an absolute target": get("", "http://hello/x?y"),
    "an absolute target in capitals": get("", "HTTP://HELLO/x?y"),
  }),
  ...served("9112 3.2.2", ["GET /?y 0"], { "an absolute target without a path": get("", "http://hello?y") }),
  ...served("9112 3.2.4", ["OPTIONS * 0"], {
    "OPTIONS of an asterisk": `OPTIONS * HTTP/1.1\r\nHost: hello\r\n${CLOSE}\r\n`,
    "OPTIONS of an absolute target without a path": `OPTIONS http://hello HTTP/1.1\r\nHost: hello\r\n${CLOSE}\r\n`,
  }),
  ...served("9112 3.2.1", ["GET //other/../%2e%2e/\\a|b^?q={} 0"], {
    "a target goes on as it was written": get("", "//other/../%2e%2e/\\a|b^?q={}"),
  }),
  ...served("9112 3", ["GET / 0"], { "two spaces in the request line go on as one": `GET  / HTTP/1.1\r\nHost: hello\r\n${CLOSE}\r\n` }),
  ...served("9112 2.2", ["GET / 0"], { "an empty line before the request line": `\r\n\r\n${get()}` }),
];

const hosts: readonly WireCase[] = [
  ...refused(400, "9112 3.2", {
    "no Host": `GET / HTTP/1.1\r\n${CLOSE}\r\n`,
    "two Hosts": get("Host: other\r\n"),
    "two Hosts that agree": get("Host: hello\r\n"),
    "a Host and one as CGI would read it": get("H_ost: x\r\nHost: other\r\n"),
  }),
  ...refused(404, "9110 7.2", {
    "an empty Host": `GET / HTTP/1.1\r\nHost:\r\n${CLOSE}\r\n`,
    "two names in one Host": `GET / HTTP/1.1\r\nHost: hello, other\r\n${CLOSE}\r\n`,
    "a user in the Host": `GET / HTTP/1.1\r\nHost: other@hello\r\n${CLOSE}\r\n`,
    "a path in the Host": `GET / HTTP/1.1\r\nHost: hello/x\r\n${CLOSE}\r\n`,
    "a space in the Host": `GET / HTTP/1.1\r\nHost: hello x\r\n${CLOSE}\r\n`,
    "an address for a Host": `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${CLOSE}\r\n`,
    "HTTP/1.0 without a Host": "GET / HTTP/1.0\r\n\r\n",
  }),
  ...served("9110 7.2", ["GET / 0"], {
    "a Host with its port": `GET / HTTP/1.1\r\nHost: hello:8080\r\n${CLOSE}\r\n`,
    "a Host in capitals, with a dot": `GET / HTTP/1.1\r\nHost: HELLO.home.internal.\r\n${CLOSE}\r\n`,
    "a Connection that names what makes the message": get("Connection: host, content-length\r\n"),
  }),
];

const connections: readonly WireCase[] = [
  ...served("9112 9.3.2", ["GET /1 0", "POST /2 5", "GET /3 0"], {
    "three requests at once are answered in turn": `GET /1 HTTP/1.1\r\nHost: hello\r\n\r\nPOST /2 HTTP/1.1\r\nHost: hello\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n${get("", "/3")}`,
  }),
  ...served("9112 9.6", ["GET / 0"], { "what follows Connection: close is not read": get() + smuggled }),
  ...served("9112 9.3", ["GET / 0"], {
    "HTTP/1.0 closes": `GET / HTTP/1.0\r\nHost: hello\r\n\r\n${smuggled}`,
    "HTTP/1.1 by an old client that says close": get("Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n"),
  }),
  ...served("9112 9.3", ["GET /1 0", "GET /2 0"], {
    "HTTP/1.0 that asks to keep the connection":
      "GET /1 HTTP/1.0\r\nHost: hello\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nHost: hello\r\n\r\n",
  }),
  ...served("9110 7.8", ["GET / 0"], {
    "an upgrade to HTTP/2": get("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"),
    "settings of HTTP/2 that Connection does not name": get("HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"),
    "an upgrade to TLS": get("Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"),
    "an upgrade to a WebSocket that Connection does not name": get("Upgrade: websocket\r\n"),
  }),
  ...served("9110 7.8", ["POST / 5"], {
    "a POST that asks for a WebSocket": post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", "hello"),
  }),
  ...served("9110 7.6.2", ["OPTIONS / 0"], {
    "OPTIONS that may go further": options("Max-Forwards: 1\r\n"),
    "OPTIONS that may go further than any way is long": options("Max-Forwards: 99999999999999999999\r\n"),
  }),
  ...refused(200, "9110 7.6.2", {
    "OPTIONS that may go no further": options("Max-Forwards: 0\r\n"),
    "OPTIONS of an asterisk that may go no further": options("Max-Forwards: 00\r\n", "*"),
  }),
  ...refused(400, "9110 7.6.2", {
    "OPTIONS that may go on twice": options("Max-Forwards: 1\r\nmax-forwards: 2\r\n"),
    "OPTIONS that may go on below zero": options("Max-Forwards: -1\r\n"),
    "OPTIONS that may go on for nobody knows how long": options("Max-Forwards:\r\n"),
  }),
  ...served("9110 7.6.2", ["GET / 0"], { "a GET to which it means nothing": get("Max-Forwards: 0\r\n") }),
  {
    name: "Expect",
    section: "9110 10.1.1",
    send: post("Expect: 100-continue\r\nContent-Length: 5\r\n", "hello"),
    statuses: [100, 200],
    app: ["POST / 5"],
  },
  {
    name: "Expect by HTTP/1.0 is ignored",
    section: "9110 10.1.1",
    send: "POST / HTTP/1.0\r\nHost: hello\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    statuses: [200],
    app: ["POST / 5"],
  },
  ...refused(417, "9110 10.1.1", { "an Expect that nobody knows": post("Expect: more\r\nContent-Length: 5\r\n", "hello") }),
];

export const wireCases: readonly WireCase[] = [...lengths, ...chunked, ...heads, ...requestLines, ...hosts, ...connections];
