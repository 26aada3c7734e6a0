import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMetrics } from "../api/prometheus.ts";
import type { HttpRoute } from "../api/table.ts";
import { parseMetrics, valueOf } from "../../test/support/prometheus.ts";
import { ingressMetrics, type ProcessCounts } from "./metrics.ts";
import { Traffic } from "./traffic.ts";

const backend = { node: "attic", instance: "app-1", host: "10.0.0.2", port: 80 };
const app: HttpRoute = { name: "app", host: "app", path: "/", backends: [backend], holdMs: 0, forwardedHeaders: "standard" };
const counts: ProcessCounts = {
  build: "abc",
  revision: 7,
  startedAtSeconds: 1.7e9,
  cpuSeconds: 0.5,
  memoryBytes: 60e6,
  held: 1,
  tcpConnections: 2,
  udpSessions: 3,
  mesh: { incoming: 1, outgoing: 2 },
  dnsQueries: new Map([["NOERROR", 4]]),
};

test("what was counted is what a strict scraper reads", () => {
  const traffic = new Traffic(0);
  traffic.began(app, undefined);
  traffic.tried(app, backend, { fault: "unreachable", error: new Error("refused"), tookMs: 1 }, 0);
  traffic.tried(app, backend, { tookMs: 1 }, 0);
  traffic.moved(app, 10, 2000);
  traffic.ended({ route: app, backend, reason: undefined, status: 200, firstByteMs: 5, whole: true }, 0);
  traffic.ended({ route: undefined, backend: undefined, reason: "unknownHost", status: 404, firstByteMs: undefined, whole: true }, 0);
  const scraped = parseMetrics(renderMetrics(ingressMetrics(traffic, new Traffic(0), counts)));
  assert.equal(valueOf(scraped, "fossora_http_requests_total", { route: "app", backend: "app-1", code: "2xx" }), 1);
  assert.equal(valueOf(scraped, "fossora_http_own_answers_total", { route: "", reason: "unknownHost" }), 1);
  assert.equal(valueOf(scraped, "fossora_http_backend_faults_total", { fault: "unreachable" }), 1);
  assert.equal(valueOf(scraped, "fossora_http_sent_bytes_total", { route: "app" }), 2000);
  assert.equal(valueOf(scraped, "fossora_http_first_byte_seconds_bucket", { route: "app", le: "0.004" }), 0);
  assert.equal(valueOf(scraped, "fossora_http_first_byte_seconds_bucket", { route: "app", le: "0.016" }), 1);
  assert.equal(valueOf(scraped, "fossora_dns_queries_total", { rcode: "NOERROR" }), 4);
  assert.equal(valueOf(scraped, "fossora_table_revision"), 7);
});

test("an ingress that has served nothing yet is scraped as well", () => {
  const scraped = parseMetrics(renderMetrics(ingressMetrics(new Traffic(0), new Traffic(0), { ...counts, dnsQueries: new Map() })));
  assert.equal(valueOf(scraped, "fossora_http_held"), 1);
});
