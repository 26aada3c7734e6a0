// How the agent talks to its ingress: one short HTTP call each on the control socket, so that it always reaches whoever holds it now.
import http from "node:http";
import type { FenceTold, IngressPing, IngressProgram, IngressSettings, IngressStatus, Table } from "../../api/table.ts";
import type { TrafficReport } from "../../api/traffic.ts";

export interface IngressClient {
  /** Swapped in at once; on disk a little later. */
  putTable(table: Table, signal: AbortSignal): Promise<void>;
  /** Nothing of a house is served any more. */
  forgetTable(signal: AbortSignal): Promise<void>;
  putSettings(settings: IngressSettings, signal: AbortSignal): Promise<void>;
  status(signal: AbortSignal): Promise<IngressStatus>;
  /** Asks the ingress of another node whether it is there, on 734. */
  ping(ping: IngressPing, signal: AbortSignal): Promise<boolean>;
  /** What it is to end by itself once contact with the house is lost, and how young that was. */
  putFence(told: FenceTold, signal: AbortSignal): Promise<void>;
  /** What it was told last, and the youngest contact that it knows of; undefined: nothing. */
  fence(signal: AbortSignal): Promise<FenceTold | undefined>;
  /** What it has counted since it started. */
  traffic(signal: AbortSignal): Promise<TrafficReport>;
  /** Instances that answer somebody through it right now, also whom another node's ingress asks for, and those of this node in its table. */
  busy(signal: AbortSignal): Promise<readonly string[]>;
  /** The same and more in Prometheus' text format. */
  metrics(signal: AbortSignal): Promise<string>;
  /** Resolves with the new process' pid once it serves; when it fails, the old one goes on. */
  handover(program: IngressProgram, signal: AbortSignal): Promise<number>;
  /** Resolves when the process that answers now gave up its place: it died, was stopped, or handed over. */
  gone(signal: AbortSignal): Promise<void>;
}

/** A call that finds the ingress handing over, or just gone, is tried again: the next one takes its place within moments. */
const TRIES = 5;
const RETRY_MS = 100;

export function connectIngress(socketPath: string): IngressClient {
  const text = (method: string, path: string, body: unknown, signal: AbortSignal): Promise<string> =>
    callPatiently({ socketPath, method, path, body, signal });
  const call = async (...asked: Parameters<typeof text>): Promise<unknown> => JSON.parse(await text(...asked));
  return {
    putTable: async (table, signal) => void (await call("PUT", "/table", table, signal)),
    forgetTable: async (signal) => void (await call("DELETE", "/table", undefined, signal)),
    putSettings: async (settings, signal) => void (await call("PUT", "/settings", settings, signal)),
    // The ingress is of this program; another release's has at least these fields.
    status: async (signal) => (await call("GET", "/status", undefined, signal)) as IngressStatus,
    ping: async (ping, signal) => ((await call("POST", "/ping", ping, signal)) as { readonly answers: boolean }).answers,
    putFence: async (told, signal) => void (await call("PUT", "/fence", told, signal)),
    fence: async (signal) => {
      const told = (await call("GET", "/fence", undefined, signal)) as Partial<FenceTold>; // as above
      return told.containers !== undefined && told.contactAtMs !== undefined ? (told as FenceTold) : undefined; // both are there
    },
    traffic: async (signal) => (await call("GET", "/traffic", undefined, signal)) as TrafficReport, // as above
    busy: async (signal) => ((await call("GET", "/busy", undefined, signal)) as { readonly instances: readonly string[] }).instances, // as above
    metrics: (signal) => text("GET", "/metrics", undefined, signal),
    handover: async (program, signal) => ((await call("POST", "/handover", program, signal)) as { readonly pid: number }).pid,
    gone: (signal) => untilGone(socketPath, signal),
  };
}

interface Call {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

/** It is about to be replaced: ask the next one. */
class HandingOver extends Error {
  override readonly name = "HandingOver";
}

async function callPatiently(call: Call): Promise<string> {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await callOnce(call);
    } catch (error) {
      if (left <= 1 || call.signal.aborted || !(error instanceof HandingOver)) throw error;
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

async function callOnce({ socketPath, method, path, body, signal }: Call): Promise<string> {
  const { status, text } = await new Promise<{ readonly status: number; readonly text: string }>((done, fail) => {
    const request = http.request({ socketPath, method, path, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
      response.on("error", fail);
    });
    request.on("error", fail);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
  if (status === 503) throw new HandingOver(`Cannot ${method} ${path}: the ingress is handing over`);
  if (status !== 200) throw new Error(`Cannot ${method} ${path}: ${messageOf(text)}`);
  return text;
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { readonly message: string }).message;
  } catch {
    return text;
  }
}

function untilGone(socketPath: string, signal: AbortSignal): Promise<void> {
  return new Promise<void>((done, fail) => {
    const request = http.get({ socketPath, path: "/alive", signal, agent: false }, (response) => {
      response.resume();
      response.on("close", () => (signal.aborted ? fail(signal.reason) : done()));
    });
    request.on("error", () => (signal.aborted ? fail(signal.reason) : done()));
  });
}
