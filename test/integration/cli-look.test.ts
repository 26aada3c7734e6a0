// What a person sees who looks, word by word: tables, descriptions, watches, waits.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { HouseSummary, ServedObject } from "../../src/api/wire.ts";
import { begin, expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { condition, FILES, READY_NODE, READY_ROUTE, readyService, serviceStatus } from "../support/transcript-statuses.ts";
import { until as untilBy } from "../support/until.ts";

const LIMIT_MS = 10_000;

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
  await run("apply", "-f", "jellyfin.yaml");
  house.setStatus("Service", "jellyfin", readyService());
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function onTerminal(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES, tty: true }, ...argv);
}

function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  return untilBy(what, probe, LIMIT_MS);
}

describe("looking", () => {
  before(() => {
    house.setStatus("Service", "jellyfin", readyService());
    house.setStatus("Route", "jellyfin", READY_ROUTE);
    house.setStatus("DnsRecord", "jellyfin", {
      conditions: [condition("Ready", "True", "Ready")],
      fqdn: "jellyfin.home.internal",
      answers: ["192.168.1.10"],
    });
    house.setPlanned("Service", "jellyfin", []);
  });

  test("get prints a table for each kind", async () => {
    expectOutcome(await run("get", "services,nodes,routes"), {
      stdout: `NAME      READY  STATUS  NODE  URL                            AGE
jellyfin  1/1    Ready   nas   http://jellyfin.home.internal  9d

NAME  READY  STATUS  ROLE   ADDRESS       CPUS  MEM  DISK   DEVICES  VERSION  AGE
nas   True   Ready   voter  192.168.1.10  4     8Gi  512Gi  gpu      0.1.0    9d

NAME      READY  URL                            BACKENDS        AGE
jellyfin  True   http://jellyfin.home.internal  1/1 (nas:8096)  9d
`,
    });
  });

  test("wide tables, labels, instances, records and the house", async () => {
    expectOutcome(await run("get", "svc", "-o", "wide", "--show-labels"), {
      stdout: `NAME      READY  STATUS  NODE  URL                            AGE  IMAGE                    UPDATED  LABELS
jellyfin  1/1    Ready   nas   http://jellyfin.home.internal  9d   jellyfin/jellyfin:10.11  -        group=media
`,
    });
    expectOutcome(await run("get", "in,dns,house"), {
      stdout: `NAME           SERVICE   NODE  READY  STATUS   AGE
jellyfin-k3f9  jellyfin  nas   True   Running  2d

NAME      READY  TYPE  FQDN                    ANSWERS       TTL  AGE
jellyfin  True   A     jellyfin.home.internal  192.168.1.10  5s   9d

NAME   READY    ZONE           NODES  RESOLVER  AGE
house  Unknown  home.internal  -      off       9d
`,
    });
  });

  test("every other format", async () => {
    expectOutcome(await run("get", "svc,nodes", "-o", "name"), { stdout: "service/jellyfin\nnode/nas\n" });
    expectOutcome(await run("get", "svc/jellyfin", "-o", "jsonpath={.metadata.name}"), { stdout: "jellyfin" });
    expectOutcome(await run("get", "svc", "-o", 'jsonpath={range .items[*]}{.metadata.name}={.spec.replicas}{"\\n"}{end}'), {
      stdout: "jellyfin=1\n",
    });
    expectOutcome(await run("get", "svc", "-o", "custom-columns=app:.metadata.name,IMAGES:.spec.containers[*].image,NONE:.spec.nothing"), {
      stdout: "APP       IMAGES                   NONE\njellyfin  jellyfin/jellyfin:10.11  <none>\n",
    });
    const { stdout } = await run("get", "svc", "jellyfin", "-o", "yaml");
    assert.match(stdout, /^apiVersion: fossora\.dev\/v1\nkind: Service\n/);
    const object = JSON.parse((await run("get", "svc/jellyfin", "-o", "json")).stdout) as ServedObject; // the form that it documents
    assert.equal(object.metadata.name, "jellyfin");
    expectOutcome(await run("get", "svc", "-o", "table"), {
      code: 2,
      stderr:
        'error: Cannot print as "table": -o takes wide, json, yaml, name, jsonpath=TEMPLATE or custom-columns=HEADER:PATH,...\nnext:  fossora get services -o wide\n',
    });
  });

  test("all of what people write, and only what has a field", async () => {
    expectOutcome(await run("get", "all", "-o", "name"), {
      stdout: "service/jellyfin\nroute/jellyfin\ndnsrecord/jellyfin\nnode/nas\n",
    });
    assert.deepEqual(
      (await run("get", "all")).stdout.split("\n").filter((line) => line.startsWith("NAME")).length,
      4,
      "a table for each kind",
    );
    expectOutcome(await run("get", "instances", "--field-selector", "spec.node=nas", "-o", "name"), { stdout: "instance/jellyfin-k3f9\n" });
    expectOutcome(await run("get", "instances", "--field-selector", "spec.node!=nas"), {
      stderr: "No instances like that. All of them: fossora get instances\n",
    });
    assert.equal((await run("get", "instances", "--field-selector", "spec node")).code, 2);
  });

  test("--sort-by, and one missing name among several", async () => {
    await run("apply", "-f", "whoami.yaml");
    expectOutcome(await run("get", "svc", "--sort-by", ".metadata.resourceVersion", "-o", "name"), {
      stdout: "service/jellyfin\nservice/whoami\n",
    });
    const { code, stdout, stderr } = await run("get", "svc", "whoami", "nobody", "-o", "name");
    assert.deepEqual([code, stdout], [4, "service/whoami\n"]);
    assert.equal(stderr, "error: Cannot show service/nobody: there is none of that name.\nnext:  fossora get services\n");
    await run("delete", "svc/whoami");
  });

  test("describe tells of one object all that matters", async () => {
    house.addEvent(
      { kind: "Service", name: "jellyfin", type: "Normal", reason: "Placed", message: "placed on nas: the only node" },
      "2026-01-09T23:00:00.000Z",
    );
    expectOutcome(await run("describe", "service", "jellyfin"), {
      stdout: `Name        service/jellyfin
Labels      group=media
Status      Ready
Ready       1/1
Node        nas
URL         http://jellyfin.home.internal
Image       jellyfin/jellyfin:10.11
Age         9d
Generation  1

Placement
  nas  chosen  the only node

Instances
  jellyfin-k3f9  nas                      ready
    jellyfin     jellyfin/jellyfin:10.11  running  172.30.0.5

Conditions
  Ready  True  Ready  2m

Follows
  route/jellyfin      True  http://jellyfin.home.internal  1/1 (nas:8096)
  dnsrecord/jellyfin  True  jellyfin.home.internal         192.168.1.10

Events
  1h  Normal  Placed  placed on nas: the only node
`,
    });
  });

  test("describe says what makes a service as mighty as root on its node, and of another nothing", async () => {
    await run("apply", "-f", "mighty.yaml");
    assert.match(
      (await run("describe", "svc/mighty")).stdout,
      new RegExp(`
Rights
  as mighty as root on its node:
    container 'mighty' is privileged
    container 'mighty' uses the host's network
    container 'mighty' sees the host's processes
    container 'mighty' sets options of Docker directly
    container 'mighty' mounts /var/run/docker.sock of the host
`),
    );
    assert.doesNotMatch((await run("describe", "svc/jellyfin")).stdout, /Rights/);
    await run("delete", "svc/mighty");
  });

  test("describe of what waits says why, and what to try", async () => {
    house.setStatus(
      "Service",
      "jellyfin",
      serviceStatus({
        conditions: [condition("Ready", "False", "NoNodeFits", "no node has enough memory")],
        nodes: [],
        instances: [],
        placement: [{ node: "nas", fits: false, chosen: false, reason: "memory: needs 16Gi, 6Gi free" }],
      }),
    );
    const { stdout } = await run("describe", "svc/jellyfin");
    assert.match(stdout, /\nPlacement\n {2}none of 1 node fits\n {2}nas {2}no {2}memory: needs 16Gi, 6Gi free\n/);
    assert.match(stdout, /\nTry {9}fossora events --for service\/jellyfin\n$/);
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("explain placement says of each node why, and what the Service asks for", async () => {
    const placement = [
      { node: "nas", fits: false, chosen: true, reason: "least loaded of 2 nodes that fit; nothing more now: it is cordoned" },
      { node: "nuc", fits: true, chosen: false, reason: "it fits" },
      { node: "pi4", fits: false, chosen: false, reason: "CPUs: needs 2, 1 free" },
    ];
    house.setStatus("Service", "jellyfin", readyService({ placement }));
    const { code, stdout, stderr } = await run("explain", "placement", "svc/jellyfin");
    assert.deepEqual([code, stderr], [0, ""]);
    assert.match(
      stdout,
      /^service\/jellyfin runs on nas\n {2}nas {2}runs it {2}least loaded of 2 nodes that fit; nothing more now: it is cordoned\n {2}nuc {2}could {4}it fits\n {2}pi4 {2}no {7}CPUs: needs 2, 1 free\n\n {2}replicas {2}1\n {2}spread {4}node\n/,
    );
    assert.equal((await run("explain", "placement", "nothing")).code, 4);
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("status puts problems first, each with what to type; it is in colour on a terminal", async () => {
    house.setStatus(
      "Service",
      "jellyfin",
      serviceStatus({ conditions: [condition("Ready", "False", "ImageMissing", "there is no image jellyfin:11")] }),
    );
    expectOutcome(await run("status"), {
      stdout: `home.internal   1 of 1 node ready   store: quorum   1 service, 0 ready   v0.1.0
✗ service jellyfin: there is no image jellyfin:11 (ImageMissing)  → fossora describe service jellyfin
`,
    });
    assert.match((await onTerminal("status")).stdout, /\u001b\[31m✗\u001b\[39m service jellyfin/);
    assert.doesNotMatch((await fossora({ socket: house.socket, tty: true, env: { NO_COLOR: "1" } }, "status")).stdout, /\u001b/);
    assert.doesNotMatch((await onTerminal("status", "--no-color")).stdout, /\u001b/);
    assert.match((await fossora({ socket: house.socket, env: { LANG: "C" } }, "status")).stdout, /\nx service jellyfin/);
    const summary = JSON.parse((await run("status", "-o", "json")).stdout) as HouseSummary; // the form that it documents
    assert.equal(summary.problems.length, 1);
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("status fails while the node is not ready", async () => {
    house.setStatus("Membership", "nas", {
      ...READY_NODE,
      conditions: [condition("Ready", "False", "DockerAway", "Docker does not answer")],
    });
    const { code, stdout } = await run("status");
    assert.equal(code, 1);
    assert.match(stdout, /✗ node nas: Docker does not answer \(DockerAway\) +→ fossora describe node nas\n$/);
    house.setStatus("Membership", "nas", READY_NODE);
  });

  test("events, of one object", async () => {
    house.addEvent(
      { kind: "Service", name: "other", type: "Warning", reason: "CrashLoop", message: "ended with 1" },
      "2026-01-09T23:30:00.000Z",
    );
    expectOutcome(await run("events", "--for", "svc/jellyfin"), {
      stdout: "AGE  TYPE    REASON  OBJECT            MESSAGE\n1h   Normal  Placed  service/jellyfin  placed on nas: the only node\n",
    });
    expectOutcome(await run("events", "--types", "Warning", "-o", "wide"), {
      stdout: "AGE  TYPE     REASON     OBJECT         MESSAGE       NODE\n30m  Warning  CrashLoop  service/other  ended with 1  nas\n",
    });
  });
});

describe("events that come", () => {
  const crash = (index: number) =>
    house.addEvent(
      { kind: "Service", name: "jellyfin", type: "Warning", reason: "CrashLoop", message: `ended with ${index}` },
      `2026-01-09T23:40:${String(index).padStart(2, "0")}.000Z`,
    );

  test("describe tells the last ten", async () => {
    for (let index = 1; index <= 12; index++) crash(index);
    const { stdout } = await run("describe", "svc/jellyfin");
    assert.deepEqual(
      [...stdout.matchAll(/ended with (\d+)/g)].map(([, index]) => Number(index)),
      [3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    );
  });

  test("events -w goes on as they happen, until Ctrl-C", async () => {
    const running = begin({ socket: house.socket }, "events", "--for", "svc/jellyfin", "-w");
    await until("what there is", () => running.stdout().includes("ended with 12"));
    assert.match(running.stdout(), /^AGE +TYPE +REASON +OBJECT +MESSAGE\n/);
    crash(13);
    await until("what comes", () => /\n19m +Warning +CrashLoop +service\/jellyfin +ended with 13\n$/.test(running.stdout()));
    running.interrupt();
    assert.equal((await running.done).code, 130);
  });
});

describe("watching", () => {
  test("get -w prints one line a change, and takes a broken connection up again", async () => {
    const running = begin({ socket: house.socket, files: FILES }, "get", "svc", "-w");
    const sees = (text: string): Promise<unknown> => until(text, () => running.stdout().includes(text));
    await sees("jellyfin  1/1");
    await run("apply", "-f", "whoami.yaml");
    await sees("whoami");
    house.setStatus("Service", "jellyfin", serviceStatus());
    await sees("jellyfin  0/1");
    await house.restartServer();
    await run("delete", "svc/whoami");
    await sees("whoami    -      Deleted");
    running.interrupt();
    const { code, stdout, stderr } = await running.done;
    assert.equal(code, 130);
    assert.equal(stderr, "the connection to the node ended; trying again\n");
    assert.equal(
      stdout,
      `NAME      READY  STATUS  NODE  URL                            AGE
jellyfin  1/1    Ready   nas   http://jellyfin.home.internal  9d
whoami    -      Unknown  -     -                              9d
jellyfin  0/1    Starting  nas   http://jellyfin.home.internal  9d
whoami    -      Deleted  -     -                              9d
`,
    );
    house.setStatus("Service", "jellyfin", readyService());
  });

  test("get -w of what cannot be watched fails at once", async () => {
    assert.equal((await run("get", "svc", "-w", "-l", "a b")).code, 2);
  });
});

describe("wait", () => {
  test("until it is so, gone, or as a path says", async () => {
    expectOutcome(await run("wait", "svc/jellyfin"), { stdout: "service/jellyfin condition met\n" });
    expectOutcome(await run("wait", "svc", "jellyfin", "--for=jsonpath={.status.readyReplicas}=1"), {
      stdout: "service/jellyfin condition met\n",
    });
    const running = begin({ socket: house.socket, files: FILES }, "wait", "svc/jellyfin", "--for", "condition=Ready=False");
    house.setStatus("Service", "jellyfin", serviceStatus());
    expectOutcome(await running.done, { stdout: "service/jellyfin condition met\n" });
    expectOutcome(await run("wait", "svc/nobody", "--for=delete"), { stdout: "service/nobody deleted\n" });
  });

  test("exits 6 when the time is over and names what is in the way, 4 when there is nothing to wait for", async () => {
    expectOutcome(await run("wait", "svc/jellyfin", "--timeout", "200ms"), {
      code: 6,
      stderr:
        "error: service/jellyfin was not as asked for (condition=Ready) after 0.2 s: not every instance is ready (Starting)\nnext:  fossora describe service/jellyfin\n",
    });
    assert.equal((await run("wait", "svc/nobody")).code, 4);
    assert.equal((await run("wait", "svc/jellyfin", "--for", "ready")).code, 2);
    house.setStatus("Service", "jellyfin", readyService());
  });
});
