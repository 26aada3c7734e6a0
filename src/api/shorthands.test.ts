import assert from "node:assert/strict";
import { test } from "node:test";
import { expandShorthand } from "./shorthands.ts";
import { nodeOf, plainValue } from "./yaml-node.ts";

function expand(name: string, value: unknown): unknown {
  const expansion = expandShorthand(name, nodeOf(value, { start: 0, end: 1 }));
  if (expansion === undefined) return undefined;
  return "message" in expansion ? expansion.message : plainValue(expansion.node);
}

const long: readonly (readonly [string, unknown, unknown])[] = [
  ["port", 8096, { port: 8096 }],
  ["port", "web:8000", { container: "web", port: 8000 }],
  ["port", "web", undefined],
  ["listen", 25_565, { port: 25_565 }],
  ["listen", "51820/udp", { port: 51_820, protocol: "udp" }],
  ["listen", "8000-8010/udp", { port: 8000, endPort: 8010, protocol: "udp" }],
  ["listen", "53:dns:5353/udp", { port: 53, protocol: "udp", container: "dns", targetPort: 5353 }],
  ["listen", "8080:80", { port: 8080, targetPort: 80 }],
  [
    "listen",
    "192.168.1.10:1883:broker:1884/tcp",
    { port: 1883, protocol: "tcp", address: "192.168.1.10", container: "broker", targetPort: 1884 },
  ],
  ["listen", "[fd00::1]:1883", { port: 1883, address: "fd00::1" }],
  ["listen", "8000-8010:9000-9009", "must have as many ports inside as outside"],
  ["listen", "1883/sctp", undefined],
  ["port-range", "1883/tcp", { port: 1883, protocol: "tcp" }],
  ["volume", "config:/config", { type: "volume", name: "config", path: "/config", readOnly: false }],
  ["volume", "volume/media:/media:ro", { type: "shared", name: "media", path: "/media", readOnly: true }],
  ["volume", "host:/a:/b", { type: "host", source: "/a", path: "/b", readOnly: false }],
  ["volume", "nas:/tank/films:/films:ro", { type: "node", node: "nas", source: "/tank/films", path: "/films", readOnly: true }],
  ["volume", "config", undefined],
  ["volume", "a:/b:/c:/d", undefined],
  ["tmpfs", "/tmp", { path: "/tmp" }],
  ["tmpfs", "/tmp:size=64m,mode=1777", { path: "/tmp", size: "64m", mode: "1777" }],
  ["tmpfs", "/tmp:noexec", undefined],
  ["device", "gpu", { class: "gpu" }],
  ["device", "/dev/ttyUSB0:/dev/ttyACM0", { class: "/dev/ttyUSB0", path: "/dev/ttyACM0" }],
  ["device", "/dev/net/tun:/dev/net/tun:rwm", { class: "/dev/net/tun", path: "/dev/net/tun" }],
  ["target", "service/mosquitto:1883", { service: "mosquitto", port: 1883 }],
  ["target", "service/x/web", { service: "x", container: "web" }],
  ["target", "https://192.168.1.1", { url: "https://192.168.1.1" }],
  ["target", "mosquitto", undefined],
  ["words", 'sh -c \'echo "a b"\' x\\ y ""', ["sh", "-c", 'echo "a b"', "x y", ""]],
  ["words", "echo 'open", "has a quotation mark that is never closed"],
  ["shell", "pg_isready || exit 1", ["/bin/sh", "-c", "pg_isready || exit 1"]],
  ["pairs", ["A=1", "B=x=y", "printer:192.168.1.40"], { A: "1", B: "x=y", printer: "192.168.1.40" }],
  ["pairs", ["A"], "must be a list of 'NAME=VALUE', or a mapping"],
  ["pairs", ["A=1", "A=2"], "must not name 'A' twice"],
  ["redirect", "https://a/", { to: "https://a/" }],
  ["ulimit", 1024, { soft: 1024, hard: 1024 }],
  ["list", "lan", ["lan"]],
];

for (const [name, written, expected] of long) {
  test(`${name}: ${JSON.stringify(written)} is ${expected === undefined ? "nothing" : JSON.stringify(expected)}`, () => {
    assert.deepEqual(expand(name, written), expected);
  });
}

test("a path without an owner is answered with how to write it", () => {
  assert.match(String(expand("volume", "/srv/films:/films:ro")), /try 'host:\/srv\/films:\/films:ro'/);
  assert.match(String(expand("volume", "./data:/data")), /whose folder '\.\/data' is/);
  assert.match(String(expand("volume", "host:/etc/localtime")), /try 'host:\/etc\/localtime:\/etc\/localtime'/);
});

test("a shorthand of a newer release is nothing", () => {
  assert.equal(expand("toString", "x"), undefined);
});
