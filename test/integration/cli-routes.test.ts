// What a person sees of the ingress from outside, word by word: the routes and their traffic, and the metrics as a scraper reads them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { NodeOptions } from "../../src/cli/node-commands.ts";
import type { Description } from "../../src/api/wire.ts";
import type { RouteTraffic } from "../../src/api/traffic.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { readText, send } from "../support/transcript-api.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { condition, FILES, READY_ROUTE, readyService } from "../support/transcript-statuses.ts";

let house: TranscriptHouse;

const BACKEND = { node: "nas", instance: "jellyfin-k3f9", host: "172.30.0.5", port: 8096 };
const TRAFFIC: RouteTraffic = {
  route: "jellyfin",
  protocol: "http",
  requests: 12_345,
  codes: { none: 2, "1xx": 3, "2xx": 12_000, "3xx": 0, "4xx": 300, "5xx": 40 },
  reasons: { unreachable: 38, clientGone: 2 },
  cutOff: 1,
  open: 4,
  bytesIn: 1_234_567,
  bytesOut: 45_678_901_234,
  firstByte: { requests: 600, p50Ms: 3.7, p99Ms: 1300 },
  backends: [
    {
      ...BACKEND,
      requests: 12_305,
      faults: { failed: 1 },
      lastError: { message: "socket hang up", agoMs: 3_600_000 },
      firstByte: { requests: 600, p50Ms: 3.7, p99Ms: 1300 },
    },
    {
      ...BACKEND,
      node: "nuc",
      instance: "jellyfin-p8xc",
      requests: 0,
      faults: { unreachable: 38 },
      outForMs: 42_000,
      lastError: { message: "connect ECONNREFUSED 172.30.0.5:8096", agoMs: 2_000 },
    },
    { ...BACKEND, instance: "jellyfin-old1", gone: true, requests: 2, faults: {} },
  ],
};

before(async () => {
  house = await TranscriptHouse.start();
  await run("apply", "-f", "jellyfin.yaml");
  house.setStatus("Service", "jellyfin", readyService());
  house.setStatus("Route", "jellyfin", READY_ROUTE);
  house.setStatus("DnsRecord", "jellyfin", {
    conditions: [condition("Ready", "True", "Ready")],
    fqdn: "jellyfin.home.internal",
    answers: ["192.168.1.10"],
  });
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

const head = `Name          route/jellyfin
Follows from  service/jellyfin
Labels        group=media
Status        Ready
Ready         True
URL           http://jellyfin.home.internal
Backends      1/1 (nas:8096)
Age           9d
Generation    1

Conditions
  Ready  True  Ready  2m

Follows
  dnsrecord/jellyfin  True  jellyfin.home.internal  192.168.1.10
`;

test("get routes names the URL and the backends", async () => {
  expectOutcome(await run("get", "routes"), {
    stdout:
      "NAME      READY  URL                            BACKENDS        AGE\njellyfin  True   http://jellyfin.home.internal  1/1 (nas:8096)  9d\n",
  });
});

test("a Route that another has the name of says whose it is and what to do", async () => {
  const message = "Route 'films' is older and has the same name and path. Delete or change one of them";
  const { url: _, ...status } = READY_ROUTE;
  house.setStatus("Route", "jellyfin", { ...status, backends: "0/1", conditions: [condition("Ready", "False", "Conflict", message)] });
  expectOutcome(await run("get", "routes"), {
    stdout: "NAME      READY             URL  BACKENDS  AGE\njellyfin  False (Conflict)  -    0/1       9d\n",
  });
  assert.match((await run("describe", "route", "jellyfin")).stdout, /Ready  False  Conflict  2m  Route 'films' is older/);
  house.setStatus("Route", "jellyfin", READY_ROUTE);
});

test("describe route tells what each node's ingress has counted", async () => {
  house.traffic = { forMs: 7_200_000, recentMs: 300_000, routes: [TRAFFIC] };
  const expected = `${head}
Traffic on nas, for 2h
  Requests    12,345   1xx 3   2xx 12,000   4xx 300   5xx 40   under way 4
  No backend  unreachable 38   clientGone 2
  Cut off     1 answer was not whole
  Bytes       in 1.2 MB   out 46 GB
  First byte  p50 3.7 ms   p99 1.3 s   of 600 in the last 5m

Backends as nas sees them
  INSTANCE       NODE  ADDRESS          HEALTH       REQUESTS  FAULTS  P50     P99    LAST ERROR
  jellyfin-k3f9  nas   172.30.0.5:8096  reachable    12,305    1       3.7 ms  1.3 s  socket hang up, 1h ago
  jellyfin-p8xc  nuc   172.30.0.5:8096  out for 42s  0         38      -       -      connect ECONNREFUSED 172.30.0.5:8096, 2s ago
  jellyfin-old1  nas   172.30.0.5:8096  gone         2         0       -       -      -
`;
  expectOutcome(await run("describe", "route", "jellyfin"), { stdout: expected });
  expectOutcome(await fossora({ socket: house.socket, tty: true }, "describe", "rt/jellyfin"), { stdout: expected });
});

test("describe of a route that nobody asked for yet", async () => {
  const quiet = {
    ...TRAFFIC,
    requests: 0,
    codes: {},
    reasons: {},
    cutOff: 0,
    open: 0,
    bytesIn: 0,
    bytesOut: 0,
    backends: [{ ...BACKEND, requests: 0, faults: {} }],
  };
  const { firstByte: _, ...route } = quiet;
  house.traffic = { forMs: 5_000, recentMs: 300_000, routes: [route] };
  expectOutcome(await run("describe", "route", "jellyfin"), {
    stdout: `${head}
Traffic on nas, for 5s
  Requests    0
  Bytes       in 0 B   out 0 B
  First byte  no answer in the last 5m

Backends as nas sees them
  INSTANCE       NODE  ADDRESS          HEALTH         REQUESTS  FAULTS  P50  P99  LAST ERROR
  jellyfin-k3f9  nas   172.30.0.5:8096  not asked yet  0         0       -    -    -
`,
  });
});

test("describe of a raw route counts connections", async () => {
  const { firstByte: _, ...raw } = TRAFFIC;
  const [backend] = TRAFFIC.backends;
  assert.ok(backend);
  const counts = {
    requests: 12,
    codes: { "2xx": 12 },
    reasons: { notAllowed: 3 },
    cutOff: 0,
    open: 2,
    backends: [{ ...backend, requests: 12 }],
  };
  house.traffic = { forMs: 60_000, recentMs: 300_000, routes: [{ ...raw, ...counts, protocol: "tcp" }] };
  expectOutcome(await run("describe", "route", "jellyfin"), {
    stdout: `${head}
Traffic on nas, for 1m
  Connections  12   under way 2
  No backend   notAllowed 3
  Bytes        in 1.2 MB   out 46 GB

Backends as nas sees them
  INSTANCE       NODE  ADDRESS          HEALTH     CONNECTIONS  FAULTS  P50     P99    LAST ERROR
  jellyfin-k3f9  nas   172.30.0.5:8096  reachable  12           1       3.7 ms  1.3 s  socket hang up, 1h ago
`,
  });
});

test("an ingress that is silent, or does not serve the name, is said to", async () => {
  house.traffic = undefined;
  expectOutcome(await run("describe", "route", "jellyfin"), {
    stdout: `${head}\nTraffic on nas\n  not known: its ingress does not answer; the apps may answer all the same\n`,
  });
  house.traffic = { forMs: 5_000, recentMs: 300_000, routes: [] };
  expectOutcome(await run("describe", "route", "jellyfin"), {
    stdout: `${head}\nTraffic on nas\n  none: its ingress does not serve this name\n`,
  });
});

test("describe -o json has the figures, and only of routes", async () => {
  house.traffic = { forMs: 5_000, recentMs: 300_000, routes: [TRAFFIC] };
  const route = JSON.parse((await run("describe", "route", "jellyfin", "-o", "json")).stdout) as Description; // the form that it documents
  assert.deepEqual(route.traffic, [{ node: "nas", forMs: 5_000, recentMs: 300_000, traffic: TRAFFIC }]);
  const service = JSON.parse((await run("describe", "svc", "jellyfin", "-o", "json")).stdout) as Description; // as above
  assert.equal(service.traffic, undefined);
});

test("GET /metrics is what the agent and its ingress count, in Prometheus' format", async () => {
  const response = await send(house, "GET", "/metrics");
  assert.equal(response.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
  const scraped = parseMetrics(await readText(response));
  assert.equal(valueOf(scraped, "fossora_build_info", { version: "0.1.0" }), 1);
  assert.equal(valueOf(scraped, "fossora_reconcile_actions_total", { kind: "Service" }), 2);
  assert.equal(valueOf(scraped, "fossora_store_quorum"), 1);
  assert.equal(valueOf(scraped, "fossora_mirror_fresh"), 1);
  assert.equal(valueOf(scraped, "fossora_ingress_up"), 1);
  assert.equal(valueOf(scraped, "fossora_table_revision"), 1);
});

test("status says when the access log is not written", async () => {
  house.accessLog = { file: "/srv/access.log", lines: 0, dropped: 4, problem: "ENOENT: no such file or directory, open '/srv/access.log'" };
  const { stdout } = await run("status");
  assert.match(
    stdout,
    /\n! the access log is not written: ENOENT: no such file or directory, open '\/srv\/access.log' +→ mend that, or: sudo fossora up --access-log off\n/,
  );
  house.accessLog = undefined;
});

test("--access-log is in the help of what starts a node, and reaches it", async () => {
  for (const verb of ["up", "agent"])
    assert.match(
      (await run(verb, "--help")).stdout,
      /--access-log <file\|off> +a line of JSON for each request, paths without\s+their\s+query; default off/,
    );
  const given: unknown[] = [];
  const agent = (options: NodeOptions): Promise<number> => {
    given.push(options.accessLog);
    return Promise.resolve(0);
  };
  for (const value of ["/var/log/fossora-access.log", "off"])
    await fossora({ socket: house.socket, node: { agent } }, "agent", "--access-log", value);
  assert.deepEqual(given, ["/var/log/fossora-access.log", "off"]);
});
