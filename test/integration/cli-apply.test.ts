// What a person sees who applies, word by word: on a terminal and not, to the end or until Ctrl-C.
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import type { ApplyAnswer } from "../../src/api/wire.ts";
import { begin, expectOutcome, fossora, screen, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { condition, FILES, IMAGE, instance, READY_NODE, readyService, serviceStatus, WHOAMI } from "../support/transcript-statuses.ts";
import { until as untilBy } from "../support/until.ts";

const LIMIT_MS = 10_000;

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  return untilBy(what, probe, LIMIT_MS);
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

  test("warns of what is as mighty as root on its node, and says why", async () => {
    expectOutcome(await run("apply", "-f", "mighty.yaml", "--dry-run"), {
      stdout: "service/mighty created (dry run)\n",
      stderr:
        "! service/mighty has the rights of root on its node: container 'mighty' is privileged, container 'mighty' uses the host's network, container 'mighty' sees the host's processes, container 'mighty' sets options of Docker directly, container 'mighty' mounts /var/run/docker.sock of the host\n",
    });
  });

  test("refuses HTTPS, which the house does not serve", async () => {
    const text = WHOAMI.replace("port: 80", "port: 80, routes: [{ https: required }]");
    expectOutcome(await fossora({ socket: house.socket, stdin: text }, "apply", "-f", "-"), {
      code: 3,
      stderr: `-:4:56  Service/whoami  spec.routes[0].https
  must be 'off' or left out (the house has no certificates for its names: it serves them by plain HTTP), not 'required'
    4 | spec: { image: "whoami:1", port: 80, routes: [{ https: required }] }
      |                                                        ^^^^^^^^
error: 1 problem in -; nothing was applied.
next:  fossora explain service.spec.routes
`,
    });
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

  test("--validate=warn leaves out what nobody knows, and says so", async () => {
    const text = WHOAMI.replace("name: whoami", "name: newer").replace("port: 80", "port: 80, replica: 2");
    const stderr = "! service/newer is applied without spec.replica (line 4): unknown field 'replica': did you mean 'replicas'?\n";
    for (const dryRun of ["--dry-run=client", "--dry-run=server"]) {
      const outcome = await fossora({ socket: house.socket, stdin: text }, "apply", "-f", "-", "--validate=warn", dryRun);
      expectOutcome(outcome, { stdout: `service/newer ${dryRun.endsWith("client") ? "valid" : "created"} (dry run)\n`, stderr });
    }
    expectOutcome(await fossora({ socket: house.socket, stdin: text }, "apply", "-f", "-", "--validate=warn", "--no-wait"), {
      stdout: "service/newer created\n",
      stderr,
    });
    assert.equal((await run("get", "svc/newer", "-o", "json")).stdout.includes('"replica"'), false);
    await run("delete", "svc/newer");
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

  test("reads what an address gives, and lets it name no files of this computer", async () => {
    const texts: Readonly<Record<string, string>> = {
      "/a.yaml": WHOAMI.replace("name: whoami", "name: fetched"),
      "/thief.yaml": WHOAMI.replace("port: 80", "port: 80, files: [{ path: /loot, source: /etc/hostname }]"),
    };
    const server = http.createServer(({ url = "" }, response) => {
      response.writeHead(url in texts ? 200 : 404).end(texts[url] ?? "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
    try {
      expectOutcome(await run("apply", "-f", `${at}/a.yaml`, "--dry-run"), { stdout: "service/fetched created (dry run)\n" });
      expectOutcome(await run("apply", "-f", `${at}/b.yaml`), {
        code: 1,
        stderr: `error: Cannot fetch "${at}/b.yaml": the server answered 404 Not Found\nnext:  curl -fL ${at}/b.yaml\n`,
      });
      const thief = await run("apply", "-f", `${at}/thief.yaml`);
      assert.equal(thief.code, 2);
      assert.match(thief.stderr, /names the file "\/etc\/hostname", and what is fetched may read no files of this computer/);
    } finally {
      server.close();
    }
  });

  test("--prune deletes what its labels name and no file has any more, once a person agrees", async () => {
    const labelled = (name: string) => WHOAMI.replace("name: whoami", `name: ${name}, labels: { set: prune }`);
    const both = { "set/one.yaml": labelled("one"), "set/two.yaml": labelled("two") };
    const files = { "set/one.yaml": labelled("one") };
    const prune = ["apply", "-f", "set", "--prune", "-l", "set=prune"];
    await fossora({ socket: house.socket, files: both }, "apply", "-f", "set");
    const detailed = (...more: readonly string[]) =>
      fossora({ socket: house.socket, files: both }, "apply", "-f", "set/one.yaml", "--detailed-exitcode", ...more);
    assert.equal((await detailed("--dry-run")).code, 0);
    assert.equal((await detailed("--dry-run", "--prune", "-l", "set=prune")).code, 1);
    assert.equal((await detailed()).code, 2);
    expectOutcome(await fossora({ socket: house.socket, files }, ...prune, "--dry-run"), {
      stdout: "service/one unchanged (dry run)\nservice/two deleted (dry run)\n",
      stderr: "  goes with it: route/two, dnsrecord/two\n",
    });
    const unasked = await fossora({ socket: house.socket, files }, ...prune);
    assert.deepEqual([unasked.code, unasked.stdout], [2, "service/one unchanged\n"]);
    assert.match(unasked.stderr, /Nothing was deleted: service\/two is in no file any more, and nobody can be asked/);
    const refused = await fossora({ socket: house.socket, files, tty: true, stdin: "n\n" }, ...prune, "--no-wait");
    assert.match(screen(refused.stderr), /In no file any more: service\/two\nDelete\? \[y\/N\] Nothing was deleted\./);
    assert.equal((await run("get", "svc/two")).code, 0);
    const agreed = await fossora({ socket: house.socket, files, tty: true, stdin: "y\n" }, ...prune, "--no-wait");
    assert.match(agreed.stdout, /service\/two deleted/);
    assert.equal((await run("get", "svc/two")).code, 4);
    assert.equal((await run("get", "svc/jellyfin")).code, 0, "it has other labels");
    expectOutcome(await fossora({ socket: house.socket, files }, ...prune, "--yes"), { stdout: "service/one unchanged\n" });
    for (const format of ["json", "name"]) {
      await fossora({ socket: house.socket, files: both }, "apply", "-f", "set");
      const read = await fossora({ socket: house.socket, files }, ...prune, "--yes", "-o", format);
      assert.match(read.stderr, /^service\/two deleted\n/);
      if (format === "json") assert.equal((JSON.parse(read.stdout) as ApplyAnswer).kind, "ApplyResult");
      else assert.equal(read.stdout, "service/one\n");
    }
    assert.equal((await fossora({ socket: house.socket, files }, "apply", "-f", "set", "--prune")).code, 2);
    await run("delete", "svc/one");
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

describe("delete", () => {
  test("--all and -l delete what a person confirms by the kind's name", async () => {
    const labelled = (name: string, group: string) => WHOAMI.replace("name: whoami", `name: ${name}, labels: { group: ${group} }`);
    const files = { "a.yaml": labelled("a", "x"), "b.yaml": labelled("b", "y") };
    await fossora({ socket: house.socket, files }, "apply", "-f", "a.yaml", "-f", "b.yaml", "--no-wait");
    expectOutcome(await run("delete", "services", "-l", "group=x", "--dry-run"), {
      stdout: "service/a deleted (dry run)\n",
      stderr: "  goes with it: route/a, dnsrecord/a\n",
    });
    expectOutcome(await run("delete", "services", "-l", "group=x"), {
      code: 2,
      stderr:
        'error: Nothing was deleted: service/a would go, and --confirm does not say "services".\nnext:  the same with --confirm=services, or first with --dry-run\n',
    });
    const refused = await fossora({ socket: house.socket, tty: true, stdin: "yes\n" }, "delete", "svc", "-l", "group=x");
    assert.equal(refused.code, 2);
    assert.match(screen(refused.stderr), /^Goes: service\/a\nType "services" to delete: error: Nothing was deleted\./);
    const typed = await fossora({ socket: house.socket, tty: true, stdin: "services\n" }, "delete", "svc", "-l", "group=x");
    assert.deepEqual([typed.code, typed.stdout], [0, "service/a deleted\n"]);
    assert.match((await run("delete", "services", "--all", "--confirm=services")).stdout, /service\/b deleted\n/);
    expectOutcome(await run("delete", "services", "--all"), { stderr: "No services: nothing was deleted.\n" });
    for (const words of [["--all"], ["svc/a", "--all"], ["svc", "--all", "-l", "a=b"]])
      assert.equal((await run("delete", ...words)).code, 2);
    await run("apply", "-f", "jellyfin.yaml", "--no-wait");
  });

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
