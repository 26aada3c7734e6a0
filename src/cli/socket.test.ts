import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { findSocket, socketCandidates } from "./socket.ts";

test("the environment's word comes first, then the system's socket, then the user's own", () => {
  assert.deepEqual(socketCandidates({ FOSSORA_SOCKET: "/x.sock", XDG_RUNTIME_DIR: "/run/user/7" }, 7), ["/x.sock"]);
  assert.deepEqual(socketCandidates({ XDG_RUNTIME_DIR: "/run/user/7" }, 7), [
    "/run/fossora/fossora.sock",
    "/run/user/7/fossora/fossora.sock",
    `${tmpdir()}/fossora-7/fossora.sock`,
  ]);
});

test("where none is there, the message names the first", () => {
  assert.equal(findSocket({ FOSSORA_SOCKET: "/nonexistent/x.sock" }), "/nonexistent/x.sock");
});
