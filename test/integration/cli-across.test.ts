// Logs, commands in containers and `top` of apps on another node: two real servers and real TLS on 733 between them, each with scripted
// containers. The CLI talks to nas alone.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test, type TestContext } from "node:test";
import { HousePeers } from "../../src/agent/house-peers.ts";
import { EngineError, MeshRefusal } from "../../src/api/errors.ts";
import type { InstanceStatus, MembershipStatus } from "../../src/api/status.ts";
import type { MeshHandler } from "../../src/mesh-ports.ts";
import { TestNode } from "../support/mesh.ts";
import { begin, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, READY_NODE, readyService } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const DOWN: MembershipStatus = { ...READY_NODE, conditions: [{ type: "Ready", status: "False", reason: "Down", message: "" }] };
const STOPPED = new EngineError("unavailable", "Cannot list containers: Docker does not answer at /var/run/docker.sock");
const at = (second: number, text: string): string => `2026-01-01T00:00:0${second}.000000000Z ${text}`;

let nas: TranscriptHouse;
let nuc: TranscriptHouse;

before(async () => {
  [nas, nuc] = [await TranscriptHouse.start(), await TranscriptHouse.start(undefined, "nuc")];
  await run("apply", "-f", "jellyfin.yaml");
  const [here] = readyService().instances;
  assert(here);
  const instance = (id: string, node: string): InstanceStatus => ({ ...here, name: `jellyfin-${id}`, id, node });
  nas.setStatus("Service", "jellyfin", readyService({ instances: [instance("aaaa", "nas"), instance("bbbb", "nuc")] }));
  nas.containers.print(nas.containers.add("jellyfin", "aaaa", "jellyfin"), at(1, "one"), at(4, "four"));
  nuc.containers.print(nuc.containers.add("jellyfin", "bbbb", "jellyfin"), at(2, "two"), at(3, "three"));
});
after(() => Promise.all([nas.close(), nuc.close()]));

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: nas.socket, files: FILES }, ...argv);
}

/** nuc answers on 733 from now on, and nas asks it there. */
async function meet(t: TestContext): Promise<{ readonly first: TestNode; readonly second: TestNode }> {
  const first = await new TestNode(t).found();
  const second = await first.admit(new TestNode(t));
  const handler: MeshHandler = {
    request: async (_peer, method) => {
      if (method !== "load") throw new MeshRefusal("UnknownMethod", method);
      return nuc.load;
    },
    stream: (_peer, ...asked) => nuc.server.stream(...asked),
  };
  await second.listen(handler);
  nas.peers = new HousePeers({
    nodeId: first.nodeId,
    joining: () => ({
      seen: { known: [{ nodeId: second.nodeId, name: "nuc", addresses: ["127.0.0.1:1"], peerUrl: "" }] } as never, // the part that is read
      linkTo: (_address, nodeId) => first.dial(second, { expect: { nodeId, standing: "member" } }),
    }),
  });
  return { first, second };
}

describe("an app with an instance here and one on another node", () => {
  test("logs are merged by time, and each line says whose it is", async (t) => {
    await meet(t);
    const text = "jellyfin-aaaa@nas │ one\njellyfin-bbbb@nuc │ two\njellyfin-bbbb@nuc │ three\njellyfin-aaaa@nas │ four\n";
    assert.deepEqual(await run("logs", "jellyfin"), { code: 0, stdout: text, stderr: "" });
    assert.equal((await run("logs", "jellyfin", "--node", "nuc")).stdout, "two\nthree\n");
    assert.equal((await run("logs", "instance/jellyfin-bbbb", "-n", "1")).stdout, "three\n");
    assert.match((await run("logs", "jellyfin", "--node", "pi4")).stderr, /there is no node "pi4"/);
  });

  test("whoever follows is told once that a node is away and once that it is back, and misses no line of it", async (t) => {
    const { second } = await meet(t);
    const running = begin({ socket: nas.socket }, "logs", "-f", "jellyfin", "--no-prefix");
    await until("all that was printed", () => running.stdout() === "one\ntwo\nthree\nfour\n");
    await second.server?.close();
    const away = "! nuc does not answer: its lines are missing until it is back\n";
    await until("it is said", () => running.stderr() === away);
    const [container] = nuc.containers.made;
    assert(container);
    nuc.containers.print(container, at(5, "five"));
    await meet(t);
    await until("its new line", () => running.stdout() === "one\ntwo\nthree\nfour\nfive\n");
    assert.equal(running.stderr(), `${away}! nuc is back\n`);
    running.interrupt();
    assert.equal((await running.done).code, 130);
    const printed = nuc.containers.output.get(container.id) ?? [];
    nuc.containers.output.set(container.id, printed.slice(0, -1));
  });

  test("a node that does not answer is said to be missing, and what the others have is shown", async (t) => {
    const { second } = await meet(t);
    await second.server?.close();
    assert.deepEqual(await run("logs", "jellyfin"), {
      code: 0,
      stdout: "one\nfour\n",
      stderr: "! nuc does not answer: its lines are missing\n",
    });
    const alone = await run("logs", "jellyfin", "--node", "nuc");
    assert.deepEqual([alone.code, alone.stdout], [7, ""]);
    assert.match(alone.stderr, /^error: Cannot show logs: what "jellyfin" printed is kept where it ran, and nuc does not answer\./);
    nas.setStatus("Membership", "nuc", DOWN);
    assert.equal((await run("logs", "jellyfin")).stderr, "! nuc is down: its lines are missing\n");
    nas.setStatus("Membership", "nuc", READY_NODE);
  });

  test("logs of several go on without an app that ran on a lost computer alone, and have its lines once that is back", async (t) => {
    await run("apply", "-f", "whoami.yaml");
    const [here] = readyService().instances;
    assert(here);
    nas.setStatus("Service", "whoami", readyService({ instances: [{ ...here, name: "whoami-cccc", id: "cccc", node: "nuc" }] }));
    const container = nuc.containers.add("whoami", "cccc", "whoami");
    nuc.containers.print(container, at(5, "five"));
    t.after(async () => {
      nuc.containers.made.splice(nuc.containers.made.indexOf(container), 1);
      await run("delete", "svc/whoami");
    });
    const { second } = await meet(t);
    await second.server?.close();
    const lost = '! Cannot show logs: what "whoami" printed is kept where it ran, and nuc does not answer.\n';
    const { code, stdout, stderr } = await run("logs", "--all", "--no-prefix");
    assert.deepEqual([code, stdout], [0, "one\nfour\n"]);
    assert.ok(stderr.includes(lost), stderr);
    const running = begin({ socket: nas.socket, elapsedMs: () => performance.now() }, "logs", "-f", "--all", "--no-prefix");
    await until("what there is", () => running.stdout() === "one\nfour\n" && running.stderr().includes(lost));
    await meet(t);
    await until("the other's lines", () => ["two", "three", "five"].every((text) => running.stdout().includes(`${text}\n`)));
    assert.equal(running.stderr().split(lost).length, 2, "it is said once");
    running.interrupt();
    assert.equal((await running.done).code, 130);
  });

  test("where the Docker of this computer is away, what the others have is shown, and its own once it is back", async (t) => {
    await meet(t);
    t.after(() => (nas.containers.fails = nas.containers.logsFail = undefined));
    const missing = "! nas has no answer from its Docker: its lines are missing";
    for (const fails of [STOPPED, "hangs"] as const) {
      nas.containers.fails = fails;
      assert.deepEqual(await run("logs", "jellyfin"), { code: 0, stdout: "two\nthree\n", stderr: `${missing}\n` });
    }
    nas.containers.fails = undefined;
    nas.containers.logsFail = STOPPED;
    assert.deepEqual(
      await run("logs", "jellyfin"),
      { code: 0, stdout: "two\nthree\n", stderr: `${missing}\n` },
      "it tells which there are",
    );
    nas.containers.logsFail = undefined;
    nas.containers.fails = STOPPED;
    const alone = await run("logs", "jellyfin", "--node", "nas");
    assert.equal(alone.code, 7);
    assert.match(alone.stderr, /what "jellyfin" printed is kept where it ran, and nas has no answer from its Docker\./);
    const running = begin({ socket: nas.socket }, "logs", "-f", "jellyfin", "--no-prefix");
    await until("the other's lines", () => running.stdout() === "two\nthree\n");
    nas.containers.fails = undefined;
    await until("its own", () => running.stdout() === "two\nthree\none\nfour\n");
    assert.equal(running.stderr(), `${missing}\n! nas is back\n`);
    running.interrupt();
    await running.done;
  });

  test("a command runs on another node while the Docker of this computer, or of one that is asked first, is away", async (t) => {
    await meet(t);
    t.after(() => (nas.containers.fails = nuc.containers.fails = undefined));
    nuc.containers.script = async (_command, session) => {
      session.say("here\n");
      return 0;
    };
    for (const fails of [STOPPED, "hangs"] as const) {
      nas.containers.fails = fails;
      assert.deepEqual(await run("exec", "jellyfin", "--", "ls"), { code: 0, stdout: "here\n", stderr: "" });
    }
    nuc.containers.fails = new EngineError("unavailable", "Cannot list containers: nuc's Docker did not answer");
    const nobody = await run("exec", "jellyfin", "--", "ls");
    assert.deepEqual([nobody.code, nobody.stdout], [1, ""]);
    assert.match(nobody.stderr, /^error: Cannot list containers: nuc's Docker did not answer\n/);
    nas.containers.fails = undefined;
    nas.containers.script = async () => 7;
    const [own] = nas.containers.made;
    assert(own);
    nas.containers.become(own, { health: "unhealthy" });
    assert.equal((await run("exec", "jellyfin", "--", "ls")).code, 7, "this computer's own is asked last, since it is not healthy");
    nas.containers.become(own, { health: "none" });
  });

  describe("a command whose node is asked and does not answer yet", () => {
    let runs: number;
    const hold = (): { readonly asked: Promise<AbortSignal>; readonly answer: () => void } => {
      const [asked, answer] = [Promise.withResolvers<AbortSignal>(), Promise.withResolvers<void>()];
      nuc.containers.beforeList = (signal) => {
        asked.resolve(signal);
        return answer.promise;
      };
      return { asked: asked.promise, answer: answer.resolve };
    };
    let own: typeof nas.containers.made;

    beforeEach(() => {
      runs = 0;
      nuc.containers.script = () => Promise.resolve(++runs);
      own = nas.containers.made.splice(0);
    });
    afterEach(() => {
      nuc.containers.beforeList = undefined;
      nas.containers.made.push(...own);
    });

    test("is not run there once Ctrl-C has ended it", async (t) => {
      await meet(t);
      const { asked, answer } = hold();
      const running = begin({ socket: nas.socket }, "exec", "jellyfin", "--", "ls");
      const signal = await asked;
      running.interrupt();
      assert.equal((await running.done).code, 130);
      await until("it is heard", () => signal.aborted);
      answer();
      assert.deepEqual([(await run("logs", "jellyfin", "--node", "nuc")).code, runs], [0, 0]);
    });

    test("is not run there where its Docker hangs, and another node may be asked", async (t) => {
      await meet(t);
      nuc.containers.fails = "hangs";
      t.after(() => (nuc.containers.fails = undefined));
      const { code, stderr } = await run("exec", "jellyfin", "--", "ls");
      assert.match(stderr, /^error: Cannot exec: the Docker of nuc does not answer\./);
      assert.deepEqual([code, runs], [7, 0]);
    });

    test("may run there, which is said, and no other node is asked", async (t) => {
      const { second } = await meet(t);
      const { asked, answer } = hold();
      const stream = nas.peers.stream.bind(nas.peers);
      const nodes: string[] = [];
      nas.peers.stream = (node, ...rest) => {
        nodes.push(node);
        return stream(node, ...rest);
      };
      const running = begin({ socket: nas.socket }, "exec", "jellyfin", "--", "ls");
      await asked;
      await second.server?.close();
      const { code, stderr } = await running.done;
      answer();
      assert.match(stderr, /^error: Cannot exec: nuc was asked to run the command and does not answer\. It may run there\./);
      assert.deepEqual([code, nodes, runs], [7, ["nuc"], 0]);
    });
  });

  test("exec takes a ready instance wherever it is: input, output, window and exit code are the command's", async (t) => {
    const { second } = await meet(t);
    const kept = nas.containers.made.splice(0);
    nuc.containers.script = async (command, session) => {
      session.say(`${command.join(" ")}:`);
      session.say((await session.readAll()).toUpperCase());
      session.say("done\n", "stderr");
      return 42;
    };
    const piped = await fossora({ socket: nas.socket, stdin: "hello\n" }, "exec", "-i", "jellyfin", "--", "cat", "-n");
    assert.deepEqual(piped, { code: 42, stdout: "cat -n:HELLO\n", stderr: "done\n" });
    const long = "x".repeat(128 * 1024);
    const passed = await fossora({ socket: nas.socket, stdin: "" }, "exec", "-i", "jellyfin", "--", long);
    assert.equal(passed.stdout, `${long}:`, "as long as a shell passes on");
    nuc.containers.script = async (_command, session) => {
      session.say(await session.sized());
      return 0;
    };
    const typed = await fossora({ socket: nas.socket, tty: true, env: { NO_COLOR: "1" } }, "exec", "-it", "svc/jellyfin", "--", "sh");
    assert.deepEqual(typed, { code: 0, stdout: "100x24", stderr: "in jellyfin-bbbb-jellyfin on nuc\n" });
    await second.server?.close();
    const silent = await run("exec", "jellyfin", "--", "ls");
    assert.deepEqual([silent.code, silent.stdout], [7, ""]);
    assert.match(silent.stderr, /"jellyfin" runs on nuc, which does not answer/);
    nas.containers.made.push(...kept);
  });

  /** A command that runs there until its input ends. */
  async function sleepOnNuc(): Promise<ReturnType<typeof begin>> {
    nuc.containers.script = async (_command, session) => {
      session.say("begun\n");
      await session.readAll();
      return 0;
    };
    const running = begin({ socket: nas.socket }, "exec", "jellyfin", "--", "sleep");
    await until("it runs", () => running.stdout() === "begun\n");
    return running;
  }

  test("a command whose node is lost ends with 7, and says that nobody knows how it goes on", async (t) => {
    const { second } = await meet(t);
    const kept = nas.containers.made.splice(0);
    const running = await sleepOnNuc();
    await second.server?.close();
    const { code, stderr } = await running.done;
    assert.equal(code, 7);
    assert.match(stderr, /whether the command goes on is not known/);
    nas.containers.made.push(...kept);
  });

  test("a command whose node is found Down while it runs ends as well: a lost computer closes no connection", async (t) => {
    await meet(t);
    const kept = nas.containers.made.splice(0);
    const running = await sleepOnNuc();
    nas.setStatus("Membership", "nuc", DOWN);
    const { code, stderr } = await running.done;
    nas.setStatus("Membership", "nuc", READY_NODE);
    nas.containers.made.push(...kept);
    assert.equal(code, 7);
    assert.match(stderr, /whether the command goes on is not known/);
  });

  test("top sums an app over all nodes, and says which of them is missing", async (t) => {
    const { second } = await meet(t);
    const container = { service: "jellyfin", busyCpus: 0.25, usedBytes: 100 * 2 ** 20 };
    nas.load = { ...nas.load, containers: [{ ...container, instance: "jellyfin-aaaa" }] };
    nuc.load = { ...nuc.load, cpus: 2, busyCpus: 1, containers: [{ ...container, instance: "jellyfin-bbbb" }] };
    assert.equal(
      (await run("top", "nodes")).stdout,
      "NAME  CPU  CORES   MEM       APPS\nnas   12%  0.48/4  3Gi/16Gi  1\nnuc   50%  1.00/2  3Gi/16Gi  1\n",
    );
    const services = [
      "NAME             NODE         CPU   MEM",
      "jellyfin         2 instances  0.50  200Mi",
      "  jellyfin-aaaa  nas          0.25  100Mi",
      "  jellyfin-bbbb  nuc          0.25  100Mi",
    ];
    assert.equal((await run("top", "svc")).stdout, `${services.join("\n")}\n`);
    await second.server?.close();
    const { code, stdout, stderr } = await run("top");
    assert.deepEqual([code, stderr], [0, "! nuc is missing here: it does not answer\n"]);
    assert.match(stdout, /nuc {3}- {4}- {7}- {9}-\n$/);
    assert.equal((JSON.parse((await run("top", "services", "-o", "json")).stdout) as readonly unknown[]).length, 1);
    assert.equal((await run("top", "routes")).code, 2);
  });
});
