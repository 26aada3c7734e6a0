// What `describe route` shows of the traffic, node by node: each ingress counts for itself.
import type { BackendTraffic, FirstByte, NodeTraffic, RouteTraffic } from "../api/traffic.ts";
import { bytes, span } from "./age.ts";
import { formatTable } from "./table.ts";

export function trafficLines(nodes: readonly NodeTraffic[]): readonly string[] {
  return nodes.flatMap((each) => {
    if ("unknown" in each) return ["", `Traffic on ${each.node}`, `  not known: ${each.unknown}; the apps may answer all the same`];
    const { node, forMs, recentMs, traffic } = each;
    if (traffic === undefined) return ["", `Traffic on ${node}`, "  none: its ingress does not serve this name"];
    return [
      "",
      `Traffic on ${node}, for ${span(forMs)}`,
      ...formatTable(routeRows(traffic, recentMs)).map((line) => `  ${line}`),
      "",
      `Backends as ${node} sees them`,
      ...backendLines(traffic).map((line) => `  ${line}`),
    ];
  });
}

const NOUNS = { http: "Requests", tcp: "Connections", udp: "Sessions" } as const;

function routeRows(traffic: RouteTraffic, recentMs: number): readonly (readonly string[])[] {
  const { protocol, requests, codes, reasons, cutOff, open, bytesIn, bytesOut, firstByte } = traffic;
  const isHttp = protocol === "http";
  const classes = Object.entries(codes).filter(([code, count]) => isHttp && count > 0 && code !== "none");
  return [
    [
      NOUNS[protocol],
      [
        number(requests),
        ...classes.map(([code, count]) => `${code} ${number(count)}`),
        ...(open > 0 ? [`under way ${number(open)}`] : []),
      ].join("   "),
    ],
    ...optional("No backend", counted(reasons)),
    ...optional("Cut off", cutOff === 0 ? "" : `${number(cutOff)} answer${cutOff === 1 ? " was" : "s were"} not whole`),
    ["Bytes", `in ${bytes(bytesIn)}   out ${bytes(bytesOut)}`],
    ...(isHttp ? [["First byte", firstByteText(firstByte, recentMs)]] : []),
  ];
}

function firstByteText(firstByte: FirstByte | undefined, recentMs: number): string {
  if (firstByte === undefined) return `no answer in the last ${span(recentMs)}`;
  const { p50Ms, p99Ms, requests } = firstByte;
  return `p50 ${took(p50Ms)}   p99 ${took(p99Ms)}   of ${number(requests)} in the last ${span(recentMs)}`;
}

function backendLines({ backends, protocol }: RouteTraffic): readonly string[] {
  if (backends.length === 0) return ["none"];
  const header = ["INSTANCE", "NODE", "ADDRESS", "HEALTH", NOUNS[protocol].toUpperCase(), "FAULTS", "P50", "P99", "LAST ERROR"];
  return formatTable([header, ...backends.map(backendRow)]);
}

function backendRow(backend: BackendTraffic): readonly string[] {
  const { instance, node, host, port, requests, faults, firstByte, lastError } = backend;
  const failed = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    instance || "-",
    node || "-",
    `${host}:${port}`,
    health(backend),
    number(requests),
    number(failed),
    quantile(firstByte, "p50Ms"),
    quantile(firstByte, "p99Ms"),
    lastError === undefined ? "-" : `${lastError.message}, ${span(lastError.agoMs)} ago`,
  ];
}

/** Passive: what requests have met; nobody knocks for the sake of it. */
function health({ gone, outForMs, requests, faults }: BackendTraffic): string {
  if (gone === true) return "gone";
  if (outForMs !== undefined) return `out for ${span(outForMs)}`;
  return requests === 0 && Object.keys(faults).length === 0 ? "not asked yet" : "reachable";
}

function counted(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${number(count)}`)
    .join("   ");
}

function optional(title: string, text: string): readonly (readonly string[])[] {
  return text === "" ? [] : [[title, text]];
}

function quantile(firstByte: FirstByte | undefined, which: "p50Ms" | "p99Ms"): string {
  return firstByte === undefined ? "-" : took(firstByte[which]);
}

/** `0.4 ms`, `35 ms`, `1.2 s`. */
function took(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}

function number(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
