// What the two ends of a connection on 734 say to each other before its bytes are an app's. Whatever is not exactly that ends it. Pure but
// for Buffer.
import { encodeFrame } from "./frames.ts";

/** The instance that the bytes are for, as both tables have it. */
export interface WayTarget {
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

export type WayRequest =
  | {
      readonly kind: "open";
      readonly to: WayTarget;
      /** The asker waits no longer. */
      readonly limitMs: number;
      /** Nobody waits for its end; an earlier release does not say. */
      readonly isEndless?: boolean | undefined;
    }
  /** Is anybody there? The connection can be asked again. Then, on the clock of the asked one, the house counted it as alive. */
  | { readonly kind: "ping"; readonly contactAtMs?: number | undefined };

/** `Unknown`: no such instance runs there. `Unreachable`: it does not take the connection. */
export type WayAnswer =
  | { readonly kind: "opened" }
  /** On its own clock. */
  | { readonly kind: "pong"; readonly atMs?: number }
  | { readonly kind: "refused"; readonly code: WayRefusal; readonly message: string };
export type WayRefusal = "Unknown" | "Unreachable" | "Busy";

export const WAY_FRAME_MAX = 4096;
const TEXT_MAX = 300;
const LIMIT_MAX_MS = 60_000;
const PORT_MAX = 65_535;

export function encodeRequest(request: WayRequest): Buffer {
  if (request.kind === "open") {
    const { to, limitMs, isEndless } = request;
    return encodeFrame({ to, limitMs, ...(isEndless === true && { isEndless }) }, WAY_FRAME_MAX);
  }
  const { contactAtMs } = request;
  return encodeFrame({ ping: true, ...(contactAtMs !== undefined && { contactAtMs }) }, WAY_FRAME_MAX);
}

/** Throws when it is none. */
export function readWayRequest(bytes: Buffer): WayRequest {
  const { ping, contactAtMs, to, limitMs, isEndless } = fields(JSON.parse(bytes.toString()));
  if (ping === true) return { kind: "ping", ...(isNumber(contactAtMs, Number.MAX_SAFE_INTEGER) && { contactAtMs }) };
  const { instance, host, port, protocol } = fields(to);
  if (!isText(instance) || !isText(host) || !isNumber(port, PORT_MAX) || !isNumber(limitMs, LIMIT_MAX_MS)) throw new Error("Not a request");
  if (protocol !== "tcp" && protocol !== "udp") throw new Error("Not a request");
  return { kind: "open", to: { instance, host, port, protocol }, limitMs, ...(isEndless === true && { isEndless }) };
}

export function encodeAnswer(answer: WayAnswer): Buffer {
  if (answer.kind === "opened") return encodeFrame({ opened: true }, WAY_FRAME_MAX);
  if (answer.kind === "pong") return encodeFrame({ pong: true, ...(answer.atMs !== undefined && { atMs: answer.atMs }) }, WAY_FRAME_MAX);
  return encodeFrame({ refused: answer.code, message: answer.message.slice(0, TEXT_MAX) }, WAY_FRAME_MAX);
}

/** Throws when it is none. */
export function readWayAnswer(bytes: Buffer): WayAnswer {
  const { opened, pong, atMs, refused, message } = fields(JSON.parse(bytes.toString()));
  if (opened === true) return { kind: "opened" };
  if (pong === true) return { kind: "pong", ...(isNumber(atMs, Number.MAX_SAFE_INTEGER) && { atMs }) };
  const code = (["Unknown", "Unreachable", "Busy"] as const).find((each) => each === refused);
  if (code === undefined || typeof message !== "string") throw new Error("Not an answer");
  return { kind: "refused", code, message: message.slice(0, TEXT_MAX) };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) throw new Error("Not a message");
  return value as Readonly<Record<string, unknown>>; // checked in the line above
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= TEXT_MAX;
}

function isNumber(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= most;
}
