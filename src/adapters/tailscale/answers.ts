// Tailscale's answers as our own words. Nothing of them is taken for granted: lists may be null, fields absent, and the form of the bus
// changes with releases. Pure; its test has recorded answers of a real tailscaled.
import type { TailnetDevice, TailnetState, TailnetWho } from "../../trust/tailnet.ts";

type Json = Readonly<Record<string, unknown>>;

/** Fields that are int64 in Go: their text is kept, since two users whose ids differ beyond 2^53 would be one. */
const INT64 = new Set(["UserID", "User", "ID", "NodeID"]);

/** Of `status`. Every state but Running means that nothing is known, also where an old list is still told. */
export function readStatus(text: string): TailnetState {
  const status = parse(text);
  const state = string(status["BackendState"]) || "no state";
  const self = object(status["Self"]);
  if (state !== "Running" || self === undefined || string(self["ID"]) === "") return { kind: "unknown", state };
  const peers = Object.values(object(status["Peer"]) ?? {}).flatMap((peer): readonly Json[] => {
    const device = object(peer);
    return device === undefined ? [] : [device];
  });
  return { kind: "running", self: deviceOf(self), peers: peers.map(deviceOf), userspace: status["TUN"] === false };
}

/** Of `whois`; undefined: an answer without a node. */
export function readWhois(text: string): TailnetWho | undefined {
  const answer = parse(text);
  const node = object(answer["Node"]);
  if (node === undefined) return undefined;
  const capabilities = object(answer["CapMap"]) ?? {};
  return {
    id: string(node["StableID"]),
    name: withoutDot(string(node["Name"])),
    os: string(object(node["Hostinfo"])?.["OS"]),
    userId: string(node["User"]),
    login: string(object(answer["UserProfile"])?.["LoginName"]),
    tags: strings(node["Tags"]),
    addresses: ipv4First(strings(node["Addresses"]).map((prefix) => prefix.split("/")[0] ?? "")),
    expired: node["Expired"] === true,
    capabilities: Object.fromEntries(Object.entries(capabilities).map(([name, grants]) => [name, list(grants)])),
  };
}

/** Of `dns-config`: which zones are asked of which servers (split DNS). */
export function readSplitDns(text: string): Readonly<Record<string, readonly string[]>> {
  const routes = object(parse(text)["Routes"]) ?? {};
  return Object.fromEntries(
    Object.entries(routes).map(([zone, servers]) => [
      withoutDot(zone),
      list(servers)
        .map((server) => string(object(server)?.["Addr"]))
        .filter((address) => address !== ""),
    ]),
  );
}

/** Does a line of the bus say that anything changed? A third of them has only a version and nulls. What it says is never used. */
export function busLineTells(line: string): boolean {
  try {
    return Object.entries(parse(line)).some(([name, value]) => !["Version", "SessionID"].includes(name) && value !== null);
  } catch {
    return line.trim() !== ""; // a form of a newer release: look
  }
}

function deviceOf(device: Json): TailnetDevice {
  return {
    id: string(device["ID"]),
    name: withoutDot(string(device["DNSName"])),
    os: string(device["OS"]),
    userId: string(device["UserID"]),
    tags: strings(device["Tags"]),
    addresses: ipv4First(strings(device["TailscaleIPs"])),
    online: device["Online"] === true,
    expired: device["Expired"] === true,
    shared: device["ShareeNode"] === true,
  };
}

function parse(text: string): Json {
  // The text of a number is the third argument of ES2026's reviver, which the types do not know yet.
  const reviver = (name: string, value: unknown, context?: { readonly source?: string }): unknown =>
    INT64.has(name) && typeof value === "number" ? (context?.source ?? String(value)) : value;
  return object(JSON.parse(text, reviver)) ?? {};
}

function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined; // checked
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function string(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function strings(value: unknown): readonly string[] {
  return list(value).filter((each) => typeof each === "string");
}

function withoutDot(name: string): string {
  return name.replace(/\.$/, "");
}

function ipv4First(addresses: readonly string[]): readonly string[] {
  return [...addresses].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
}
