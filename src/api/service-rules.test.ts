import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifests } from "./manifest.ts";
import { whyNotTwice, whySeveralMayHarm, rootReasons, secretsOf } from "./service-rules.ts";
import type { ServiceSpec } from "./types.ts";

function parse(spec: string): ReturnType<typeof parseManifests> {
  return parseManifests([{ file: "a.yaml", text: `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: app }\nspec: ${spec}` }]);
}

function specOf(text: string): ServiceSpec {
  const object = parse(text).manifests[0]?.object;
  assert.ok(object?.kind === "Service", text);
  return object.spec;
}

const two = (a: string, b: string, more = ""): string =>
  `{ containers: [{ name: a, image: "a:1", ${a} }, { name: b, image: "b:1", ${b} }]${more} }`;

const refusals: readonly (readonly [string, string])[] = [
  [
    '{ containers: [{ name: a, image: "a:1" }, { name: a, image: "b:1" }] }',
    "spec.containers[1].name: there is a container 'a' already: names are there once",
  ],
  [two("after: [bb]", ""), "spec.containers[0].after[0]: unknown container 'bb': did you mean 'b'?"],
  [two("after: [database]", ""), "spec.containers[0].after[0]: unknown container 'database': there is 'a', 'b'"],
  [two("after: [a]", ""), "spec.containers[0].after[0]: must name another container: it cannot wait for itself"],
  ['{ image: "a:1", after: [db, app] }', "spec.after[1]: must name another Service: it cannot wait for itself"],
  [two("after: [b]", "after: [a]"), "spec.containers[0].after: must not go in a circle: a waits for b waits for a"],
  [two("network: container:c", ""), "spec.containers[0].network: unknown container 'c': did you mean 'a'?"],
  [two("network: container:a", ""), "spec.containers[0].network: must name another container: it cannot share its own network"],
  [
    two("network: container:b", "network: container:a").replace("}]", '}, { name: c, image: "c:1" }]'),
    "spec.containers[0].network: must name the container that has the network: 'b' shares that of 'a' itself",
  ],
  [two("", "", ", port: c:80"), "spec.port: unknown container 'c': did you mean 'a'?"],
  [two("", "", ", port: 80"), "spec.port: must say which container it is of: try 'web:80'"],
  [two("", "", ', port: a:80, routes: [{ port: "x:1" }]'), "spec.routes[0].port: unknown container 'x': did you mean 'a'?"],
  ['{ image: "a:1", port: 80, routes: [{ host: node }] }', "spec.routes[0].host: 'node' is a name of the house's own: take another"],
  ['{ image: "a:1", port: 80, routes: [{}, { host: app }] }', "spec.routes[1]: 'app/' leads somewhere already"],
  ['{ image: "a:1", port: 80, routes: [{ path: /a }, { path: /%61/ }] }', "spec.routes[1]: 'app/a' leads somewhere already"],
  ['{ image: "a:1", routes: [{}] }', "spec.routes[0].port: must say which port it leads to, here or in 'spec.port'"],
  [
    '{ image: "a:1", listen: [443] }',
    "spec.listen[0]: cannot listen on 443: every name shares it: say 'port: NUMBER', or lead a Route there with 'host' and 'tls: passthrough'",
  ],
  ['{ image: "a:1", listen: [8010-8000] }', "spec.listen[0]: must go up: 8000 comes before 8010"],
  ['{ image: "a:1", listen: [{ port: 1000, endPort: 1010, targetPort: 65530 }] }', "spec.listen[0]: must end at port 65535 inside, too"],
  ['{ image: "a:1", listen: [8000-8010, 8005] }', "spec.listen[1]: port 8005/tcp is listened on already"],
  ['{ image: "a:1", health: { http: / } }', "spec.health: must say which port to ask on: try 'port: 8080' beside 'http'"],
  ['{ image: "a:1", volumes: [a:/x, b:/x] }', "spec.volumes[1]: something is mounted at '/x' already"],
  [
    '{ image: "a:1", volumes: [c:/c], update: { order: start-first } }',
    "spec.update.order: cannot be 'start-first': 'c:/c' may be written by one instance at a time; leave it out, or write 'stop-first'",
  ],
  [
    '{ image: "a:1", network: host, update: { order: start-first } }',
    "spec.update.order: cannot be 'start-first': two instances cannot both have the ports of the host's network; leave it out, or write 'stop-first'",
  ],
  [
    '{ image: "a:1", containers: [{ name: a, image: "a:1" }] }',
    "spec.image: belongs to a container: move 'image' into one of 'containers'",
  ],
  [
    '{ image: "a:1", readOnly: true, files: [{ path: /a, content: b }] }',
    "spec.files: cannot go with 'readOnly': Docker writes no file into such a container; mount them from a folder instead",
  ],
  ["{ port: 80 }", "spec.image: must have 'image'"],
  ['{ image: "a:1", env: { A: "x\\0y" } }', "spec.env.A: must be text without the character NUL, not 'x\\0y'"],
  ['{ image: "a:1", env: ["A=x\\0y"] }', "spec.env.A: must be text without the character NUL, not 'x\\0y'"],
  ['{ image: "a:1", command: [a, "x\\0y"] }', "spec.command[1]: must be text without the character NUL, not 'x\\0y'"],
  ['{ image: "a:1", entrypoint: "x\\0y" }', "spec.entrypoint[0]: must be text without the character NUL, not 'x\\0y'"],
  ['{ image: "a:1", health: { tcp: 80, interval: 0s } }', "spec.health.interval: must be 100ms or more, not '0s'"],
  ['{ image: "a:1", health: { http: /, port: 80, timeout: "0" } }', "spec.health.timeout: must be 1ms or more, not '0'"],
  ['{ image: "a:1", health: { command: [a], timeout: 0.4ms } }', "spec.health.timeout: must be 1ms or more, not '0.4ms'"],
  ['{ image: "a:1", health: { tcp: 80, timeout: 50d } }', "spec.health.timeout: must be 24d or less, not '50d'"],
  ['{ image: "a:1", stopGrace: 24d1ms }', "spec.stopGrace: must be 24d or less, not '24d1ms'"],
];

for (const [text, expected] of refusals) {
  test(`refuses ${text}`, () =>
    assert.deepEqual(
      parse(text)
        .problems.map(({ field, message }) => `${field}: ${message}`)
        .slice(0, 1),
      [expected],
    ));
}

const many = (count: number, more = ""): string =>
  `{ containers: [${Array.from({ length: count }, (_, index) => `{ name: c${index}, image: "a:1" }`).join(", ")}${more}] }`;

test("refuses more containers than a private network has addresses", () => {
  assert.deepEqual(
    parse(many(14)).problems.map(({ field, message }) => `${field}: ${message}`),
    [
      "spec.containers: must have 13 containers at most with a network address of their own, has 14: make two Services of them, or let some share a network with 'network: container:NAME'",
    ],
  );
});

const accepted: readonly string[] = [
  many(13, ', { name: d, image: "a:1", network: container:c0 }, { name: e, image: "a:1", network: host }'),
  two("after: [b]", "run: once"),
  two("after: [b]", "", ", after: [b, db]"),
  two("network: container:b", "devices: [/dev/net/tun], capAdd: [NET_ADMIN]", ", port: b:80"),
  '{ image: "a:1", volumes: ["c:/c:ro"], update: { order: start-first } }',
  '{ image: "a:1", listen: [8000/tcp, 8000/udp, "192.168.1.5:8000"] }',
  '{ image: "a:1", port: 80, health: { http: / } }',
  '{ image: "a:1", stopGrace: 24d, health: { tcp: 80, interval: 100ms, timeout: 1ms, startGrace: 0s } }',
  '{ image: "registry.local:5000/a/b_c:v1.2@sha256:' + "0".repeat(64) + '" }',
];

for (const text of accepted) test(`accepts ${text}`, () => assert.deepEqual(parse(text).problems, []));

test("a long chain of after is no circle, and is looked at once", () => {
  const containers = Array.from(
    { length: 32 },
    (_, index) =>
      `{ name: c${index}, image: "a:1", network: ${index === 0 ? "default" : "container:c0"}, after: [${Array.from({ length: index }, (_unused, before) => `c${before}`).join(", ")}] }`,
  );
  assert.deepEqual(parse(`{ containers: [${containers.join(", ")}] }`).problems, []);
});

test("what is written, a device, the host's network and a fixed address run once", () => {
  assert.match(whyNotTwice(specOf('{ image: "a:1", volumes: [nas:/a:/b] }')) ?? "", /'nas:\/a:\/b'/);
  assert.match(whyNotTwice(specOf('{ image: "a:1", devices: [gpu] }')) ?? "", /'gpu'/);
  assert.match(whyNotTwice(specOf('{ image: "a:1", macAddress: "02:42:ac:11:00:02" }')) ?? "", /02:42/);
  assert.equal(whyNotTwice(specOf('{ image: "a:1", volumes: ["host:/a:/b:ro"] }')), undefined);
});

test("what `engine` mounts, publishes or takes runs once, too", () => {
  const why = (options: string) => whyNotTwice(specOf(`{ image: "a:1", engine: { HostConfig: { ${options} } } }`));
  assert.equal(why('Binds: ["/srv/db:/data"]'), "'/srv/db:/data' may be written by one instance at a time");
  assert.equal(why("Mounts: [{ Type: volume, Source: db, Target: /data }]"), "'db:/data' may be written by one instance at a time");
  assert.equal(why('PortBindings: { 80/tcp: [{ HostPort: "8080" }] }'), "two instances cannot both have the host's port 8080");
  assert.equal(why("Devices: [{ PathOnHost: /dev/ttyACM0 }]"), "the device '/dev/ttyACM0' belongs to one instance at a time");
  assert.equal(why("NetworkMode: host"), "two instances cannot both have the ports of the host's network");
  assert.equal(why('OomScoreAdj: 100, Binds: ["/etc/localtime:/etc/localtime:ro"]'), undefined);
});

test("several of what must not run twice are wished for, and said to do harm", () => {
  const why = (written: string) => whySeveralMayHarm(specOf(`{ image: "a:1", ${written} }`));
  assert.equal(
    why("replicas: 2, volumes: [pg:/data]"),
    "is to run 2 times at once, as 'replicas' says, and that may do harm: 'pg:/data' may be written by one instance at a time",
  );
  assert.match(why("replicas: 2, network: host") ?? "", /ports of the host's network/);
  assert.match(why("replicas: 2, engine: { HostConfig: { PortBindings: { 80/tcp: [{ HostPort: '8080' }] } } }") ?? "", /port 8080/);
  assert.equal(
    why("replicas: all, volumes: [host:/srv:/data]"),
    "runs on each node, and all write to 'host:/srv:/data': that does harm where it is one share",
  );
  assert.match(
    why('update: { order: start-first }, engine: { HostConfig: { Binds: ["/srv:/data"] } }') ?? "",
    /^is to start the new one first, .* '\/srv:\/data' may be written/,
    "refused where Fossora's own fields say so",
  );
  for (const harmless of [
    "volumes: [pg:/data]",
    "replicas: 0, volumes: [pg:/data]",
    "replicas: 2",
    'replicas: 2, volumes: ["host:/srv:/data:ro"]',
    'replicas: all, network: host, volumes: ["host:/srv:/data:ro"]',
  ])
    assert.equal(why(harmless), undefined, harmless);
});

test("what is as mighty as root is said", () => {
  const reasons = rootReasons(
    specOf(
      '{ image: "a:1", privileged: true, pid: host, network: host, volumes: ["host:/var/run/docker.sock:/s", "data:/d"], engine: { HostConfig: {} } }',
    ),
  );
  assert.deepEqual(reasons, [
    "container 'app' is privileged",
    "container 'app' uses the host's network",
    "container 'app' sees the host's processes",
    "container 'app' sets options of Docker directly",
    "container 'app' mounts /var/run/docker.sock of the host",
  ]);
  assert.deepEqual(rootReasons(specOf('{ image: "a:1", volumes: ["data:/d"] }')), []);
});

test("secretsOf() names those of environment and files, each once", () => {
  const [container] = specOf(
    '{ image: "a:1", env: { A: { secret: x/y }, B: plain }, files: [{ path: /f, secret: x/y }, { path: /g, secret: x/z }] }',
  ).containers;
  assert.deepEqual(container && secretsOf(container), ["x/y", "x/z"]);
});
