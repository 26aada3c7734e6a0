// A law of the CLI: whatever fails ends with the next thing to type. Each verb is driven with words that mean nothing, and with nodes that
// are not there, break off, or answer nonsense.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { NodeCommands } from "../../src/cli/node-commands.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import type { DnsProbe } from "../../src/ports.ts";
import { expectOutcome, fossora, type Outcome } from "../support/transcript.ts";
import { FILES } from "../support/transcript-statuses.ts";

interface Words {
  /** Right ones; `true`: with them it needs a node. */
  readonly right: readonly (readonly [boolean, ...string[]])[];
  /** Besides an option and arguments that no verb has. */
  readonly wrong: readonly (readonly string[])[];
}

const NODE_WORDS: Words = {
  right: [],
  wrong: [
    ["--dns-port", "x"],
    ["--mdns", "perhaps"],
    ["--log-level", "loud"],
  ],
};

const WORDS: Readonly<Record<string, Words>> = {
  up: { ...NODE_WORDS, wrong: [...NODE_WORDS.wrong, ["--timeout", "soon"]] },
  down: { right: [], wrong: [] },
  takeover: { right: [[true], [true, "--yes"]], wrong: [["--nothing"]] },
  uninstall: { right: [], wrong: [] },
  agent: NODE_WORDS,
  supervise: NODE_WORDS,
  invite: { right: [[true], [true, "-q"]], wrong: [["-o", "table"], ["one"]] },
  join: {
    ...NODE_WORDS,
    wrong: [...NODE_WORDS.wrong, [], ["fsr1.a.b.c", "fsr1.a.b.c"], ["192.168.1.10", "--timeout", "soon"]],
  },
  leave: { right: [[true, "--confirm=nas"]], wrong: [["nas"]] },
  drill: {
    right: [
      [true, "nas"],
      [true, "nas", "-o", "json"],
    ],
    wrong: [[], ["nas", "-o", "yaml"]],
  },
  rollout: {
    right: [
      [true, "status", "svc/jellyfin"],
      [true, "pause", "svc/jellyfin"],
      [true, "resume", "jellyfin"],
      [true, "restart", "svc", "jellyfin", "--wait"],
      [true, "undo", "svc/jellyfin", "--to", "1"],
      [true, "history", "svc/jellyfin"],
    ],
    wrong: [
      ["begin"],
      ["pause"],
      ["pause", "node/nas"],
      ["undo", "svc/jellyfin", "--to", "one"],
      ["status", "jellyfin", "--timeout", "soon"],
    ],
  },
  top: {
    right: [[true], [true, "nodes"], [true, "svc", "-o", "json"]],
    wrong: [["routes"], ["nodes", "svc"], ["-o", "table"]],
  },
  rebalance: { right: [[true], [true, "--dry-run"]], wrong: [["nas"], ["--timeout", "soon"]] },
  stopping: { right: [[true], [true, "--within", "1s"], [true, "--cancel"]], wrong: [["nas"], ["--within", "soon"]] },
  node: {
    right: [
      [true, "ls"],
      [true, "describe", "nas"],
      [true, "label", "nas", "disk=big"],
      [true, "cordon", "nas"],
      [true, "drain", "nas", "--yes"],
      [true, "uncordon", "nas"],
      [true, "approve"],
      [true, "approve", "pi4"],
      [true, "remove", "pi4", "--confirm=pi4"],
      [true, "replace", "pi4"],
    ],
    wrong: [
      ["nothing"],
      ["label", "nas"],
      ["label", "nas", "disk"],
      ["describe"],
      ["cordon"],
      ["drain"],
      ["drain", "nas"],
      ["remove"],
      ["remove", "pi4"],
      ["remove", "pi4", "--confirm=nas"],
      ["replace"],
    ],
  },
  apply: {
    right: [
      [true, "-f", "whoami.yaml"],
      [true, "-f", "apps", "--dry-run"],
      [true, "-f", "whoami.yaml", "--prune", "-l", "a=b"],
      [false, "-f", "whoami.yaml", "--dry-run=client"],
    ],
    wrong: [
      [],
      ["-f"],
      ["-f", "nowhere"],
      ["-f", "bad.yaml", "--dry-run=client"],
      ["-f", "apps/readme.md", "--dry-run=client"],
      ["-f", "whoami.yaml", "--dry-run=perhaps"],
      ["-f", "whoami.yaml", "--prune"],
      ["-f", "whoami.yaml", "-l", "a=b"],
      ["-f", "whoami.yaml", "--detailed-exitcode"],
      ["-f", "whoami.yaml", "-o", "table"],
      ["-f", "http://127.0.0.1:1/app.yaml"],
    ],
  },
  delete: {
    right: [
      [true, "svc/a"],
      [true, "-f", "whoami.yaml"],
      [true, "svc", "--all"],
      [true, "svc/a", "svc/b", "--wait", "--timeout", "300ms"],
    ],
    wrong: [[], ["svc"], ["svc/a/b"], ["nothing/a"], ["--all"], ["-f", "nowhere"], ["svc/a", "--timeout", "x"]],
  },
  logs: {
    right: [
      [true, "a"],
      [true, "--all"],
      [true, "-l", "a=b"],
      [true, "a", "-f"],
    ],
    wrong: [[], ["node/nas"], ["a", "--all"], ["a", "-f", "-p"], ["a", "-n", "x"], ["a", "--since", "x"], ["a", "-o", "yaml"]],
  },
  exec: { right: [[true, "a", "--", "ls"]], wrong: [[], ["a"], ["node/nas", "--", "ls"]] },
  wait: {
    right: [[true, "svc/a", "--timeout", "300ms"]],
    wrong: [[], ["svc"], ["svc/a", "--for", "x"], ["svc/a", "--timeout", "x"], ["svc/a", "--for", "jsonpath={x"]],
  },
  status: { right: [[true], [true, "-o", "json"]], wrong: [["-o", "table"]] },
  get: {
    right: [
      [true, "all"],
      [true, "svc/a"],
      [true, "svc", "-w"],
      [true, "svc", "a", "b"],
    ],
    wrong: [[], ["nothing"], ["svc/"], ["svc,node", "a"], ["svc", "-o", "table"], ["svc", "-o", "jsonpath={x"]],
  },
  describe: { right: [[true, "svc/a"]], wrong: [[], ["svc"], ["nothing/a"], ["svc/a", "-o", "table"]] },
  dns: {
    right: [
      [true, "check"],
      [true, "setup", "router"],
    ],
    wrong: [["nothing"], ["setup", "nothing"], ["check", "--nothing"]],
  },
  events: {
    right: [[true], [true, "-w"], [true, "--for", "svc/a"]],
    wrong: [
      ["--for", "a"],
      ["-o", "table"],
    ],
  },
  explain: {
    right: [
      [false, "svc"],
      [true, "placement", "svc/a"],
    ],
    wrong: [[], ["nothing"], ["svc.spec.nothing"], ["placement"], ["placement", "node/a"], ["svc", "a"]],
  },
  "api-resources": { right: [[false]], wrong: [["-o", "table"]] },
  "hash-password": { right: [], wrong: [[]] },
  completion: { right: [], wrong: [[], ["tcsh"]] },
  // Says nothing where it knows nothing: it is a shell that asks.
  complete: { right: [], wrong: [] },
  version: { right: [[false, "--client"]], wrong: [["-o", "table"]] },
};

function expectNext({ code, stderr }: Outcome, what: string): void {
  assert.notEqual(code, 0, what);
  assert.match(stderr, /(?:^|\n)next: {2}\S[^\n]*\n$/, `${what}\n${stderr}`);
}

/** A computer that knows no name and is on no network. */
const silence = (): Promise<never> => Promise.reject(new Error("no answer"));
const dns: DnsProbe = {
  ask: silence,
  lookup: silence,
  askLocal: silence,
  splitDns: () => Promise.resolve(undefined),
  nameServers: () => [],
  platform: "linux",
};

const run = (socket: string, ...argv: readonly string[]): Promise<Outcome> => fossora({ socket, files: FILES, stdin: "", dns }, ...argv);

test("a path that one may not look at is named, with what shows whose it is", async () => {
  const apply = (forbidden: string) =>
    fossora({ socket: "/nowhere", files: FILES, forbidden }, "apply", "-R", "-f", "apps", "--dry-run=client");
  for (const [forbidden, call, path] of [
    ["apps", "stat", "apps"],
    ["apps/", "scandir", "apps"],
    ["apps/more", "stat", "apps/more"],
  ] as const)
    expectOutcome(await apply(forbidden), {
      code: 2,
      stderr: `error: Cannot read "${path}": EACCES: permission denied, ${call} '${forbidden}'\nnext:  ls -ld ${path}\n`,
    });
});

describe("words that mean nothing end with what to type", () => {
  test("every verb is tried", () => assert.deepEqual(VERBS.map(({ name }) => name).sort(), Object.keys(WORDS).sort()));

  for (const [verb, { wrong }] of Object.entries(WORDS).filter(([name]) => name !== "complete"))
    test(`of ${verb}`, async () => {
      for (const words of [["--nonsense"], ...wrong]) expectNext(await run("/nonexistent", verb, ...words), [verb, ...words].join(" "));
    });

  test("and so do what a node's own side says, and words that are no verb", async () => {
    const refuse = (): Promise<number> => Promise.reject(Object.assign(new Error("Cannot: it is so."), { name: "UserError" }));
    const node: NodeCommands = { agent: refuse, up: refuse, down: refuse, uninstall: refuse, supervise: refuse };
    for (const verb of Object.keys(node)) expectNext(await fossora({ socket: "/nonexistent", node }, verb), verb);
    for (const words of [["nonsense"], ["--nonsense"], ["--quiet"]]) expectNext(await run("/nonexistent", ...words), words.join(" "));
  });
});

/** Nodes that are none, by what they do to whoever calls. */
const CALLS: Readonly<Record<string, (socket: Socket) => void>> = {
  "breaks off": (socket) => void socket.destroy(),
  "speaks no HTTP": (socket) => void socket.end("220 mail.example.com ESMTP\r\n"),
  "fails in words of its own": (socket) => void socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 4\r\n\r\noops"),
  "breaks off in the middle": (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"items":['),
  "answers nothing": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
  "answers what is no JSON": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"),
};

describe("a node that does not answer ends with what to type", () => {
  const directory = mkdtempSync(path.join(tmpdir(), "fossora-dead-"));
  const servers: Server[] = [];
  const sockets = new Map([["is not there", path.join(directory, "none.sock")]]);

  before(async () => {
    const file = path.join(directory, "file.sock");
    writeFileSync(file, "");
    sockets.set("is a file", file);
    for (const [what, act] of Object.entries(CALLS)) {
      const server = createServer((socket) => {
        socket.on("error", () => undefined).once("data", () => act(socket));
      });
      const at = path.join(directory, `${servers.push(server)}.sock`);
      await new Promise<void>((resolve) => server.listen(at, resolve));
      sockets.set(what, at);
    }
  });
  after(() => {
    for (const server of servers) server.close();
    rmSync(directory, { recursive: true, force: true });
  });

  for (const [verb, { right }] of Object.entries(WORDS).filter(([, words]) => words.right.length > 0))
    test(`of ${verb}`, { timeout: 60_000 }, async () => {
      for (const [needsNode, ...words] of right)
        for (const [what, socket] of sockets) {
          if (verb === "logs" && what === "answers nothing") continue; // as of an app that prints nothing
          const outcome = await run(socket, verb, ...words);
          const asked = `${[verb, ...words].join(" ")}, where the node ${what}`;
          if (needsNode) expectNext(outcome, asked);
          else assert.equal(outcome.code, 0, asked);
        }
    });
});
