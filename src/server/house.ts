// The ways into the house and out of it, over HTTP: invitations, approvals, joining, leaving, replacing. What is possible the agent says.
import type { ApproveAnswer, JoinWish, RejectAnswer, WaitingAnswer } from "../api/computers.ts";
import { ApiError } from "./api-error.ts";
import type { HouseControl, NodePorts } from "./ports.ts";

interface HouseCall {
  readonly method: string;
  readonly signal: AbortSignal;
  /** What came with it, as JSON; undefined: nothing. */
  readonly body: () => Promise<unknown>;
}

type Handler = (house: HouseControl, call: HouseCall) => Promise<unknown>;

const HANDLERS: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  invites: { POST: (house, { signal }) => house.invite(signal) },
  approvals: {
    GET: async (house, { signal }) => ({ kind: "WaitingComputers", items: await house.waiting(signal) }) satisfies WaitingAnswer,
    POST: async (house, { body, signal }) =>
      ({ kind: "Approved", computer: await house.approve(textIn(await body(), "who"), signal) }) satisfies ApproveAnswer,
  },
  rejections: {
    POST: async (house, { body, signal }) =>
      ({ kind: "Rejected", computer: await house.reject(textIn(await body(), "who"), signal) }) satisfies RejectAnswer,
  },
  joining: {
    GET: (house) => Promise.resolve(house.joining()),
    POST: async (house, { body, signal }) => {
      await house.join(readWish(await body()), signal);
      return house.joining();
    },
  },
  leaving: {
    POST: async (house, { body, signal }) => {
      const given = await body();
      const confirm = optionalText(given, "confirm");
      const force = optionalText(given, "force") !== undefined;
      return house.leave({ force, ...(confirm !== undefined && { confirm }) }, signal);
    },
  },
  stopping: {
    POST: async (house, { body, signal }) => house.handOver(duration(await body(), "withinMs"), signal),
    DELETE: (house) => {
      house.stay();
      return Promise.resolve(house.joining());
    },
  },
  replacements: {
    POST: async (house, { body, signal }) => {
      const given = await body();
      const newcomer = optionalText(given, "newcomer");
      return house.replace({ former: textIn(given, "former"), ...(newcomer !== undefined && { newcomer }) }, signal);
    },
  },
};

/** Undefined: the path is of something else. */
export async function answerHouse(ports: Pick<NodePorts, "house">, path: readonly string[], call: HouseCall): Promise<unknown> {
  const [name = "", ...more] = path;
  const handlers = Object.hasOwn(HANDLERS, name) && more.length === 0 ? HANDLERS[name] : undefined;
  if (handlers === undefined) return undefined;
  const handler = Object.hasOwn(handlers, call.method) ? handlers[call.method] : undefined;
  if (handler === undefined)
    throw new ApiError("BadRequest", `Cannot ${call.method} /api/v1/${name}: it takes ${Object.keys(handlers).join(" or ")}.`);
  return handler(houseOf(ports), call);
}

/** Throws where this node cannot be more than a house of one. */
function houseOf({ house }: Pick<NodePorts, "house">): HouseControl {
  if (house === undefined)
    throw new ApiError("BadRequest", "This node is a house of one, and cannot be more.", { next: "fossora version" });
  return house;
}

const ADDRESSES_MAX = 16;
const WITHIN_MAX_MS = 3_600_000;

function readWish(body: unknown): JoinWish {
  const { token, addresses } = (typeof body === "object" && body !== null ? body : {}) as { token?: unknown; addresses?: unknown }; // checked here
  const texts = Array.isArray(addresses) ? addresses.filter((each): each is string => typeof each === "string" && each !== "") : [];
  if (typeof token === "string") return { token, addresses: texts.slice(0, ADDRESSES_MAX) };
  if (!Array.isArray(addresses))
    throw new ApiError("BadRequest", "Cannot join: neither a token nor an address was given.", { next: "fossora join --help" });
  return { addresses: texts.slice(0, ADDRESSES_MAX) };
}

/** Throws unless it is a number of milliseconds. */
function duration(body: unknown, field: string): number {
  const ms = Number(textIn(body, field));
  if (!Number.isFinite(ms) || ms < 0 || ms > WITHIN_MAX_MS)
    throw new ApiError("BadRequest", `Cannot read the request: "${field}" should be a number of milliseconds, an hour at most.`);
  return ms;
}

function textIn(body: unknown, field: string): string {
  const text = optionalText(body, field);
  if (text === undefined) throw new ApiError("BadRequest", `Cannot read the request: "${field}" should be a text.`);
  return text;
}

function optionalText(body: unknown, field: string): string | undefined {
  const value = typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>)[field] : undefined; // any JSON
  return typeof value === "string" && value !== "" ? value : undefined;
}
