// What is no app of the house - a router, a NAS - is asked as a browser at its own address would ask it: many answer to no other name,
// and refuse what seems to come from another page.
import type http from "node:http";
import type { Backend } from "../../api/table.ts";
import type { Headers } from "./headers.ts";

/** In place of the client's; nothing for an app of the house, or where the route itself sets `Host`. */
export function askedThere({ headers }: http.IncomingMessage, backend: Backend, set: Headers = {}): Headers {
  const { authority } = backend;
  if (authority === undefined || Object.keys(set).some((name) => name.toLowerCase() === "host")) return {};
  const there = originOf(backend);
  const { host = "", origin, referer } = headers;
  const [, referred, path = ""] = /^(https?:\/\/[^/]*)(.*)$/.exec(referer ?? "") ?? [];
  return {
    host: authority,
    ...(origin !== undefined && isHere(origin, host) && { origin: there }),
    ...(referred !== undefined && isHere(referred, host) && { referer: there + path }),
  };
}

/** Where it sends the browser to itself, the browser stays at the name that it knows. */
export function sentHere(location: string | undefined, backend: Backend): Headers {
  if (location === undefined || backend.authority === undefined) return {};
  const url = URL.parse(location);
  if (url === null || url.origin !== originOf(backend)) return {};
  return { location: url.pathname + url.search + url.hash };
}

function originOf({ authority, tls }: Backend): string {
  return `${tls === undefined ? "http" : "https"}://${authority}`;
}

function isHere(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
