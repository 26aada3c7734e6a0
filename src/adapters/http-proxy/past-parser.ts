// Large bodies of requests go past Node's HTTP parser, which makes a buffer of each 64 KiB and copies them. We read from the connection
// into one buffer again and again, and show the parser what came without asking it for the body: it alone knows where the request ends,
// and it can have the connection back between any two reads. The parser and the handle are Node's own, of the version that we ship.
import type net from "node:net";
import { leaveGarbage } from "./garbage.ts";
import { OWN_BUFFER_FROM_BYTES, readBuffers, type ReadBuffers } from "./read-buffers.ts";

/** Of TCP, below a `net.Socket`. */
interface Handle {
  reading: boolean;
  /** Returns what to read into next. */
  onread: (bytes: ArrayBuffer | undefined) => Buffer | undefined;
  useUserBuffer(buffer: Buffer): void;
  readStart(): void;
  readStop(): void;
}

/** `HTTPParser.kOnBody` */
const ON_BODY = 3;

interface Parser {
  /** From now on it reads from the connection itself. */
  consume(handle: Handle): void;
  unconsume(): void;
  /** Answers how many bytes it took. */
  execute(bytes: Buffer): number | Error;
  /** Without it the parser makes no buffers of a body. */
  [ON_BODY]: ((bytes: Buffer) => void) | undefined;
}

/** Of a `net.Socket`: Node's own fields, which its types leave out, hence the casts to this. `isKnown` looks whether they are there. */
interface Inner {
  readonly _handle: Handle | null;
  readonly parser: Parser | null;
  /** The server waits for the client to take answers. */
  readonly _paused: boolean;
}

/** `lib/internal/stream_base_commons.js` has it by the same name: how much was read is told there alone, and no type says so. */
interface StreamWrap {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
}

/** Takes bytes of the body, which stay as they are until the next read. False: there is none until `resume`. */
type Take = (bytes: Buffer) => boolean;

interface Body {
  readonly parser: Parser;
  readonly take: Take;
  leftBytes: number;
}

const connections = new WeakMap<net.Socket, PastParser>();

/**
 * From now on what is left of the body that the parser of this connection reads comes by `take`, and the request says only that it has
 * ended. undefined: the parser goes on.
 */
export function readPastParser(socket: net.Socket, leftBytes: number, take: Take): PastParser | undefined {
  const { _handle: handle, parser, _paused: isPaused } = socket as unknown as Inner;
  if (handle === null || parser === null || isPaused || !isKnown(handle, parser)) return undefined;
  let reader = connections.get(socket);
  if (reader === undefined) connections.set(socket, (reader = new PastParser(socket, handle)));
  return reader.begin({ parser, take, leftBytes }) ? reader : undefined;
}

function isKnown(handle: Handle, parser: Parser): boolean {
  return typeof handle.useUserBuffer === "function" && typeof parser.execute === "function" && parser[ON_BODY]?.name === "parserOnBody";
}

/** One for each connection, from its first large body on. */
export class PastParser {
  readonly #socket: net.Socket;
  readonly #handle: Handle;
  readonly #buffers: ReadBuffers = readBuffers();
  /** Node's own, for ends and errors. */
  readonly #onread: Handle["onread"];
  readonly #stream: StreamWrap;
  #buffer: Buffer = this.#buffers.common;
  #body: Body | undefined;
  #isWaiting = false;
  /** Its bytes are on their way; it is read into again, or given back, when they are out. */
  #lent: Buffer | undefined;

  constructor(socket: net.Socket, handle: Handle) {
    this.#socket = socket;
    this.#handle = handle;
    this.#onread = handle.onread;
    this.#stream = (process as unknown as { binding(name: string): unknown }).binding("stream_wrap") as StreamWrap;
    // It stays: the parser reads above it when it comes back.
    handle.useUserBuffer(this.#buffer);
    handle.onread = this.#read;
  }

  /** False: not now. */
  begin(body: Body): boolean {
    if (this.#isWaiting || this.#body !== undefined) return false;
    this.#body = body;
    body.parser.unconsume();
    return true;
  }

  /** What was taken is out. */
  resume(): void {
    this.#isWaiting = false;
    if (this.#lent !== undefined && this.#lent !== this.#buffer) this.#buffers.giveBack(this.#lent);
    this.#lent = undefined;
    if (this.#body !== undefined) this.#start();
  }

  /** The parser has the connection back, and the request has the rest of the body. */
  end(): void {
    const { parser } = this.#body ?? {};
    this.#body = undefined;
    if (parser === undefined || !this.#isAt(parser)) return;
    parser.consume(this.#handle);
    this.#start();
  }

  /** The connection is open and still this parser's. */
  #isAt(parser: Parser): boolean {
    const { _handle, parser: present } = this.#socket as unknown as Inner;
    return _handle === this.#handle && present === parser;
  }

  #start(): void {
    const { _handle, _paused } = this.#socket as unknown as Inner;
    if (_handle !== this.#handle || _handle.reading || _paused) return;
    _handle.reading = true;
    _handle.readStart();
  }

  #stop(): void {
    if ((this.#socket as unknown as Inner)._handle === null) return;
    this.#handle.reading = false;
    this.#handle.readStop();
  }

  readonly #read = (bytes: ArrayBuffer | undefined): Buffer | undefined => {
    const length = this.#stream.streamBaseState[this.#stream.kReadBytesOrError] ?? 0;
    if (length <= 0) return this.#onread.call(this.#handle, bytes);
    // Somebody else let it read on: what was lent is overwritten, and must not reach the app as if it were the client's.
    if (this.#lent === this.#buffer) this.#socket.destroy();
    if (this.#socket.destroyed) return undefined;
    const read = this.#buffer.subarray(0, length);
    const { common } = this.#buffers;
    if (this.#body === undefined) this.#push(Buffer.from(read));
    else this.#readBody(this.#body, read);
    if (this.#body === undefined) return this.#buffer === common ? undefined : this.#use(common);
    return this.#buffer === common && length >= OWN_BUFFER_FROM_BYTES ? this.#use(this.#buffers.take()) : undefined;
  };

  #use(next: Buffer): Buffer {
    if (this.#buffer !== this.#buffers.common && this.#buffer !== this.#lent) this.#buffers.giveBack(this.#buffer);
    return (this.#buffer = next);
  }

  /** It is no HTTP connection any more. */
  #push(bytes: Buffer): void {
    if (!this.#socket.push(bytes)) this.#stop();
  }

  #readBody(body: Body, read: Buffer): void {
    const isLast = read.length >= body.leftBytes;
    const part = isLast ? read.subarray(0, body.leftBytes) : read;
    body.leftBytes -= part.length;
    if (!isLast) skim(body.parser, part);
    if (!body.take(this.#buffer === this.#buffers.common ? copyOf(part) : part)) {
      this.#isWaiting = true;
      if (this.#buffer !== this.#buffers.common) this.#lent = this.#buffer;
      if (!isLast && this.#body === body) this.#stop();
    }
    if (isLast) this.#readLast(body, part.length === read.length ? read : Buffer.from(read));
  }

  /** With the end of the body, and what follows it. */
  #readLast({ parser }: Body, read: Buffer): void {
    if (!this.#isAt(parser)) return;
    this.end();
    const onBody = parser[ON_BODY];
    parser[ON_BODY] = () => (parser[ON_BODY] = onBody);
    // As Node does with what its parser did not read itself.
    this.#socket.emit("data", read);
    parser[ON_BODY] = onBody;
  }
}

/** What is in the buffer of all is soon somebody else's. */
function copyOf(bytes: Buffer): Buffer {
  leaveGarbage(bytes.length);
  return Buffer.from(bytes);
}

/** Shows the parser bytes of a body, of which it makes nothing. */
function skim(parser: Parser, bytes: Buffer): void {
  const onBody = parser[ON_BODY];
  parser[ON_BODY] = undefined;
  try {
    parser.execute(bytes);
  } finally {
    parser[ON_BODY] = onBody;
  }
}
