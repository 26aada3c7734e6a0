// HTTP/1.1 requests read from bytes as the strictest app would: what two readers could understand in two ways is refused. It is the
// judge of what a proxy sends on, so it shares no code with it.

export interface ReadRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export class Ambiguous extends Error {}

export interface ReadBytes {
  readonly request: ReadRequest;
  /** How many of the bytes it took. */
  readonly length: number;
}

const CRLF = "\r\n";
const requestLine = /^([A-Z-]+) ([\x21\x22\x24-\x7e\x80-\xff]+) HTTP\/1\.1$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/;
const chunkSize = /^[0-9a-fA-F]{1,12}$/;

/** The first request in these bytes. undefined: more must come. Throws Ambiguous. */
export function readRequest(bytes: Buffer): ReadBytes | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  const head = bytes.toString("latin1", 0, headEnd < 0 ? bytes.length : headEnd);
  const bare = /\r(?!\n|$)|(?<!\r)\n|\0/.exec(head);
  if (bare !== null) throw new Ambiguous(`a bare CR, LF or NUL at ${bare.index} of ${JSON.stringify(head)}`);
  if (headEnd < 0) return undefined;
  const [first = "", ...lines] = head.split(CRLF);
  const [, method, target] = requestLine.exec(first) ?? [];
  if (method === undefined || target === undefined) throw new Ambiguous(`the request line ${JSON.stringify(first)}`);
  const headers = lines.map((line) => {
    const [, name, value] = headerLine.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Ambiguous(`the header line ${JSON.stringify(line)}`);
    return [name, value] as const;
  });
  const body = readBody(bytes, headEnd + 4, headers);
  return body && { request: { method, target, headers, body: body.bytes }, length: body.end };
}

interface Body {
  readonly bytes: Buffer;
  readonly end: number;
}

function readBody(bytes: Buffer, start: number, headers: ReadRequest["headers"]): Body | undefined {
  // An app may be told of headers with `-` and `_` alike, as CGI does.
  const valuesOf = (wanted: string): readonly string[] =>
    headers.flatMap(([name, value]) => (name.toLowerCase().replaceAll("_", "-") === wanted ? [value] : []));
  const [hosts, lengths, codings] = [valuesOf("host"), valuesOf("content-length"), valuesOf("transfer-encoding")];
  if (hosts.length !== 1) throw new Ambiguous(`${hosts.length} hosts`);
  if (lengths.length + codings.length > 1) throw new Ambiguous(`lengths ${lengths.join()} and codings ${codings.join()}`);
  const [coding] = codings;
  if (coding !== undefined) {
    if (coding !== "chunked") throw new Ambiguous(`the coding ${JSON.stringify(coding)}`);
    return readChunks(bytes, start);
  }
  const [length = "0"] = lengths;
  if (!/^\d{1,15}$/.test(length)) throw new Ambiguous(`the length ${JSON.stringify(length)}`);
  const end = start + Number(length);
  return bytes.length < end ? undefined : { bytes: bytes.subarray(start, end), end };
}

function readChunks(bytes: Buffer, start: number): Body | undefined {
  const chunks: Buffer[] = [];
  for (let at = start; ;) {
    const lineEnd = bytes.indexOf(CRLF, at);
    if (lineEnd < 0) return undefined;
    const line = bytes.toString("latin1", at, lineEnd);
    if (!chunkSize.test(line)) throw new Ambiguous(`the chunk size ${JSON.stringify(line)}`);
    const size = Number.parseInt(line, 16);
    const data = lineEnd + 2;
    const next = data + size + 2;
    if (bytes.length < next) return undefined;
    if (bytes.toString("latin1", next - 2, next) !== CRLF) throw new Ambiguous(`what follows a chunk of ${size}`);
    if (size === 0) return { bytes: Buffer.concat(chunks), end: next };
    chunks.push(bytes.subarray(data, data + size));
    at = next;
  }
}
