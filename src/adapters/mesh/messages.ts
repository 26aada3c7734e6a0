// What a frame may say: a request, or the answer to one. Whatever is not exactly that ends the connection. Pure.

export interface RequestMessage {
  readonly id: number;
  readonly method: string;
  readonly body: unknown;
  /** The asker waits no longer. */
  readonly limitMs: number;
  /** The last message of the asker: after the answer the connection carries bytes. */
  readonly stream: boolean;
}

export type ResponseMessage =
  | { readonly id: number; readonly body: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly message: string } };

const METHOD = /^[a-z][a-z0-9.-]{0,63}$/;
const CODE_CHARACTERS_MAX = 64;
const MESSAGE_CHARACTERS_MAX = 2_000;

/** Throws when it is none. */
export function readRequest(bytes: Buffer): RequestMessage {
  const { id, method, body, limitMs, stream } = fields(bytes);
  if (!isId(id) || typeof method !== "string" || !METHOD.test(method)) throw new Error("Not a request");
  if (typeof limitMs !== "number" || !(limitMs > 0)) throw new Error("Not a request");
  return { id, method, body, limitMs, stream: stream === true };
}

/** Throws when it is none. */
export function readResponse(bytes: Buffer): ResponseMessage {
  const { id, body, error } = fields(bytes);
  if (!isId(id)) throw new Error("Not an answer");
  if (error === undefined) return { id, body };
  const { code, message } = (error ?? {}) as Readonly<Record<string, unknown>>; // null and texts have no such fields
  if (typeof code !== "string" || typeof message !== "string") throw new Error("Not an answer");
  return { id, error: { code: code.slice(0, CODE_CHARACTERS_MAX), message: printable(message) } };
}

function fields(bytes: Buffer): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(bytes.toString());
  if (typeof value !== "object" || value === null) throw new Error("Not a message");
  return value as Readonly<Record<string, unknown>>; // checked in the line above
}

function isId(id: unknown): id is number {
  return Number.isSafeInteger(id) && (id as number) > 0;
}

/** It is shown in terminals. */
function printable(text: string): string {
  return text.slice(0, MESSAGE_CHARACTERS_MAX).replaceAll(/[^\P{C}\n]/gu, "?");
}
