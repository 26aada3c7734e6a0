// The unix socket of the API: for root and the group `fossora` alone, and never two agents behind one path.
import { chmodSync, chownSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { UserError } from "../api/errors.ts";
import type { ApiServer } from "../server/server.ts";
import { readIfThere } from "./files.ts";
import { socketGroup } from "./install.ts";
import { isRoot } from "./settings.ts";

/** Answers what closes it. Throws UserError when somebody answers there already. */
export async function openSocket(server: ApiServer, file: string): Promise<() => Promise<void>> {
  if (await answers(file))
    throw new UserError(`Cannot listen at ${file}: another agent answers there. \`fossora status\` asks it; \`fossora down\` stops it.`);
  rmSync(file, { force: true });
  const before = process.umask(0o177); // nobody else may connect between bind and chmod
  try {
    await server.listen(file);
  } finally {
    process.umask(before);
  }
  const group = groupId(socketGroup);
  if (isRoot() && group !== undefined) chownSync(file, 0, group);
  chmodSync(file, 0o660);
  return () => server.close();
}

function answers(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(file);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function groupId(name: string): number | undefined {
  const line = (readIfThere("/etc/group") ?? "").split("\n").find((each) => each.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(":")[2]);
}
