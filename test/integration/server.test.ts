// The HTTP API over a real unix socket: what is applied, read, deleted and refused.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { ApplyAnswer, ErrorStatus, HouseSummary, ObjectList, ServedObject } from "../../src/api/wire.ts";
import { apply, call, manifest, type Answer, type Body } from "../support/transcript-api.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { JELLYFIN, READY_NODE, readyService, serviceStatus, WHOAMI } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const JSON_TYPE = "application/apply+json";
const json = (value: unknown): Body => ({ text: JSON.stringify(value), type: JSON_TYPE });

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
});
after(() => house.close());

describe("applying", () => {
  test("an object is created, found unchanged, then configured", async () => {
    assert.equal((await apply(house, WHOAMI)).results[0]?.action, "created");
    assert.equal((await apply(house, WHOAMI)).results[0]?.action, "unchanged");
    const changed = await apply(house, WHOAMI.replace("whoami:1", "whoami:2"));
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
    const { code, body } = await call<ErrorStatus>(house, "PATCH", "/api/v1", json({ files }));
    assert.equal(code, 422);
    assert.equal(body.reason, "Invalid");
    assert.ok((body.details?.causes.length ?? 0) > 0);
    assert.ok(body.details?.causes.every((cause) => cause.file === "bad.yaml" && cause.line === 1));
    assert.equal(house.etcd.get(keys.desired("Service", "partner")), undefined);
  });

  test("a dry run answers the object and writes nothing", async () => {
    const { body } = await call<ApplyAnswer>(house, "PATCH", "/api/v1?dryRun=1", manifest(WHOAMI.replace("name: whoami", "name: maybe")));
    assert.equal(body.results[0]?.action, "created");
    assert.equal(body.results[0]?.object?.kind, "Service");
    assert.equal(house.etcd.get(keys.desired("Service", "maybe")), undefined);
  });

  test("what another manager applied answers 409 until it is taken over", async () => {
    await call(house, "PATCH", "/api/v1?manager=git/home", manifest(WHOAMI.replace("name: whoami", "name: theirs")));
    const refused = await call<ErrorStatus>(house, "PATCH", "/api/v1", manifest(WHOAMI.replace("name: whoami", "name: theirs")));
    assert.equal(refused.code, 409);
    assert.equal(refused.body.reason, "ManagedElsewhere");
    assert.match(refused.body.details?.causes[0]?.message ?? "", /git\/home/);
    assert.equal((await call(house, "PATCH", "/api/v1?force=1", manifest(WHOAMI.replace("name: whoami", "name: theirs")))).code, 200);
  });

  test("only the last ten specs of an object are kept", async () => {
    for (let version = 1; version <= 13; version++)
      await apply(house, WHOAMI.replace("name: whoami", "name: often").replace("whoami:1", `whoami:${version}`));
    await until("the history is trimmed", () => house.etcd.below("/fossora/history/Service/often/").length === 10);
    assert.match(house.etcd.below("/fossora/history/Service/often/").at(-1)?.value ?? "", /whoami:13/);
    const restart = json({ action: "restart" });
    assert.equal((await call(house, "PATCH", "/api/v1/services/often/rollout", restart)).code, 200);
    await until("what a restart adds is trimmed", () => {
      const kept = house.etcd.below("/fossora/history/Service/often/");
      return kept.length === 10 && kept.at(-1)?.key.endsWith("0000000014") === true;
    });
  });

  test("more than the store takes at once is refused before anything is written, and so it is said of a dry run", async () => {
    const app = (name: string, letters: number): string =>
      `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { image: "a:1", files: [{ path: /a, content: ${"x".repeat(letters)} }] }\n`;
    const apps = (count: number): string => Array.from({ length: count }, (_, index) => app(`large${index}`, 240_000)).join("---\n");
    for (const query of ["", "?dryRun=1"]) {
      const { code, body } = await call<ErrorStatus>(house, "PATCH", `/api/v1${query}`, manifest(apps(8)));
      assert.deepEqual([code, body.reason], [413, "TooLarge"]);
      assert.match(body.message, /would keep 9\.2 MiB .* takes 7\.5 MiB at a time\. Nothing was applied\. Apply it in parts/);
    }
    assert.equal(house.etcd.get(keys.desired("Service", "large0")), undefined);
    assert.equal((await apply(house, apps(6))).results.length, 6);
  });

  test("an object whose stored value is no JSON is mended by applying it", async () => {
    const text = WHOAMI.replace("name: whoami", "name: spoilt");
    await apply(house, text);
    const key = keys.desired("Service", "spoilt");
    house.etcd.commit({ compare: [], writes: [{ put: key, value: "{" }] });
    await until("it is seen", () => house.mirror.revision === house.etcd.revision);
    assert.throws(() => house.mirror.desired("Service", "spoilt"), /Apply or delete the object again/);
    assert.equal((await apply(house, text)).results[0]?.action, "configured");
    assert.equal(house.mirror.desired("Service", "spoilt")?.spec.containers[0]?.image, "whoami:1");
  });

  test("without quorum nothing is written, and the answer says when to try again", async () => {
    house.etcd.isolate("nas");
    try {
      const { code, headers, body } = await call<ErrorStatus>(house, "PATCH", "/api/v1", manifest(WHOAMI));
      assert.equal(code, 503);
      assert.equal(body.reason, "NoQuorum");
      assert.equal(headers["retry-after"], "2");
      assert.equal((await call<ObjectList>(house, "GET", "/api/v1/services")).code, 200, "reading goes on");
    } finally {
      house.etcd.rejoin("nas");
      await until("the mirror is fresh again", () => house.mirror.fresh);
    }
  });

  test("a body that is too large, of another type or no JSON is refused", async () => {
    const large = await call<ErrorStatus>(house, "PATCH", "/api/v1", manifest("#".repeat(8 * 1024 * 1024 + 1)));
    assert.deepEqual([large.code, large.body.reason], [413, "TooLarge"]);
    assert.equal((await call<ErrorStatus>(house, "PATCH", "/api/v1", { text: "x", type: "text/plain" })).body.reason, "BadRequest");
    assert.equal((await call<ErrorStatus>(house, "PATCH", "/api/v1", { text: "{", type: JSON_TYPE })).body.reason, "BadRequest");
    assert.equal((await call<ErrorStatus>(house, "PATCH", "/api/v1", json({ files: [{ file: 1 }] }))).body.reason, "BadRequest");
    assert.equal((await call<ErrorStatus>(house, "PATCH", "/api/v1", manifest(""))).body.reason, "Invalid");
  });
});

describe("reading", () => {
  before(async () => {
    await apply(house, JELLYFIN);
    house.setStatus("Service", "jellyfin", readyService());
    house.setStatus("Membership", "nas", READY_NODE);
  });

  test("an object carries its status, a child its owner", async () => {
    const { body } = await call<ServedObject>(house, "GET", "/api/v1/services/jellyfin");
    assert.deepEqual("status" in body && body.status, readyService());
    const route = await call<ServedObject>(house, "GET", "/api/v1/routes/jellyfin");
    assert.equal("owner" in route.body.metadata && route.body.metadata.owner, "Service/jellyfin");
  });

  test("short names and singulars lead to the same list", async () => {
    for (const word of ["services", "svc", "service"])
      assert.equal((await call<ObjectList>(house, "GET", `/api/v1/${word}`)).body.kind, "ServiceList", word);
  });

  test("selectors choose by labels and by fields", async () => {
    const names = async (query: string): Promise<readonly string[]> =>
      (await call<ObjectList>(house, "GET", `/api/v1/services?${query}`)).body.items.map(({ metadata }) => metadata.name);
    assert.deepEqual(await names("labelSelector=group%3Dmedia"), ["jellyfin"]);
    assert.deepEqual(await names(`fieldSelector=${encodeURIComponent("metadata.name in (jellyfin,whoami)")}`), ["jellyfin", "whoami"]);
    assert.deepEqual(
      await names(`labelSelector=${encodeURIComponent("group!=media")}&fieldSelector=${encodeURIComponent("status.ready=1/1")}`),
      [],
    );
    assert.equal((await call<ErrorStatus>(house, "GET", "/api/v1/services?labelSelector=a%20b")).code, 400);
  });

  test("pages follow each other without gap or repetition", async () => {
    const whole = (await call<ObjectList>(house, "GET", "/api/v1/services")).body.items.map(({ metadata }) => metadata.name);
    const seen: string[] = [];
    let token: string | undefined = "";
    for (let pages = 0; token !== undefined && pages < 20; pages++) {
      const { body }: Answer<ObjectList> = await call<ObjectList>(house, "GET", `/api/v1/services?limit=2&continue=${token}`);
      assert.ok(body.items.length <= 2);
      seen.push(...body.items.map(({ metadata }) => metadata.name));
      token = body.metadata.continue;
    }
    assert.deepEqual(seen, whole);
  });

  test("instances are objects of their own", async () => {
    const { body } = await call<ObjectList>(house, "GET", `/api/v1/instances?fieldSelector=${encodeURIComponent("spec.node=nas")}`);
    assert.deepEqual(
      body.items.map(({ metadata }) => metadata.name),
      ["jellyfin-k3f9"],
    );
  });

  test("the summary names each problem and what to type, of an owner and not of its children", async () => {
    house.setStatus("Service", "jellyfin", serviceStatus());
    house.listeners = [{ protocol: "http", address: "0.0.0.0", port: 8080, problem: "80 is held by nginx" }];
    const { body } = await call<HouseSummary>(house, "GET", "/api/v1/status");
    assert.equal(body.ready, true);
    assert.deepEqual(
      body.problems.map(({ message, next }) => [message, next]),
      [
        ["http is on port 8080: 80 is held by nginx", "free the port, then: sudo fossora down && sudo fossora up"],
        ["service jellyfin: not every instance is ready (Starting)", "fossora describe service jellyfin"],
      ],
    );
    house.listeners = undefined;
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("what is not there says so, and what was meant", async () => {
    const gone = await call<ErrorStatus>(house, "GET", "/api/v1/services/jelyfin");
    assert.deepEqual([gone.code, gone.body.reason], [404, "NotFound"]);
    assert.match(gone.body.message, /Did you mean "jellyfin"\?/);
    assert.equal((await call<ErrorStatus>(house, "GET", "/api/v1/pods")).code, 404);
    assert.equal((await call<ErrorStatus>(house, "GET", "/nothing")).code, 404);
    assert.equal((await call<ErrorStatus>(house, "POST", "/api/v1/services")).code, 400);
    assert.equal((await call<ErrorStatus>(house, "GET", "/api/v1/services/%")).code, 400);
    assert.equal((await call<ErrorStatus>(house, "GET", "/api/v1/services?watch=maybe")).code, 400);
    assert.equal((await call(house, "GET", "/healthz")).code, 200);
  });
});

describe("deleting", () => {
  test("a derived object names its owner's field", async () => {
    const { code, body } = await call<ErrorStatus>(house, "DELETE", "/api/v1/routes/jellyfin");
    assert.deepEqual([code, body.reason], [409, "Conflict"]);
    assert.match(body.message, /follows from service\/jellyfin\. Change spec\.port/);
  });

  test("an applied object of a child's name takes its place, and the child comes back when it goes", async () => {
    const answer = await apply(
      house,
      'apiVersion: fossora.dev/v1\nkind: Route\nmetadata: { name: jellyfin }\nspec: { host: films, to: "service/jellyfin:8096" }\n',
    );
    assert.match(answer.results[0]?.warnings[0] ?? "", /takes the place of the one that follows from Service\/jellyfin/);
    assert.equal(house.mirror.desired("Route", "jellyfin")?.metadata.owner, undefined);
    assert.equal((await call(house, "DELETE", "/api/v1/routes/jellyfin")).code, 200);
    await until("the child is back", () => house.mirror.desired("Route", "jellyfin")?.metadata.owner === "Service/jellyfin");
  });

  test("the house's settings, this node and read-only kinds stay", async () => {
    assert.equal((await call<ErrorStatus>(house, "DELETE", "/api/v1/houses/house")).code, 403);
    assert.equal((await call<ErrorStatus>(house, "DELETE", "/api/v1/nodes/nas")).code, 403);
    assert.equal((await call<ErrorStatus>(house, "DELETE", "/api/v1/instances/jellyfin-k3f9")).code, 400);
  });

  test("an object whose stored value is no JSON goes with --force", async () => {
    await apply(house, WHOAMI.replace("name: whoami", "name: spoilt"));
    house.etcd.commit({ compare: [], writes: [{ put: keys.desired("Service", "spoilt"), value: "{" }] });
    await until("it is seen", () => house.mirror.revision === house.etcd.revision);
    const refused = await call<ErrorStatus>(house, "DELETE", "/api/v1/services/spoilt");
    assert.deepEqual([refused.code, refused.body.next], [409, "fossora delete service/spoilt --force"]);
    assert.equal((await call(house, "DELETE", "/api/v1/services/spoilt?force=1")).code, 200);
    assert.equal(house.etcd.get(keys.desired("Service", "spoilt")), undefined);
  });

  test("everything that was kept of an object goes with it", async () => {
    await apply(house, WHOAMI.replace("name: whoami", "name: brief"));
    assert.ok(house.etcd.below("/fossora/").some(({ key }) => key.includes("/brief")));
    const { body } = await call<{ readonly goes: readonly string[] }>(house, "DELETE", "/api/v1/services/brief");
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
