// The name that a TLS connection asks for, read from its first bytes and from nothing else. Pure and total.
// RFC 8446, 4.1.2 (ClientHello) and 5.1 (records); RFC 6066, 3 (server_name).

/** Longer ones are no browser's: with post-quantum keys a ClientHello has some 1,800 bytes. */
export const HELLO_BYTES_MAX = 16 * 1024;

export type Hello =
  /** More bytes may tell. */
  | { readonly kind: "incomplete" }
  /** No TLS, or it asks for no name. */
  | { readonly kind: "nameless" }
  /** Lower case, without a trailing dot. */
  | { readonly kind: "name"; readonly name: string };

const INCOMPLETE: Hello = { kind: "incomplete" };
const NAMELESS: Hello = { kind: "nameless" };
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const RECORD_HEADER_BYTES = 5;
const RECORD_BYTES_MAX = 2 ** 14;
const HANDSHAKE_HEADER_BYTES = 4;
const VERSION_AND_RANDOM_BYTES = 34;
const NAME = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/;

/** A fatal alert, `unrecognized_name`: browsers say it better than a connection that is reset. RFC 8446, 6.2. */
export const UNRECOGNIZED_NAME = Uint8Array.of(21, 3, 3, 0, 2, 2, 112);

export function readHello(bytes: Uint8Array): Hello {
  const handshake: number[] = [];
  for (let at = 0; ;) {
    if (at > HELLO_BYTES_MAX) return NAMELESS;
    const wrong = (at < bytes.length && bytes[at] !== HANDSHAKE_RECORD) || (at + 1 < bytes.length && bytes[at + 1] !== 3);
    if (wrong) return NAMELESS;
    if (at + RECORD_HEADER_BYTES > bytes.length) return INCOMPLETE;
    const length = uint(bytes, at + 3, 2);
    if (length === 0 || length > RECORD_BYTES_MAX) return NAMELESS;
    const start = at + RECORD_HEADER_BYTES;
    handshake.push(...bytes.subarray(start, start + length));
    if (handshake.length > 0 && handshake[0] !== CLIENT_HELLO) return NAMELESS;
    if (handshake.length >= HANDSHAKE_HEADER_BYTES) {
      const wanted = uint(handshake, 1, 3);
      if (wanted > HELLO_BYTES_MAX) return NAMELESS;
      const hello = handshake.slice(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + wanted);
      if (hello.length === wanted) return nameIn(hello);
    }
    if (start + length > bytes.length) return INCOMPLETE;
    at = start + length;
  }
}

function nameIn(hello: readonly number[]): Hello {
  let at = VERSION_AND_RANDOM_BYTES;
  // Session id, cipher suites, compression methods: each says its length first.
  for (const width of [1, 2, 1]) at += width + uint(hello, at, width);
  const extensions = hello.slice(at + 2, at + 2 + uint(hello, at, 2));
  for (at = 0; at + 4 <= extensions.length; at += 4 + uint(extensions, at + 2, 2)) {
    if (uint(extensions, at, 2) !== SERVER_NAME) continue;
    const list = extensions.slice(at + 4, at + 4 + uint(extensions, at + 2, 2));
    return list[2] === HOST_NAME ? nameOf(list.slice(5, 5 + uint(list, 3, 2))) : NAMELESS;
  }
  return NAMELESS;
}

function nameOf(bytes: readonly number[]): Hello {
  const name = String.fromCharCode(...bytes)
    .toLowerCase()
    .replace(/\.$/, "");
  return name.length <= 253 && NAME.test(name) ? { kind: "name", name } : NAMELESS;
}

/** Big-endian; what is not there counts as 0, so that what is cut short has no name. */
function uint(bytes: ArrayLike<number>, at: number, width: number): number {
  let value = 0;
  for (let index = 0; index < width; index += 1) value = value * 256 + (bytes[at + index] ?? 0);
  return value;
}
