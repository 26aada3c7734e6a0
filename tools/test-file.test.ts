import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, describe, test } from "node:test";
import { labReason } from "../test/support/lab.ts";
import { isRoot, labsFolder, until } from "./machine.ts";
import { runTestFile } from "./test-file.ts";

const folder = mkdtempSync(path.join(tmpdir(), "test-file-"));
after(() => rmSync(folder, { recursive: true }));

const limitMs = 60_000;

/** The outcomes of a file with these lines, as `outcome name: first words of the reason`. */
async function outcomesOf(lines: string, ms = limitMs): Promise<readonly string[]> {
  const file = path.join(folder, `${Math.random().toString(36).slice(2)}.test.ts`);
  writeFileSync(file, `import assert from "node:assert/strict";\nimport { before, describe, test } from "node:test";\n${lines}\n`);
  const outcomes = await runTestFile(file, ms);
  return outcomes.map(({ outcome, name, reason = "" }) => `${outcome} ${name === file ? "FILE" : name}: ${reason.split("\n")[0]}`);
}

describe("a test file", () => {
  test("counts each test once, under its full name", async () => {
    const lines = `test("a", () => {}); describe("s", () => { test("b", () => {}); test("c", () => assert.fail("bad")); });`;
    assert.deepEqual(await outcomesOf(lines), ["passed a: ", "passed s > b: ", "failed s > c: AssertionError [ERR_ASSERTION]: bad"]);
  });

  test("tells why a test was skipped, and counts a skipped suite", async () => {
    const lines = `test("a", { skip: "no root" }, () => {}); test("b", (t) => t.skip("no Go")); describe("s", { skip: "no lab" }, () => {});`;
    assert.deepEqual(await outcomesOf(lines), ["skipped a: no root", "skipped b: no Go", "skipped s: no lab"]);
  });

  test("fails where a hook of it fails", async () => {
    const lines = `describe("s", () => { before(() => { throw new Error("no host"); }); test("a", () => {}); });`;
    assert.ok((await outcomesOf(lines)).includes("failed s: Error: no host"));
  });

  test("fails when it crashes, also after tests that passed", async () => {
    assert.deepEqual(await outcomesOf("process.exit(3);"), ["failed FILE: the file ended with 3"]);
    assert.ok((await outcomesOf(`test("a", () => {}); test("b", () => process.exit(1));`)).includes("failed FILE: the file ended with 1"));
  });

  test("fails when it has no test", async () => assert.deepEqual(await outcomesOf(""), ["failed FILE: the file has no test"]));

  test("fails when it does not end within its limit", async () => {
    assert.ok(
      (await outcomesOf(`test("a", () => {}); setInterval(() => {}, 1000);`, 2_000)).includes("failed FILE: the file ended with a signal"),
    );
  });

  test("leaves no process, not even one in a session of its own, and no temporary file", async () => {
    const note = path.join(folder, "note.json");
    await outcomesOf(`
      import { spawn } from "node:child_process";
      import { mkdtempSync, writeFileSync } from "node:fs";
      import { tmpdir } from "node:os";
      test("a", () => {
        const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
        child.unref();
        writeFileSync(${JSON.stringify(note)}, JSON.stringify({ pid: child.pid, folder: mkdtempSync(tmpdir() + "/left-") }));
      });`);
    const left = ((await import(note, { with: { type: "json" } })) as { default: { pid: number; folder: string } }).default; // written above
    assert.ok(await until(() => !isRunning(left.pid), limitMs), "the process goes on");
    assert.equal(existsSync(left.folder), false);
  });

  test("leaves no bridge of its Docker", { skip: isRoot ? false : "needs root to make one" }, async () => {
    const name = `ft${process.pid}x`;
    const made = path.join(folder, "bridge");
    await outcomesOf(`
      import { execFileSync } from "node:child_process";
      import { writeFileSync } from "node:fs";
      import { noteBridge } from ${JSON.stringify(path.join(import.meta.dirname, "bridges.ts"))};
      test("a", () => {
        noteBridge("${name}");
        execFileSync("ip", ["link", "add", "${name}", "type", "bridge"]);
        writeFileSync(${JSON.stringify(made)}, "");
        process.kill(process.pid, "SIGKILL");
      });`);
    assert.ok(existsSync(made));
    assert.equal(existsSync(`/sys/class/net/${name}`), false);
  });

  test("fails when its lab cannot be taken down, and says why", { skip: labReason() ?? false }, async (t) => {
    const note = path.join(folder, "lab");
    const failed = await outcomesOf(`
      import { mkdirSync, writeFileSync } from "node:fs";
      test("a", () => {
        const noLab = ${JSON.stringify(labsFolder)} + "/" + process.env["LAB_NAME"];
        mkdirSync(${JSON.stringify(labsFolder)}, { recursive: true });
        writeFileSync(noLab, "");
        writeFileSync(${JSON.stringify(note)}, noLab);
      });`);
    t.after(() => rmSync(readFileSync(note, "utf8")));
    assert.deepEqual(failed, ["passed a: ", "failed FILE: its lab could not be taken down"]);
  });
});

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`);
}
