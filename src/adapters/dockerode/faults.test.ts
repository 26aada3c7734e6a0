import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineFault } from "../../api/errors.ts";
import { engineError, statusCode } from "./faults.ts";

/** As docker-modem throws it. */
function refused(code: number, words: string): Error {
  return Object.assign(new Error(`(HTTP code ${code}) server error - ${words} `), { statusCode: code });
}

/** What Docker 20.10 to 28 really said. */
const calls: readonly (readonly [number, string, EngineFault])[] = [
  [404, "No such image: nope:1", "imageNotFound"],
  [
    404,
    "image with reference a:1 was found but does not match the specified platform: wanted linux/arm64, actual: linux/amd64",
    "platformMissing",
  ],
  // With containerd's image store.
  [404, "image with reference a:1 was found but does not provide the specified platform (linux/arm64)", "platformMissing"],
  [404, "No such container: abc", "notFound"],
  [404, "network nope not found", "notFound"],
  [
    409,
    'Conflict. The container name "/web" is already in use by container "0123". You have to remove (or rename) that container to be able to reuse that name.',
    "nameInUse",
  ],
  [400, 'invalid mount config for type "bind": bind source path does not exist: /nope', "hostPathMissing"],
  [
    500,
    "error while mounting volume '/x/_data': failed to mount local volume: mount /nope/x:/x/_data, flags: 0x1000: no such file or directory",
    "hostPathMissing",
  ],
  [500, 'error gathering device information while adding custom device "/dev/nope": no such file or directory', "deviceMissing"],
  [500, 'could not select device driver "nvidia" with capabilities: [[gpu]]', "deviceMissing"],
  [500, "failed to create task for container: failed to create shim: task 4f2a9c already exists: unknown", "leftover"],
  [500, "task 4f2a9c: already exists", "leftover"],
  [403, "endpoint with name app-k3f9 already exists in network fossora", "leftover"],
  [
    400,
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: error mounting "/mnt/tank/photos" to rootfs at "/photos": stat /mnt/tank/photos: no such file or directory: unknown',
    "hostPathMissing",
  ],
  [403, "Address already in use", "addressInUse"],
  [403, "Pool overlaps with other one on this address space", "addressInUse"],
  [500, "driver failed programming external connectivity: Bind for 127.0.0.1:80 failed: port is already allocated", "addressInUse"],
  [500, "write /var/lib/docker/tmp/x: no space left on device", "diskFull"],
  [400, 'failed to create shim task: OCI runtime create failed: exec: "/nope": stat /nope: no such file or directory: unknown', "invalid"],
  [400, "invalid reference format", "invalid"],
  [500, "dial tcp 10.0.0.1:1: connect: connection refused", "invalid"],
];

for (const [code, words, fault] of calls) {
  test(`a call refused with ${code} "${words.slice(0, 50)}" is ${fault}`, () => {
    const error = engineError('start container "web"', refused(code, words));
    assert.equal(error.fault, fault);
    assert.equal(error.message, `Cannot start container "web": ${words}`);
  });
}

/** During a pull: an answer, or words in the stream (without a code). */
const pulls: readonly (readonly [number | undefined, string, EngineFault])[] = [
  [
    404,
    "pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    "imageNotFound",
  ],
  [404, "manifest for busybox:nope not found: manifest unknown: manifest unknown", "imageNotFound"],
  [undefined, "no matching manifest for linux/arm64/v8 in the manifest list entries", "platformMissing"],
  [404, "no match for platform in manifest sha256:0123: not found", "platformMissing"],
  [500, 'Get "https://ghcr.io/v2/x/manifests/1": unauthorized', "registryRefused"],
  [500, 'Head "https://registry.lab/v2/x/manifests/1": no basic auth credentials', "registryRefused"],
  [500, 'error parsing HTTP 403 response body: unexpected end of JSON input: ""', "registryRefused"],
  [undefined, "toomanyrequests: You have reached your pull rate limit.", "rateLimited"],
  [429, "slow down", "rateLimited"],
  [500, 'Get "https://nope.invalid/v2/": dial tcp: lookup nope.invalid on 10.0.0.1:53: no such host', "registryUnreachable"],
  [
    500,
    'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    "registryUnreachable",
  ],
  [undefined, "unexpected EOF", "registryUnreachable"],
  [undefined, "failed to register layer: write /x: no space left on device", "diskFull"],
];

for (const [code, words, fault] of pulls) {
  test(`a pull that ends in "${words.slice(0, 60)}" is ${fault}`, () => {
    const cause = code === undefined ? new Error(words) : refused(code, words);
    assert.equal(engineError('pull image "x"', cause, "pull").fault, fault);
  });
}

test("no answer is unavailable, in a call and in a pull", () => {
  const gone = Object.assign(new Error("connect ENOENT /var/run/docker.sock"), { code: "ENOENT", address: "/var/run/docker.sock" });
  assert.equal(engineError("list containers", gone).fault, "unavailable");
  assert.equal(engineError("pull image", gone, "pull").fault, "unavailable");
  assert.equal(
    engineError("list containers", gone).message,
    "Cannot list containers: Docker does not answer on /var/run/docker.sock (there is no such socket: is Docker installed and running?)",
  );
  assert.equal(
    engineError("list containers", new Error("socket hang up")).message,
    "Cannot list containers: Docker does not answer (socket hang up)",
  );
});

test("an error that was told apart already passes as it is", () => {
  const error = engineError("start", refused(404, "No such container: a"));
  assert.equal(engineError("again", error), error);
});

test("Docker's status code is read from what docker-modem throws, and from nothing else", () => {
  assert.equal(statusCode(refused(304, "container already started")), 304);
  for (const other of [new Error("x"), undefined, null, "x"]) assert.equal(statusCode(other), undefined);
});
