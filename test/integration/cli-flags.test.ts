// Flags that go with every verb, and those that say where to look: word by word.
import assert from "node:assert/strict";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { FILES, READY_NODE, readyService, WHOAMI } from "../support/transcript-statuses.ts";

let house: TranscriptHouse;

before(async () => {
  house = await TranscriptHouse.start();
  house.setStatus("Membership", "nas", READY_NODE);
  await run("apply", "-f", "jellyfin.yaml");
  house.setStatus("Service", "jellyfin", readyService());
  house.containers.print(house.containers.add("jellyfin", "k3f9", "jellyfin"), "2026-01-01T00:00:01.000000000Z one");
});
after(() => house.close());

function run(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES }, ...argv);
}

function onTerminal(...argv: readonly string[]): Promise<Outcome> {
  return fossora({ socket: house.socket, files: FILES, tty: true, stdin: "services\ny\n", env: { NO_COLOR: "1" } }, ...argv);
}

describe("--no-input", () => {
  test("lets a terminal be asked nothing, and names the flag that answers", async () => {
    expectOutcome(await onTerminal("delete", "services", "--all", "--no-input"), {
      code: 2,
      stderr:
        'error: Nothing was deleted: service/jellyfin would go, and --confirm does not say "services".\nnext:  the same with --confirm=services, or first with --dry-run\n',
    });
    expectOutcome(await onTerminal("--no-input", "hash-password"), {
      code: 2,
      stderr:
        'error: Cannot hash: nothing is piped in, and --no-input lets nobody be asked.\nnext:  printf %s "$PASSWORD" | fossora hash-password\n',
    });
  });

  test("of --prune means that --yes is missing", async () => {
    const labelled = (name: string) => WHOAMI.replace("name: whoami", `name: ${name}, labels: { set: prune }`);
    const files = { "set/one.yaml": labelled("one"), "two.yaml": labelled("two") };
    await fossora({ socket: house.socket, files }, "apply", "-f", "set", "-f", "two.yaml");
    const words = ["apply", "-f", "set", "--prune", "-l", "set=prune", "--no-wait", "--no-input"];
    expectOutcome(await fossora({ socket: house.socket, files, tty: true, stdin: "y\n", env: { NO_COLOR: "1" } }, ...words), {
      code: 2,
      stdout: "service/one unchanged\n",
      stderr:
        "error: Nothing was deleted: service/two is in no file any more, and nobody can be asked.\nnext:  the same with --yes, or first with --dry-run\n",
    });
    await run("delete", "svc/one", "svc/two");
  });
});

describe("-v", () => {
  test("shows each request, its answer and how long it took, beside what is printed", async () => {
    expectOutcome(await run("get", "svc,nodes", "-o", "name", "-v"), {
      stdout: "service/jellyfin\nnode/nas\n",
      stderr: "GET /api/v1/services  200  0 ms\nGET /api/v1/nodes  200  0 ms\n",
    });
    expectOutcome(await run("-v", "get", "svc", "-l", "a in (b,c)", "-o", "name"), {
      stderr: "GET /api/v1/services?labelSelector=a+in+%28b%2Cc%29  200  0 ms\n",
    });
    expectOutcome(await run("logs", "jellyfin", "-v"), { stdout: "one\n", stderr: "GET /api/v1/services/jellyfin/logs  200  0 ms\n" });
    assert.match(
      (await run("exec", "-v", "jellyfin", "--", "ls")).stderr,
      /^POST \/api\/v1\/services\/jellyfin\/exec\?command=ls {2}101 {2}0 ms\n/,
    );
    assert.equal((await run("exec", "jellyfin", "--", "ls", "-v")).stderr, "", "that one is of ls");
  });

  test("shows what was refused, and what nobody answered", async () => {
    expectOutcome(await run("describe", "svc/nobody", "-v"), {
      code: 4,
      stderr:
        "GET /api/v1/services/nobody/describe  404  0 ms\nerror: Cannot show service/nobody: there is none of that name.\nnext:  fossora get services\n",
    });
    const unanswered = await fossora({ socket: "/nonexistent/fossora.sock" }, "status", "-v");
    assert.match(unanswered.stderr, /^GET \/api\/v1\/status {2}no answer {2}0 ms\nerror: Cannot reach the node/);
  });

  test("draws no block over its lines", async () => {
    const { stderr } = await onTerminal("apply", "-f", "jellyfin.yaml", "-v");
    assert.match(stderr, /^PATCH \/api\/v1\?manager=cli {2}200 {2}0 ms\n/);
    assert.doesNotMatch(stderr, /\u001b/);
  });
});

describe("logs --node", () => {
  test("shows what runs there, and says which nodes there are not", async () => {
    expectOutcome(await run("logs", "jellyfin", "--node", "nas"), { stdout: "one\n" });
    expectOutcome(await run("logs", "jellyfin", "--node", "nsa"), {
      code: 4,
      stderr: 'error: Cannot show logs: there is no node "nsa".\nnext:  fossora get nodes\n',
    });
    await fossora(
      { socket: house.socket, stdin: "apiVersion: fossora.dev/v1\nkind: Membership\nmetadata: { name: pi4 }\nspec: {}\n" },
      "apply",
      "-f",
      "-",
    );
    expectOutcome(await run("logs", "jellyfin", "--node", "pi4"), {
      code: 4,
      stderr: "error: Cannot show logs: pi4 has not joined the house yet.\nnext:  fossora get nodes\n",
    });
  });
});

describe("delete -f", () => {
  test("reads what an address gives, as its help says", async () => {
    assert.match((await run("delete", "--help")).stdout, /-f, --filename <file\|folder\|URL\|->/);
    const server = http.createServer((_request, response) => void response.end(WHOAMI));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/whoami.yaml`; // it listens on TCP
    try {
      await run("apply", "-f", at);
      expectOutcome(await run("delete", "-f", at, "-q"), { stdout: "service/whoami deleted\n" });
      assert.equal((await run("get", "svc/whoami")).code, 4);
    } finally {
      server.close();
    }
    const gone = await run("delete", "-f", at);
    assert.deepEqual([gone.code, gone.stdout], [1, ""]);
    assert.match(gone.stderr, /^error: Cannot fetch .*\nnext: {2}curl -fL /);
  });
});

describe("logs --since", () => {
  test("refuses what is neither a duration nor a date", async () => {
    for (const since of ["10", "2026", "yesterday 10", "2026-01-31x", "2026-13-01"]) {
      const { code, stderr } = await run("logs", "jellyfin", "--since", since);
      assert.equal(code, 2, since);
      assert.match(stderr, /It should look like 1h, or 2026-01-31T12:00:00Z\./, since);
    }
    for (const since of ["10m", "2026-01-31", "2026-01-31 12:00", "2026-01-31T12:00:00+01:00"])
      assert.equal((await run("logs", "jellyfin", "--since", since)).code, 0, since);
  });
});
