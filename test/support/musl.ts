// A program that looks names up as those of Alpine do: musl's own resolver, compiled by Debian's musl-gcc, without an Alpine image.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cacheFolder, findCommand } from "../../tools/machine.ts";

/** Prints the addresses of its argument, or fails with 2 as getent does. */
const SOURCE = `#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
int main(int count, char **words) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found, *each;
  if (count != 2 || getaddrinfo(words[1], 0, &hints, &found) != 0) return 2;
  for (each = found; each; each = each->ai_next) {
    char text[INET_ADDRSTRLEN];
    puts(inet_ntop(AF_INET, &((struct sockaddr_in *)each->ai_addr)->sin_addr, text, sizeof text));
  }
  return 0;
}
`;

/** Why there is none here; undefined when there is. */
export function noMusl(): string | undefined {
  return findCommand("musl-gcc") === undefined ? "no musl-gcc (Debian package musl-tools)" : undefined;
}

/** The file of `musl-lookup`, static. */
export function muslLookup(): string {
  const folder = path.join(cacheFolder(), "musl");
  const file = path.join(folder, "musl-lookup");
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.c`, SOURCE);
  execFileSync("musl-gcc", ["-static", "-O1", "-o", file, `${file}.c`]);
  return file;
}
