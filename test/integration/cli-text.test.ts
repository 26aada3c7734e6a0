// What `apply` says of files that are no text.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { WHOAMI } from "../support/transcript-statuses.ts";
import { expectOutcome, fossora } from "../support/transcript.ts";

let house: TranscriptHouse;
before(async () => {
  house = await TranscriptHouse.start();
});
after(() => house.close());

test("what is no UTF-8 text is refused with what to do, and nothing of it is applied", async () => {
  const latin = Buffer.from(WHOAMI.replace("image:", "# gr\u00fcn\n  image:"), "latin1");
  const files = {
    "latin.yaml": latin,
    "logo.yaml": WHOAMI.replace("port: 80", "port: 80, files: [{ path: /logo.png, source: ./logo.png }]"),
    "logo.png": Uint8Array.of(0x89, 0x50, 0x4e, 0x47),
  };
  const applied = (file: string, stdin?: Uint8Array) =>
    fossora({ socket: house.socket, files, ...(stdin && { stdin }) }, "apply", "-f", file, "--no-wait");
  expectOutcome(await applied("latin.yaml"), {
    code: 2,
    stderr: 'error: Cannot read "latin.yaml": it is not UTF-8 text.\nnext:  iconv -f WINDOWS-1252 -t UTF-8 latin.yaml\n',
  });
  const logo = await applied("logo.yaml");
  assert.equal(logo.code, 2);
  assert.match(logo.stderr, /error: Cannot read "logo.png": it is not UTF-8 text.\nnext: {2}mount it from a folder instead/);
  expectOutcome(await applied("-", latin), {
    code: 2,
    stderr: "error: Cannot read what is piped in: it is not UTF-8 text.\nnext:  fossora apply --help\n",
  });
});
