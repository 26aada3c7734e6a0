// The HTTP API over a real unix socket: what is read, watched, written and refused.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, before, describe, test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { ApplyAnswer, ErrorStatus, HouseSummary, ObjectList, ServedObject, WatchLine } from "../../src/api/wire.ts";
import { put } from "../fakes/objects.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { JELLYFIN, READY_NODE, readyService, serviceStatus, WHOAMI } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

interface Answer<T> {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: T;
}

/** An answer that does not come must not hold up the rest. */
const CALL_LIMIT_MS = 30_000;

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
});
after(() => house.close());

async function send(method: string, path: string, body?: string, contentType = "application/apply+yaml"): Promise<IncomingMessage> {
  const outgoing = request({
    socketPath: house.socket,
    method,
    path,
    agent: false,
    signal: AbortSignal.timeout(CALL_LIMIT_MS),
    headers: body === undefined ? {} : { "content-type": contentType },
  });
  outgoing.end(body);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage]; // node:http's own event
  return response;
}

async function call<T>(method: string, path: string, body?: string, contentType?: string): Promise<Answer<T>> {
  const response = await send(method, path, body, contentType);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return { code: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as T }; // the API's promise, which the test checks
}

async function apply(yaml: string): Promise<ApplyAnswer> {
  const { code, body } = await call<ApplyAnswer>("PATCH", "/api/v1", yaml);
  assert.equal(code, 200, JSON.stringify(body));
  await until("the mirror has seen it", () =>
    body.results.every(({ kind, name, generation }) => house.mirror.desired(kind, name)?.metadata.generation === generation),
  );
  return body;
}

/** A watch and the lines that came so far. */
class Watching {
  readonly lines: WatchLine[] = [];
  ended = false;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      this.lines.push(...parts.map((part) => JSON.parse(part) as WatchLine)); // as above
    });
    response.on("close", () => (this.ended = true));
  }

  static async open(path: string): Promise<Watching> {
    return new Watching(await send("GET", path));
  }

  /** As `TYPE name`. */
  get told(): readonly string[] {
    return this.lines.map((line) => ("object" in line ? `${line.type} ${line.object.metadata.name}` : line.type));
  }

  async sees(...told: readonly string[]): Promise<void> {
    await until(
      `${told.join(", ")} in ${this.told.join(", ")}`,
      () => JSON.stringify(this.told.slice(-told.length)) === JSON.stringify(told),
      10_000,
    );
  }

  close(): void {
    this.#response.destroy();
  }
}

describe("applying", () => {
  test("an object is created, found unchanged, then configured", async () => {
    assert.equal((await apply(WHOAMI)).results[0]?.action, "created");
    assert.equal((await apply(WHOAMI)).results[0]?.action, "unchanged");
    const changed = await apply(WHOAMI.replace("whoami:1", "whoami:2"));
    assert.deepEqual(
      changed.results.map(({ action, generation }) => [action, generation]),
      [["configured", 2]],
    );
  });

  test("all files are applied or none", async () => {
    const files = [
      { file: "good.yaml", text: JELLYFIN.replace("jellyfin,", "partner,") },
      { file: "bad.yaml", text: "kind: Service\n" },
    ];
    const { code, body } = await call<ErrorStatus>("PATCH", "/api/v1", JSON.stringify({ files }), "application/apply+json");
    assert.equal(code, 422);
    assert.equal(body.reason, "Invalid");
    assert.ok((body.details?.causes.length ?? 0) > 0);
    assert.ok(body.details?.causes.every((cause) => cause.file === "bad.yaml" && cause.line === 1));
    assert.equal(house.etcd.get(keys.desired("Service", "partner")), undefined);
  });

  test("a dry run answers the object and writes nothing", async () => {
    const { body } = await call<ApplyAnswer>("PATCH", "/api/v1?dryRun=1", WHOAMI.replace("name: whoami", "name: maybe"));
    assert.equal(body.results[0]?.action, "created");
    assert.equal(body.results[0]?.object?.kind, "Service");
    assert.equal(house.etcd.get(keys.desired("Service", "maybe")), undefined);
  });

  test("what another manager applied answers 409 until it is taken over", async () => {
    await call("PATCH", "/api/v1?manager=git/home", WHOAMI.replace("name: whoami", "name: theirs"));
    const refused = await call<ErrorStatus>("PATCH", "/api/v1", WHOAMI.replace("name: whoami", "name: theirs"));
    assert.equal(refused.code, 409);
    assert.equal(refused.body.reason, "ManagedElsewhere");
    assert.match(refused.body.details?.causes[0]?.message ?? "", /git\/home/);
    assert.equal((await call("PATCH", "/api/v1?force=1", WHOAMI.replace("name: whoami", "name: theirs"))).code, 200);
  });

  test("only the last ten specs of an object are kept", async () => {
    for (let version = 1; version <= 13; version++)
      await apply(WHOAMI.replace("name: whoami", "name: often").replace("whoami:1", `whoami:${version}`));
    await until("the history is trimmed", () => house.etcd.below("/fossora/history/Service/often/").length === 10);
    assert.match(house.etcd.below("/fossora/history/Service/often/").at(-1)?.value ?? "", /whoami:13/);
  });

  test("without quorum nothing is written, and the answer says when to try again", async () => {
    house.etcd.isolate("nas");
    try {
      const { code, headers, body } = await call<ErrorStatus>("PATCH", "/api/v1", WHOAMI);
      assert.equal(code, 503);
      assert.equal(body.reason, "NoQuorum");
      assert.equal(headers["retry-after"], "2");
      assert.equal((await call<ObjectList>("GET", "/api/v1/services")).code, 200, "reading goes on");
    } finally {
      house.etcd.rejoin("nas");
      await until("the mirror is fresh again", () => house.mirror.fresh);
    }
  });

  test("a body that is too large, of another type or no JSON is refused", async () => {
    const large = await call<ErrorStatus>("PATCH", "/api/v1", "#".repeat(8 * 1024 * 1024 + 1));
    assert.deepEqual([large.code, large.body.reason], [413, "TooLarge"]);
    assert.equal((await call<ErrorStatus>("PATCH", "/api/v1", "x", "text/plain")).body.reason, "BadRequest");
    assert.equal((await call<ErrorStatus>("PATCH", "/api/v1", "{", "application/apply+json")).body.reason, "BadRequest");
    assert.equal(
      (await call<ErrorStatus>("PATCH", "/api/v1", '{"files": [{"file": 1}]}', "application/apply+json")).body.reason,
      "BadRequest",
    );
    assert.equal((await call<ErrorStatus>("PATCH", "/api/v1", "")).body.reason, "Invalid");
  });
});

describe("reading", () => {
  before(async () => {
    await apply(JELLYFIN);
    house.setStatus("Service", "jellyfin", readyService());
    house.setStatus("Membership", "nas", READY_NODE);
  });

  test("an object carries its status, a child its owner", async () => {
    const { body } = await call<ServedObject>("GET", "/api/v1/services/jellyfin");
    assert.deepEqual("status" in body && body.status, readyService());
    const route = await call<ServedObject>("GET", "/api/v1/routes/jellyfin");
    assert.equal("owner" in route.body.metadata && route.body.metadata.owner, "Service/jellyfin");
  });

  test("short names and singulars lead to the same list", async () => {
    for (const word of ["services", "svc", "service"])
      assert.equal((await call<ObjectList>("GET", `/api/v1/${word}`)).body.kind, "ServiceList", word);
  });

  test("selectors choose by labels and by fields", async () => {
    const names = async (query: string): Promise<readonly string[]> =>
      (await call<ObjectList>("GET", `/api/v1/services?${query}`)).body.items.map(({ metadata }) => metadata.name);
    assert.deepEqual(await names("labelSelector=group%3Dmedia"), ["jellyfin"]);
    assert.deepEqual(await names(`fieldSelector=${encodeURIComponent("metadata.name in (jellyfin,whoami)")}`), ["jellyfin", "whoami"]);
    assert.deepEqual(
      await names(`labelSelector=${encodeURIComponent("group!=media")}&fieldSelector=${encodeURIComponent("status.ready=1/1")}`),
      [],
    );
    assert.equal((await call<ErrorStatus>("GET", "/api/v1/services?labelSelector=a%20b")).code, 400);
  });

  test("pages follow each other without gap or repetition", async () => {
    const whole = (await call<ObjectList>("GET", "/api/v1/services")).body.items.map(({ metadata }) => metadata.name);
    const seen: string[] = [];
    let token: string | undefined = "";
    for (let pages = 0; token !== undefined && pages < 20; pages++) {
      const { body }: Answer<ObjectList> = await call<ObjectList>("GET", `/api/v1/services?limit=2&continue=${token}`);
      assert.ok(body.items.length <= 2);
      seen.push(...body.items.map(({ metadata }) => metadata.name));
      token = body.metadata.continue;
    }
    assert.deepEqual(seen, whole);
  });

  test("instances are objects of their own", async () => {
    const { body } = await call<ObjectList>("GET", `/api/v1/instances?fieldSelector=${encodeURIComponent("spec.node=nas")}`);
    assert.deepEqual(
      body.items.map(({ metadata }) => metadata.name),
      ["jellyfin-k3f9"],
    );
  });

  test("the summary names each problem and what to type, of an owner and not of its children", async () => {
    house.setStatus("Service", "jellyfin", serviceStatus());
    house.listeners = [{ protocol: "http", address: "0.0.0.0", port: 8080, problem: "80 is held by nginx" }];
    const { body } = await call<HouseSummary>("GET", "/api/v1/status");
    assert.equal(body.ready, true);
    assert.deepEqual(
      body.problems.map(({ message, next }) => [message, next]),
      [
        ["http is on port 8080: 80 is held by nginx", "free the port, then: sudo fossora up"],
        ["service jellyfin: not every instance is ready (Starting)", "fossora describe service jellyfin"],
      ],
    );
    house.listeners = undefined;
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("what is not there says so, and what was meant", async () => {
    const gone = await call<ErrorStatus>("GET", "/api/v1/services/jelyfin");
    assert.deepEqual([gone.code, gone.body.reason], [404, "NotFound"]);
    assert.match(gone.body.message, /Did you mean "jellyfin"\?/);
    assert.equal((await call<ErrorStatus>("GET", "/api/v1/pods")).code, 404);
    assert.equal((await call<ErrorStatus>("GET", "/nothing")).code, 404);
    assert.equal((await call<ErrorStatus>("POST", "/api/v1/services")).code, 400);
    assert.equal((await call<ErrorStatus>("GET", "/api/v1/services/%")).code, 400);
    assert.equal((await call<ErrorStatus>("GET", "/api/v1/services?watch=maybe")).code, 400);
    assert.equal((await call("GET", "/healthz")).code, 200);
  });
});

describe("watching", () => {
  const made = (name: string): string => WHOAMI.replace("name: whoami", `name: ${name}, labels: { watched: "1" }`);
  const watched = "/api/v1/services?watch=1&labelSelector=watched";

  test("a watch tells what there is, then each change: a status is MODIFIED with the same resourceVersion", async () => {
    await apply(made("first"));
    const watching = await Watching.open(watched);
    await watching.sees("ADDED first", "BOOKMARK");
    await apply(made("second"));
    await watching.sees("ADDED second");
    house.setStatus("Service", "second", readyService());
    await watching.sees("MODIFIED second");
    const [added, modified] = watching.lines.filter((line) => "object" in line && line.object.metadata.name === "second");
    assert.ok(added && "object" in added && modified && "object" in modified);
    assert.equal(added.object.metadata.resourceVersion, modified.object.metadata.resourceVersion);
    assert.ok(modified.revision > added.revision);
    assert.equal((await call("DELETE", "/api/v1/services/second")).code, 200);
    await watching.sees("DELETED second");
    await apply(WHOAMI.replace("name: whoami", "name: first"));
    await watching.sees("DELETED first");
    watching.close();
  });

  test("a watch that goes on from a revision hears what was deleted since, and what changed", async () => {
    await apply(made("stays"));
    await apply(made("goes"));
    const { revision } = house.mirror;
    await call("DELETE", "/api/v1/services/goes");
    await apply(made("comes"));
    const watching = await Watching.open(`${watched}&resourceVersion=${revision}`);
    await watching.sees("DELETED goes", "ADDED comes", "MODIFIED stays", "BOOKMARK");
    watching.close();
    const nothingNew = await Watching.open(`${watched}&resourceVersion=${house.mirror.revision}`);
    await nothingNew.sees("BOOKMARK");
    assert.deepEqual(nothingNew.told, ["BOOKMARK"]);
    nothingNew.close();
  });

  test("a revision that nobody remembers, or that is yet to come, is Expired", async () => {
    for (const revision of [0, house.mirror.revision + 1000]) {
      const { code, body } = await call<ErrorStatus>("GET", `${watched}&resourceVersion=${revision}`);
      assert.deepEqual([code, body.reason], [410, "Expired"], String(revision));
    }
  });

  test("pulls are told to whom asks for them", async () => {
    const watching = await Watching.open(`${watched}&progress=1`);
    await watching.sees("BOOKMARK");
    house.setPulls("stays", [{ image: "whoami:1", progress: { doneBytes: 1, totalBytes: 2, layers: 1 } }]);
    await until("progress", () => watching.told.includes("PROGRESS"), 10_000);
    const line = watching.lines.find((each) => each.type === "PROGRESS");
    assert.deepEqual(line?.type === "PROGRESS" && line.pulls, [
      { service: "stays", image: "whoami:1", node: "nas", doneBytes: 1, totalBytes: 2, layers: 1 },
    ]);
    watching.close();
    house.setPulls("stays", []);
  });

  test("events are told as they happen", async () => {
    const watching = await Watching.open("/api/v1/events?watch=1&fieldSelector=spec.type%3DWarning");
    await watching.sees("BOOKMARK");
    house.addEvent({ kind: "Service", name: "jellyfin", type: "Normal", reason: "Placed", message: "on nas" });
    house.addEvent({ kind: "Service", name: "jellyfin", type: "Warning", reason: "CrashLoop", message: "ended with 1" });
    await until("the warning", () =>
      watching.lines.some((line) => "object" in line && line.object.kind === "Event" && line.object.spec.reason === "CrashLoop"),
    );
    assert.equal(watching.lines.filter(({ type }) => type === "ADDED").length, 1);
    watching.close();
  });
});

describe("deleting", () => {
  test("a derived object names its owner's field", async () => {
    const { code, body } = await call<ErrorStatus>("DELETE", "/api/v1/routes/jellyfin");
    assert.deepEqual([code, body.reason], [409, "Conflict"]);
    assert.match(body.message, /follows from service\/jellyfin\. Change spec\.port/);
  });

  test("an applied object of a child's name takes its place, and the child comes back when it goes", async () => {
    const answer = await apply(
      'apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: jellyfin }\nspec: { host: films, to: "service/jellyfin:8096" }\n',
    );
    assert.match(answer.results[0]?.warnings[0] ?? "", /takes the place of the one that follows from Service\/jellyfin/);
    assert.equal(house.mirror.desired("Route", "jellyfin")?.metadata.owner, undefined);
    assert.equal((await call("DELETE", "/api/v1/routes/jellyfin")).code, 200);
    await until("the child is back", () => house.mirror.desired("Route", "jellyfin")?.metadata.owner === "Service/jellyfin");
  });

  test("the house's settings, this node and read-only kinds stay", async () => {
    assert.equal((await call<ErrorStatus>("DELETE", "/api/v1/houses/house")).code, 403);
    assert.equal((await call<ErrorStatus>("DELETE", "/api/v1/nodes/nas")).code, 403);
    assert.equal((await call<ErrorStatus>("DELETE", "/api/v1/instances/jellyfin-k3f9")).code, 400);
  });

  test("everything that was kept of an object goes with it", async () => {
    await apply(WHOAMI.replace("name: whoami", "name: brief"));
    assert.ok(house.etcd.below("/fossora/").some(({ key }) => key.includes("/brief")));
    const { body } = await call<{ readonly goes: readonly string[] }>("DELETE", "/api/v1/services/brief");
    assert.deepEqual(body.goes, ["route/brief", "dnsrecord/brief"]);
    assert.deepEqual(
      house.etcd
        .below("/fossora/")
        .filter(({ key }) => key.includes("/brief"))
        .map(({ key }) => key),
      [],
    );
  });
});

describe("logs", () => {
  before(() => {
    const { containers } = house;
    const first = containers.add("jellyfin", "k3f9", "jellyfin");
    const second = containers.add("jellyfin", "r7w2", "jellyfin");
    containers.print(first, "2026-01-01T00:00:01.000000000Z one", "2026-01-01T00:00:03.000000000Z three");
    containers.print(second, "2026-01-01T00:00:02.000000000Z two");
  });

  const lines = async (path: string): Promise<readonly { readonly instance: string; readonly text: string }[]> => {
    const response = await send("GET", path);
    const chunks: Buffer[] = [];
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks)
      .toString()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { readonly instance: string; readonly text: string });
  };

  test("lines of several instances are merged by time", async () => {
    assert.deepEqual(
      (await lines("/api/v1/services/jellyfin/logs")).map(({ instance, text }) => `${instance} ${text}`),
      ["jellyfin-k3f9 one", "jellyfin-r7w2 two", "jellyfin-k3f9 three"],
    );
    assert.deepEqual(
      (await lines("/api/v1/services/jellyfin/logs?instance=jellyfin-r7w2")).map(({ text }) => text),
      ["two"],
    );
  });

  test("who follows hears containers that are made later", async () => {
    const watching = await send("GET", "/api/v1/services/jellyfin/logs?follow=1");
    let text = "";
    watching.setEncoding("utf8").on("data", (more: string) => (text += more));
    await until("the first lines", () => text.includes("three"));
    const third = house.containers.add("jellyfin", "n3w1", "jellyfin");
    house.containers.print(third, "2026-01-01T00:00:04.000000000Z four");
    await until("the new container's line", () => text.includes("four"));
    watching.destroy();
  });

  test("a container that is not there names those that are", async () => {
    const { code, body } = await call<ErrorStatus>("GET", "/api/v1/services/jellyfin/logs?container=db");
    assert.equal(code, 404);
    assert.match(body.message, /has no container "db"; it has jellyfin/);
    assert.match((await call<ErrorStatus>("GET", "/api/v1/services/whoami/logs")).body.message, /nothing of "whoami" was started/);
    assert.match((await call<ErrorStatus>("GET", "/api/v1/services/nobody/logs")).body.message, /there is no service "nobody"/);
  });
});

describe("a client that misbehaves", () => {
  test("garbage, and an upgrade elsewhere, do no harm", async () => {
    const socket = connect(house.socket);
    socket.write("NONSENSE\r\n\r\n");
    await once(socket, "close");
    const upgrade = connect(house.socket);
    upgrade.write("POST /api/v1/services HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: anything\r\n\r\n");
    const [answer] = (await once(upgrade, "data")) as [Buffer]; // a socket's event
    assert.match(answer.toString(), /^HTTP\/1\.1 404 /);
    upgrade.destroy();
    assert.equal((await call("GET", "/healthz")).code, 200);
  });

  test("a service that was written straight to the store by a newer release is still served", async () => {
    put(house.etcd, keys.desired("Service", "future"), {
      apiVersion: "fossora.dev/v1",
      kind: "Service",
      metadata: { name: "future", uid: "u", creationTimestamp: "x" },
      spec: { containers: [], novel: true },
      manager: "cli",
    });
    await until("it is seen", () => house.mirror.desired("Service", "future") !== undefined);
    assert.equal((await call("GET", "/api/v1/services/future")).code, 200);
  });
});
