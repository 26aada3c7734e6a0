// Logs, commands in containers, words that mean nothing, and what works without a node: transcripts and exit codes.
import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { HASH_BYTES, parsePasswordHash, SCRYPT } from "../../src/api/password.ts";
import { begin, expectOutcome, fossora, type Outcome, type RunOptions } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, READY_NODE, readyService } from "../support/transcript-statuses.ts";
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

function until<T>(what: string, probe: () => T | undefined | false): Promise<T> {
  return untilBy(what, probe, LIMIT_MS);
}

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
    expectOutcome(await run("logs", "jellyfin", "-n", "1", "--prefix"), { stdout: "jellyfin-k3f9@nas │ two\n" });
    expectOutcome(await run("logs", "-l", "group=media", "-n", "1"), { stdout: "two\n" });
    assert.equal((JSON.parse((await run("logs", "jellyfin", "-n", "1", "-o", "json")).stdout) as { readonly text: string }).text, "two");
    const sidecar = house.containers.add("jellyfin", "k3f9", "db");
    house.containers.print(sidecar, "2026-01-01T00:00:01.500000000Z between");
    expectOutcome(await run("logs", "jellyfin"), {
      stdout: "jellyfin-k3f9@nas │ one\njellyfin-k3f9/db@nas │ between\njellyfin-k3f9@nas │ two\n",
    });
    expectOutcome(await run("logs", "jellyfin", "-c", "db"), { stdout: "between\n" });
    expectOutcome(await run("logs", "jellyfin", "--no-prefix"), { stdout: "one\nbetween\ntwo\n" });
    house.containers.made.pop();
  });

  test("--all shows every service, and what has nothing to show does not stop it", async () => {
    await run("apply", "-f", "apps/a.yaml");
    const { stdout, stderr, code } = await run("logs", "--all", "--no-prefix");
    await run("delete", "svc/a");
    assert.deepEqual([stdout, code], ["one\ntwo\n", 0]);
    assert.match(stderr, /nothing of "a" was started on nas yet/);
    assert.equal((await run("logs", "--all", "jellyfin")).code, 2);
  });

  test("--all and -l merge the lines of several services by time, each with its instance", async () => {
    await run("apply", "-f", "apps/a.yaml");
    const lines = (...seconds: readonly string[]): readonly string[] => seconds.map((each) => `2026-01-01T00:00:0${each}Z at ${each}`);
    house.containers.print(house.containers.add("a", "p2x1", "a"), ...lines("0.5", "1.5", "9"));
    const merged = "a-p2x1@nas │ at 0.5\njellyfin-k3f9@nas │ one\na-p2x1@nas │ at 1.5\njellyfin-k3f9@nas │ two\na-p2x1@nas │ at 9\n";
    expectOutcome(await run("logs", "--all"), { stdout: merged });
    expectOutcome(await run("logs", "-l", "group!=none"), { stdout: merged });
    const began = performance.now();
    const following = begin({ socket: house.socket, elapsedMs: () => performance.now() - began }, "logs", "--all", "-f");
    await until("what was printed before, in order", () => following.stdout() === merged);
    const late = house.containers.add("jellyfin", "z9z9", "jellyfin");
    house.containers.print(late, "2026-01-01T00:00:10Z ten");
    await until("what came later", () => following.stdout() === `${merged}jellyfin-z9z9@nas │ ten\n`);
    following.interrupt();
    assert.equal((await following.done).code, 130);
    house.containers.made.splice(1);
    await run("delete", "svc/a");
  });

  test("--previous shows what was printed before the last start, and says when there was none", async () => {
    const [container] = house.containers.made;
    assert.ok(container);
    const never = await run("logs", "jellyfin", "--previous");
    assert.deepEqual([never.code, never.stdout], [4, ""]);
    assert.match(never.stderr, /no container of "jellyfin" was restarted since it was made/);
    house.containers.made[0] = { ...container, restarts: 1, startedAt: "2026-01-01T00:00:01.5Z" };
    expectOutcome(await run("logs", "jellyfin", "--previous"), { stdout: "one\n" });
    assert.equal((await run("logs", "jellyfin", "--previous", "-f")).code, 2);
    house.containers.made[0] = container;
  });

  test("on a terminal each source has a colour of its own", async () => {
    const sidecar = house.containers.add("jellyfin", "k3f9", "cache");
    house.containers.print(sidecar, "2026-01-01T00:00:01.500000000Z between");
    const { stdout } = await fossora({ socket: house.socket, tty: true }, "logs", "jellyfin");
    house.containers.made.pop();
    assert.equal(
      stdout,
      "\u001b[36mjellyfin-k3f9@nas │\u001b[39m one\n\u001b[35mjellyfin-k3f9/cache@nas │\u001b[39m between\n\u001b[36mjellyfin-k3f9@nas │\u001b[39m two\n",
    );
  });

  test("what is too much to be shown is said, and what was not asked for is not", async () => {
    const much = house.containers.add("jellyfin", "m0r3", "jellyfin");
    const lines = Array.from({ length: 50_001 }, (_, index) => `2026-01-01T00:00:03.000000000Z ${index}\n`);
    house.containers.output.set(much.id, [{ stream: "stdout", data: Buffer.from(lines.join("")) }]);
    const warning = "! of jellyfin-m0r3-jellyfin on nas the last 50000 lines are shown: it printed more\n";
    for (const asked of [[], ["-n", "100000"]]) {
      const { stdout, stderr, code } = await run("logs", "instance/jellyfin-m0r3", ...asked);
      assert.deepEqual([stdout.slice(0, 4), stdout.slice(-7), stderr, code], ["1\n2\n", "\n50000\n", warning, 0]);
    }
    assert.equal((await run("logs", "instance/jellyfin-m0r3", "-n", "50000")).stderr, "");
    house.containers.made.pop();
  });

  test("--since goes to where the lines are kept, as a moment", async () => {
    await run("logs", "jellyfin", "--since", "2026-01-01T12:00:00Z");
    assert.equal(house.containers.lastLogOptions?.since, Date.parse("2026-01-01T12:00:00Z") / 1000);
    const earliest = Math.floor(Date.now() / 1000) - 3600;
    await run("logs", "jellyfin", "--since", "1h");
    const since = house.containers.lastLogOptions?.since ?? 0;
    assert.ok(since >= earliest && since <= Date.now() / 1000 - 3600, String(since));
    expectOutcome(await run("logs", "jellyfin", "--since", "yesterday"), {
      code: 2,
      stderr:
        "error: option '--since <duration|time>' argument 'yesterday' is invalid. It should look like 1h, or 2026-01-31T12:00:00Z.\nnext:  fossora logs --help\n",
    });
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

  test("exec takes words of any length that a shell passes on", async () => {
    house.containers.script = async (command, session) => {
      session.say(String(command.at(-1)?.length));
      return 0;
    };
    for (const length of [17_000, 128 * 1024]) {
      expectOutcome(await run("exec", "jellyfin", "--", "sh", "-c", "x".repeat(length)), { stdout: String(length) });
    }
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

  test("exec takes an instance that is ready, unless another one is named", async () => {
    const { made } = house.containers;
    const kept = made.splice(0);
    house.containers.add("jellyfin", "aaaa", "jellyfin", { health: "unhealthy" });
    house.containers.add("jellyfin", "bbbb", "jellyfin", { health: "healthy" });
    house.containers.add("jellyfin", "cccc", "jellyfin", { state: "exited" });
    house.containers.script = () => Promise.resolve(0);
    const where = async (target: string): Promise<string> =>
      (await fossora({ socket: house.socket, tty: true, env: { NO_COLOR: "1" } }, "exec", "-t", target, "--", "sh")).stderr;
    assert.equal(await where("jellyfin"), "in jellyfin-bbbb-jellyfin\n");
    assert.equal(await where("instance/jellyfin-aaaa"), "in jellyfin-aaaa-jellyfin\n");
    assert.match(await where("instance/jellyfin-cccc"), /^error: Cannot exec: no container "jellyfin" of "jellyfin" runs on nas\./);
    made.splice(0, made.length, ...kept);
  });

  test("Ctrl-C while exec is connecting ends it with 130, and the command is not run", async (t) => {
    t.after(() => (house.containers.beforeList = undefined));
    let runs = 0;
    house.containers.script = () => Promise.resolve(++runs);
    const [asked, answer] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
    house.containers.beforeList = (signal) => {
      asked.resolve(signal);
      return answer.promise;
    };
    const running = begin({ socket: house.socket }, "exec", "jellyfin", "--", "rm", "/data");
    const signal = await asked.promise;
    running.interrupt();
    expectOutcome(await running.done, { code: 130 });
    await until("the node hears of it", () => signal.aborted);
    answer.resolve();
    assert.equal((await run("version")).code, 0);
    assert.equal(runs, 0);
  });

  test("exec of what does not run is not found", async () => {
    expectOutcome(await run("exec", "jellyfin", "-c", "db", "--", "ls"), {
      code: 4,
      stderr: 'error: Cannot exec: "jellyfin" has no container "db"; it has jellyfin.\nnext:  fossora describe service jellyfin\n',
    });
    assert.equal((await run("exec", "nobody", "--", "ls")).code, 4);
  });
});

describe("version", () => {
  test("is this program's and the node's, and warns where they differ", async () => {
    expectOutcome(await run("version"), { stdout: "client  0.1.0\nnode    0.1.0  (nas, etcd fake)\n" });
    expectOutcome(await run("version", "--client"), { stdout: "client  0.1.0\n" });
    const newer: RunOptions = { socket: house.socket, version: "0.2.0" };
    expectOutcome(await fossora(newer, "version"), {
      stdout: "client  0.2.0\nnode    0.1.0  (nas, etcd fake)\n",
      stderr: "! this program and the node differ in version: restart the node with this program: sudo fossora up\n",
    });
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
    assert.match(
      stderr,
      /^error: The house's store does not answer, so nothing was changed: den alone keeps [^\n]*\nnext: {2}start den\n$/,
    );
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
      stderr: "error: required option '-f, --filename <file|folder|URL|->' not specified\nnext:  fossora apply --help\n",
    });
    expectOutcome(await fossora(nowhere, "wait", "svc/x", "--timeout", "soon"), {
      code: 2,
      stderr:
        "error: option '--timeout <duration>' argument 'soon' is invalid. It should look like 30s, 5m or 1h30m.\nnext:  fossora wait --help\n",
    });
  });

  test("hash-password needs none, and takes what is typed twice or piped in", async () => {
    const piped = await fossora({ ...nowhere, stdin: "open sesame\n" }, "hash-password");
    const hash = parsePasswordHash(piped.stdout.trim());
    assert.ok(hash, piped.stderr);
    const expected = scryptSync("open sesame", Buffer.from(hash.salt, "base64"), HASH_BYTES, SCRYPT);
    assert.equal(hash.hash, expected.toString("base64"));
    assert.equal((await fossora({ ...nowhere, stdin: "\n" }, "hash-password")).code, 2);
    const typed = begin({ ...nowhere, tty: true, stdin: "one\none\n" }, "hash-password");
    const { stdout, stderr } = await typed.done;
    assert.match(stdout, /^scrypt:/);
    assert.equal(stderr, "Password: \nAgain: \n", "nothing of it is shown");
    assert.equal((await fossora({ ...nowhere, tty: true, stdin: "one\ntwo\n" }, "hash-password")).code, 2);
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
    expectOutcome(await fossora(nowhere, "api-resources", "-o", "name"), {
      stdout: "nodes\nservices\nroutes\ndnsrecords\nhouses\ninstances\nevents\n",
    });
    assert.match((await fossora(nowhere, "api-resources")).stdout, /^NAME +SHORT +KIND +VERBS +DESCRIPTION\nnodes /);
  });

  test("the bare word shows every command on one screen", async () => {
    const { code, stdout } = await fossora(nowhere);
    assert.equal(code, 0);
    assert.ok(stdout.trimEnd().split("\n").length <= 48, stdout);
    for (const verb of [
      "agent",
      "up",
      "down",
      "invite",
      "join",
      "leave",
      "node",
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
      "rollout",
      "top",
      "drill",
      "rebalance",
      "stopping",
      "completion",
      "version",
    ]) {
      assert.match(stdout, new RegExp(`^  ${verb} `, "m"));
      const help = await fossora(nowhere, verb, "--help");
      assert.equal(help.code, 0, verb);
      assert.match(help.stdout, /^Examples:\n {2}\S/, verb);
    }
    const [last = "", ...lines] = stdout.trimEnd().split("\n").reverse();
    const help = (await fossora(nowhere, "--help")).stdout;
    assert.ok(help.startsWith(lines.toReversed().join("\n")) && help.endsWith(`${last}\n`), "the same, and more in between");
    assert.match(help, /\nExit codes\n {2}0 done .*130 interrupted\n.*FOSSORA_SOCKET/s);
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
      "--mdns",
      "off",
      "--timeout",
      "10s",
    );
    assert.equal(outcome.code, 6);
    assert.deepEqual(seen, [{ nodeName: "nas", httpListen: "8080", dnsPort: 5354, mdns: "off", timeoutMs: 10_000, openFirewall: false }]);
    assert.equal((await fossora({ ...nowhere, node }, "up", "--dns-port", "99999")).code, 2);
    assert.equal((await fossora({ ...nowhere, node }, "up", "--mdns", "perhaps")).code, 2);
  });
});
