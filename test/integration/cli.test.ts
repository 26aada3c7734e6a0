// What a person sees, word by word: transcripts of the CLI against a real server, on a terminal and not, and every exit code.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import type { HouseSummary, ServedObject } from "../../src/api/wire.ts";
import { begin, fossora, screen, type Outcome, type RunOptions } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import {
  condition,
  IMAGE,
  instance,
  JELLYFIN,
  READY_NODE,
  READY_ROUTE,
  readyService,
  serviceStatus,
  WHOAMI,
} from "../support/transcript-statuses.ts";
import { until as untilBy } from "../support/until.ts";

const BAD = `apiVersion: fossora.dev/v1
kind: Service
metadata:
  name: Jellyfin
spec:
  image: jellyfin:10
  replica: 3
`;
const FILES = {
  "jellyfin.yaml": JELLYFIN,
  "whoami.yaml": WHOAMI,
  "bad.yaml": BAD,
  "apps/a.yaml": WHOAMI.replace("name: whoami", "name: a"),
  "apps/more/b.yml": WHOAMI.replace("name: whoami", "name: b"),
  "apps/readme.md": "no manifest",
};

const LIMIT_MS = 10_000;

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
});
after(() => house.close());

function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  return untilBy(what, probe, LIMIT_MS);
}

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function onTerminal(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES, tty: true }, ...argv);
}

/** Exit code and both streams, each line as it is. */
function expectOutcome(outcome: Outcome, expected: { readonly code?: number; readonly stdout?: string; readonly stderr?: string }): void {
  assert.equal(outcome.stderr, expected.stderr ?? "");
  assert.equal(outcome.stdout, expected.stdout ?? "");
  assert.equal(outcome.code, expected.code ?? 0);
}

describe("an empty house", () => {
  test("get says what to do, and -o json is valid all the same", async () => {
    expectOutcome(await run("get", "svc"), { stderr: "No services. Try: fossora apply -f app.yaml\n" });
    assert.deepEqual(JSON.parse((await run("get", "svc", "-o", "json")).stdout), { apiVersion: "fossora.dev/v1", kind: "List", items: [] });
    expectOutcome(await run("get", "svc", "-q"), {});
    expectOutcome(await run("get", "svc", "-l", "a=b"), { stderr: "No services like that. All of them: fossora get services\n" });
  });

  test("status says that nothing runs yet", async () => {
    expectOutcome(await run("status"), {
      stdout: "home.internal   1 of 1 node ready   store: quorum   no services   v0.1.0\nnext:  fossora apply -f app.yaml\n",
    });
  });
});

describe("apply", () => {
  test("says what became of each object; again nothing changes", async () => {
    expectOutcome(await run("apply", "-f", "jellyfin.yaml"), { stdout: "service/jellyfin created\n" });
    expectOutcome(await run("apply", "-f", "jellyfin.yaml"), { stdout: "service/jellyfin unchanged\n" });
    expectOutcome(await run("apply", "-f", "jellyfin.yaml", "-o", "name"), { stdout: "service/jellyfin\n" });
  });

  test("shows all problems where they stand, and applies nothing", async () => {
    expectOutcome(await run("apply", "-f", "bad.yaml", "-f", "whoami.yaml"), {
      code: 3,
      stderr: `bad.yaml:4:9  Service/Jellyfin  metadata.name
  must be lower-case letters, digits and dashes: try 'jellyfin'
    4 |   name: Jellyfin
      |         ^^^^^^^^
bad.yaml:7:3  Service/Jellyfin  spec.replica
  unknown field 'replica': did you mean 'replicas'?
    7 |   replica: 3
      |   ^^^^^^^
error: 2 problems in bad.yaml; nothing was applied.
next:  fossora explain service.metadata
`,
    });
    assert.equal((await run("get", "svc/whoami")).code, 4);
  });

  test("reads standard input and folders, with -R also what lies deeper", async () => {
    expectOutcome(await fossora({ socket: house.socket, stdin: WHOAMI }, "apply", "-f", "-", "--dry-run"), {
      stdout: "service/whoami created (dry run)\n",
    });
    expectOutcome(await run("apply", "-f", "apps", "--dry-run=server"), { stdout: "service/a created (dry run)\n" });
    expectOutcome(await run("apply", "-R", "-f", "apps/", "--dry-run"), {
      stdout: "service/a created (dry run)\nservice/b created (dry run)\n",
    });
    expectOutcome(await run("apply", "-f", "nowhere"), {
      code: 2,
      stderr: 'error: Cannot read "nowhere": there is no such file or folder.\nnext:  ls .\n',
    });
  });

  test("--dry-run=client needs no node", async () => {
    expectOutcome(await fossora({ socket: "/nonexistent", files: FILES }, "apply", "-f", "whoami.yaml", "--dry-run=client"), {
      stdout: "service/whoami valid (dry run)\n",
    });
    assert.equal((await fossora({ socket: "/nonexistent", files: FILES }, "apply", "-f", "bad.yaml", "--dry-run=client")).code, 3);
  });

  test("sends the files that a manifest names", async () => {
    const files = {
      "app/web.yaml": WHOAMI.replace("name: whoami", "name: web").replace(
        "port: 80",
        "port: 80, files: [{ path: /etc/site.conf, source: ./site.conf }]",
      ),
      "app/site.conf": "listen 80\n",
    };
    expectOutcome(await fossora({ socket: house.socket, files }, "apply", "-f", "app/web.yaml"), { stdout: "service/web created\n" });
    expectOutcome(await run("get", "svc/web", "-o", "jsonpath={.spec.containers[0].files[0].content}"), { stdout: "listen 80\n" });
    await run("delete", "svc/web");
  });

  test("what another manager has is a conflict", async () => {
    await run("apply", "-f", "whoami.yaml", "--manager", "git/home");
    const { code, stderr } = await run("apply", "-f", "whoami.yaml");
    assert.equal(code, 5);
    assert.match(stderr, /is managed by 'git\/home'.*--force/);
    expectOutcome(await run("apply", "-f", "whoami.yaml", "--force"), { stdout: "service/whoami configured\n" });
    await run("delete", "svc/whoami");
  });
});

/** Jellyfin's way from nothing to its name, as its node would report it. */
async function rollOut(see: (what: string) => Promise<void>): Promise<void> {
  house.setStatus("Service", "jellyfin", serviceStatus());
  house.setPulls("jellyfin", [{ image: IMAGE, progress: { doneBytes: 110_000_000, totalBytes: 440_000_000, layers: 14 } }]);
  await see("image jellyfin");
  house.setStatus("Service", "jellyfin", serviceStatus({ instances: [instance("created")] }));
  house.setPulls("jellyfin", []);
  await see("container jellyfin-k3f9");
  house.setStatus("Service", "jellyfin", readyService());
}

describe("waiting for a rollout", () => {
  before(async () => {
    await run("apply", "-f", "jellyfin.yaml");
  });

  const notReady = (): void => house.setStatus("Service", "jellyfin", serviceStatus({ instances: [], nodes: [], placement: [] }));

  test("not on a terminal: one line a phase", async () => {
    notReady();
    const running = begin({ socket: house.socket, files: FILES }, "apply", "-f", "jellyfin.yaml", "--wait");
    await until("it waits", () => running.stderr().includes("not every instance"));
    await rollOut((what) => until(what, () => running.stderr().includes(`jellyfin: ${what}`)).then(() => undefined));
    expectOutcome(await running.done, {
      stdout: "service/jellyfin unchanged\n",
      stderr: `jellyfin: not every instance is ready (Starting)
jellyfin: → nas  (the only node)
jellyfin: image jellyfin/jellyfin:10.11 ...
jellyfin: volume jellyfin-config done
jellyfin: image jellyfin/jellyfin:10.11 done (14 layers, 440 MB, 0.0s)
jellyfin: container jellyfin-k3f9 on nas ...
jellyfin: container jellyfin-k3f9 on nas done (0.0s)
jellyfin: route http://jellyfin.home.internal done
✓ jellyfin is ready: http://jellyfin.home.internal
`,
    });
  });

  test("on a terminal: a block that is drawn in place and collapses", async () => {
    notReady();
    const running = begin({ socket: house.socket, files: FILES, tty: true, env: { NO_COLOR: "1" } }, "apply", "-f", "jellyfin.yaml");
    await rollOut(async (what) => {
      await until(what, () => screen(running.stderr()).includes(what));
      if (what.startsWith("image")) {
        await until("progress", () => screen(running.stderr()).includes("25%"));
        assert.equal(
          screen(running.stderr()).replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/, "*"),
          `[+] jellyfin → nas  (the only node)  0.0s  not every instance is ready
 · volume jellyfin-config
 * image jellyfin/jellyfin:10.11  █████░░░░░░░░░░░░░░░  25%  110 MB of 440 MB
 · container jellyfin-k3f9 on nas
 · route http://jellyfin.home.internal`,
        );
      }
    });
    const { code, stdout, stderr } = await running.done;
    assert.equal(code, 0);
    assert.equal(stdout, "service/jellyfin unchanged\n");
    assert.equal(
      screen(stderr),
      ` ✓ volume jellyfin-config
 ✓ image jellyfin/jellyfin:10.11
 ✓ container jellyfin-k3f9 on nas
 ✓ route http://jellyfin.home.internal
✓ jellyfin is ready: http://jellyfin.home.internal`,
    );
  });

  test("Ctrl-C stops the watching, not the rollout", async () => {
    notReady();
    const running = begin({ socket: house.socket, files: FILES }, "apply", "-f", "jellyfin.yaml", "--wait");
    await until("it waits", () => running.stderr().includes("not every instance"));
    running.interrupt();
    const { code, stderr } = await running.done;
    assert.equal(code, 130);
    assert.match(stderr, /Stopped watching; the house goes on with it\. To see: fossora get service\/jellyfin -w\n$/);
  });

  test("the time may be over", async () => {
    notReady();
    expectOutcome(await run("apply", "-f", "jellyfin.yaml", "--wait", "--timeout", "300ms"), {
      code: 6,
      stdout: "service/jellyfin unchanged\n",
      stderr: `jellyfin: not every instance is ready (Starting)
✗ service/jellyfin is not ready: not every instance is ready (Starting)
error: Not everything was ready after 0.3 s; the house goes on with it.
next:  fossora describe service/jellyfin
`,
    });
  });

  test("what cannot succeed ends at once, with what the app printed last", async () => {
    house.setStatus(
      "Service",
      "jellyfin",
      serviceStatus({
        conditions: [
          condition("Ready", "False", "CrashLoop", "ended with 1"),
          condition("Stalled", "True", "CrashLoop", "container jellyfin ended with 1, 5 times"),
        ],
        instances: [instance("restarting", { reason: "CrashLoop" })],
      }),
    );
    house.containers.print(house.containers.add("jellyfin", "k3f9", "jellyfin"), "2026-01-01T00:00:00.000000000Z no such library");
    const startMs = performance.now();
    const outcome = await fossora(
      { socket: house.socket, files: FILES, elapsedMs: () => performance.now() - startMs },
      "apply",
      "-f",
      "jellyfin.yaml",
      "--wait",
    );
    expectOutcome(outcome, {
      code: 1,
      stdout: "service/jellyfin unchanged\n",
      stderr: `jellyfin: → nas  (the only node)
jellyfin: volume jellyfin-config done
jellyfin: image jellyfin/jellyfin:10.11 done
jellyfin: container jellyfin-k3f9 on nas failed
✗ service/jellyfin: container jellyfin ended with 1, 5 times (CrashLoop)
  jellyfin │ no such library
error: service/jellyfin cannot become ready as it was written.
next:  fossora describe service/jellyfin
`,
    });
    house.containers.made.length = 0;
  });
});

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

NAME   READY    ZONE           NODES  AGE
house  Unknown  home.internal  -      9d
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

describe("logs and exec", () => {
  before(() => {
    const { containers } = house;
    containers.made.length = 0;
    containers.output.clear();
    containers.print(
      containers.add("jellyfin", "k3f9", "jellyfin"),
      "2026-01-01T00:00:01.000000000Z one",
      "2026-01-01T00:00:02.000000000Z two",
    );
  });

  test("one container's lines stand alone; of several each says whose it is", async () => {
    expectOutcome(await run("logs", "jellyfin"), { stdout: "one\ntwo\n" });
    expectOutcome(await run("logs", "svc/jellyfin", "-n", "1", "--timestamps"), { stdout: "2026-01-01T00:00:02.000000000Z two\n" });
    expectOutcome(await run("logs", "jellyfin", "-n", "1", "--prefix"), { stdout: "jellyfin-k3f9/jellyfin@nas │ two\n" });
    expectOutcome(await run("logs", "-l", "group=media", "-n", "1"), { stdout: "two\n" });
    assert.equal((JSON.parse((await run("logs", "jellyfin", "-n", "1", "-o", "json")).stdout) as { readonly text: string }).text, "two");
    const sidecar = house.containers.add("jellyfin", "k3f9", "db");
    house.containers.print(sidecar, "2026-01-01T00:00:01.500000000Z between");
    expectOutcome(await run("logs", "jellyfin"), {
      stdout: "jellyfin-k3f9/jellyfin@nas │ one\njellyfin-k3f9/db@nas │ between\njellyfin-k3f9/jellyfin@nas │ two\n",
    });
    expectOutcome(await run("logs", "jellyfin", "-c", "db"), { stdout: "between\n" });
    expectOutcome(await run("logs", "jellyfin", "--no-prefix"), { stdout: "one\nbetween\ntwo\n" });
    house.containers.made.pop();
  });

  test("-f goes on until Ctrl-C", async () => {
    const running = begin({ socket: house.socket }, "logs", "-f", "jellyfin", "--since", "1h");
    await until("both lines", () => running.stdout() === "one\ntwo\n");
    assert.equal(house.containers.lastLogOptions?.follow, true);
    running.interrupt();
    assert.equal((await running.done).code, 130);
  });

  test("what has no logs says what to look at", async () => {
    expectOutcome(await run("logs", "nobody"), {
      code: 4,
      stderr: 'error: Cannot show logs: there is no service "nobody".\nnext:  fossora get services\n',
    });
    assert.equal((await run("logs", "node/nas")).code, 2);
    assert.equal((await run("logs")).code, 2);
  });

  test("exec hands over input and output, and the command's exit code", async () => {
    house.containers.script = async (command, session) => {
      session.say(`${command.join(" ")}:`);
      session.say((await session.readAll()).toUpperCase());
      session.say("done\n", "stderr");
      return 42;
    };
    expectOutcome(await fossora({ socket: house.socket, stdin: "hello\n" }, "exec", "-i", "jellyfin", "--", "cat", "-n"), {
      code: 42,
      stdout: "cat -n:HELLO\n",
      stderr: "done\n",
    });
  });

  test("exec on a terminal says where it is and how large the window is", async () => {
    house.containers.script = async (_command, session) => {
      session.say(await session.sized());
      return 0;
    };
    expectOutcome(await fossora({ socket: house.socket, tty: true, env: { NO_COLOR: "1" } }, "exec", "-it", "svc/jellyfin", "--", "sh"), {
      stdout: "100x24",
      stderr: "in jellyfin-k3f9-jellyfin\n",
    });
  });

  test("exec of what does not run is not found", async () => {
    expectOutcome(await run("exec", "jellyfin", "-c", "db", "--", "ls"), {
      code: 4,
      stderr: 'error: Cannot exec: "jellyfin" has no container "db"; it has jellyfin.\nnext:  fossora describe service jellyfin\n',
    });
    assert.equal((await run("exec", "nobody", "--", "ls")).code, 4);
  });
});

describe("delete", () => {
  test("says what goes with it and what stays", async () => {
    expectOutcome(await run("delete", "-f", "jellyfin.yaml", "--dry-run"), {
      stdout: "service/jellyfin deleted (dry run)\n",
      stderr: "  goes with it: route/jellyfin, dnsrecord/jellyfin\n  stays: volume jellyfin-config (jellyfin:/config)\n",
    });
    expectOutcome(await run("delete", "svc/jellyfin", "--wait", "-q"), { stdout: "service/jellyfin deleted\n" });
    expectOutcome(await run("delete", "svc/jellyfin"), {
      code: 4,
      stderr: "error: Cannot delete service/jellyfin: there is none of that name.\nnext:  fossora get services\n",
    });
    expectOutcome(await run("delete", "svc/jellyfin", "--ignore-not-found"), {});
    assert.equal((await run("delete")).code, 2);
    assert.equal((await run("delete", "svc")).code, 2);
  });
});

describe("without a node, or with words that mean nothing", () => {
  const nowhere: RunOptions = { socket: "/nonexistent/fossora.sock" };

  test("an unreachable node exits 7 and says how to start it", async () => {
    expectOutcome(await fossora(nowhere, "get", "svc"), {
      code: 7,
      stderr: "error: Cannot reach the node at /nonexistent/fossora.sock: Fossora does not run on this computer.\nnext:  sudo fossora up\n",
    });
    assert.equal((await fossora(nowhere, "status")).code, 7);
    expectOutcome(await fossora(nowhere, "version"), {
      stdout: "client  0.1.0\n",
      stderr: "node    not reached; to start it: sudo fossora up\n",
    });
    expectOutcome(await fossora(nowhere, "--version"), { stdout: "0.1.0\n" });
  });

  test("a store without quorum exits 7", async () => {
    house.etcd.isolate("nas");
    const { code, stderr } = await run("apply", "-f", "whoami.yaml");
    house.etcd.rejoin("nas");
    assert.equal(code, 7);
    assert.match(stderr, /^error: The house's store does not answer, so nothing was changed: .*\nnext: {2}fossora status\n$/);
    await until("the mirror is fresh again", () => house.mirror.fresh);
  });

  test("usage is 2, with what was meant", async () => {
    expectOutcome(await fossora(nowhere, "aply"), {
      code: 2,
      stderr: "error: unknown command 'aply'\n(Did you mean apply?)\nnext:  fossora --help\n",
    });
    expectOutcome(await fossora(nowhere, "get", "svc", "--wathc"), {
      code: 2,
      stderr: "error: unknown option '--wathc'\n(Did you mean --watch?)\nnext:  fossora get --help\n",
    });
    expectOutcome(await fossora(nowhere, "get", "servces"), {
      code: 2,
      stderr: 'error: Cannot find the kind "servces". Did you mean "services"?\nnext:  fossora api-resources\n',
    });
    expectOutcome(await fossora(nowhere, "apply"), {
      code: 2,
      stderr: "error: required option '-f, --filename <file|folder|->' not specified\nnext:  fossora apply --help\n",
    });
    expectOutcome(await fossora(nowhere, "wait", "svc/x", "--timeout", "soon"), {
      code: 2,
      stderr:
        "error: option '--timeout <duration>' argument 'soon' is invalid. It should look like 30s, 5m or 1h30m.\nnext:  fossora wait --help\n",
    });
  });

  test("explain and api-resources need none", async () => {
    expectOutcome(await fossora(nowhere, "explain", "svc.spec.replicas"), {
      stdout: (await fossora(nowhere, "explain", "service.spec.replicas")).stdout,
    });
    assert.match((await fossora(nowhere, "explain", "svc.spec.update")).stdout, /\n {2}monitor {2}duration {2}\(default "10s"\)\n/);
    expectOutcome(await fossora(nowhere, "explain", "svc.spec.replica"), {
      code: 4,
      stderr:
        'error: Cannot explain "svc.spec.replica": service.spec has no field "replica". Did you mean "replicas"?\nnext:  fossora explain service.spec.replicas\n',
    });
    assert.match((await fossora(nowhere, "api-resources")).stdout, /^NAME +SHORT +KIND +VERBS +DESCRIPTION\nnodes /);
  });

  test("the bare word shows every command on one screen", async () => {
    const { code, stdout } = await fossora(nowhere);
    assert.equal(code, 0);
    assert.ok(stdout.split("\n").length <= 34, stdout);
    for (const verb of [
      "agent",
      "up",
      "down",
      "uninstall",
      "status",
      "apply",
      "delete",
      "get",
      "describe",
      "explain",
      "api-resources",
      "logs",
      "exec",
      "events",
      "wait",
      "completion",
      "version",
    ]) {
      assert.match(stdout, new RegExp(`^  ${verb} `, "m"));
      const help = await fossora(nowhere, verb, "--help");
      assert.equal(help.code, 0, verb);
      assert.match(help.stdout, /^Examples:\n {2}\S/, verb);
    }
    assert.equal((await fossora(nowhere, "--help")).stdout, stdout);
  });

  test("node commands get their options, and their exit code is ours", async () => {
    const seen: unknown[] = [];
    const node = {
      up: (options: unknown) => {
        seen.push(options);
        return Promise.resolve(6);
      },
    };
    const outcome = await fossora(
      { ...nowhere, node },
      "up",
      "--node-name",
      "nas",
      "--listen",
      "8080",
      "--dns-port",
      "5354",
      "--timeout",
      "10s",
    );
    assert.equal(outcome.code, 6);
    assert.deepEqual(seen, [{ nodeName: "nas", httpListen: "8080", dnsPort: 5354, timeoutMs: 10_000, openFirewall: false }]);
    assert.equal((await fossora({ ...nowhere, node }, "up", "--dns-port", "99999")).code, 2);
  });
});

describe("completion", () => {
  const main = path.join(import.meta.dirname, "../../src/main.ts");
  const cache = mkdtempSync(path.join(tmpdir(), "fossora-completion-"));
  after(() => rmSync(cache, { recursive: true, force: true }));

  /** As the shell's script calls it, in a process of its own. */
  const tab = async (socket: string, ...words: readonly string[]): Promise<readonly string[]> => {
    const env = { ...process.env, FOSSORA_SOCKET: socket, XDG_CACHE_HOME: cache };
    const { stdout } = await promisify(execFile)(process.execPath, [main, "complete", "--", ...words], { env });
    return stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[0] ?? "");
  };

  test("names commands, flags and what is in the house; without a node only what needs none", async () => {
    await run("apply", "-f", "jellyfin.yaml");
    house.setStatus("Service", "jellyfin", readyService());
    assert.deepEqual(await tab(house.socket, "ap"), ["apply", "api-resources", ":4"]);
    assert.deepEqual(await tab(house.socket, "apply", "--wa"), ["--wait", ":4"]);
    // On a busy machine the house may be slower than a Tab waits.
    const names = await untilBy("the house answers in time", async () => {
      const found = await tab(house.socket, "logs", "");
      return found.length > 1 && found;
    });
    assert.deepEqual(names, ["jellyfin", "svc/jellyfin", "instance/jellyfin-k3f9", ":4"]);
    assert.deepEqual(await tab("/nonexistent", "logs", "jel"), [":4"]);
  });

  test("prints a script for each shell", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { stdout } = await promisify(execFile)(process.execPath, [main, "completion", shell]);
      assert.match(stdout, /fossora complete -- /, shell);
    }
    assert.equal((await fossora({ socket: "/nonexistent" }, "completion", "tcsh")).code, 2);
  });
});
