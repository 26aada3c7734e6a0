// A registry of one image on loopback, which Docker talks to without TLS; it can refuse like the big ones do, and be slow.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { tar } from "../../src/adapters/dockerode/tar.ts";

const manifestType = "application/vnd.docker.distribution.manifest.v2+json";
const configType = "application/vnd.docker.container.image.v1+json";
const layerType = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const layerBytes = 400_000;
const chunkBytes = 50_000;

export interface TestRegistry {
  /** `127.0.0.1:PORT`, the first part of a reference. Any repository and the tag `1` are the image. */
  readonly host: string;
  readonly digest: string;
  /** What it does from now on. */
  mode: "serves" | "asks for a login" | "forbids" | "limits the rate" | "is silent";
  /** Accepted while it asks for one. */
  readonly login: { readonly username: string; readonly password: string };
  close(): void;
}

export async function startRegistry(): Promise<TestRegistry> {
  const { manifest, blobs } = image();
  const server = createServer((request, response) => void serve(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const registry: TestRegistry = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`, // TCP
    digest: digestOf(manifest),
    mode: "serves",
    login: { username: "me", password: "secret" },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  const basic = `Basic ${Buffer.from(`${registry.login.username}:${registry.login.password}`).toString("base64")}`;

  async function serve({ method, url = "", headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader("Docker-Distribution-Api-Version", "registry/2.0");
    if (registry.mode === "is silent") return;
    if (registry.mode === "asks for a login" && headers.authorization !== basic)
      return refuse(response.setHeader("WWW-Authenticate", 'Basic realm="test"'), 401, "UNAUTHORIZED", "authentication required");
    if (registry.mode === "forbids" && url !== "/v2/") return refuse(response, 403, "DENIED", "requested access to the resource is denied");
    if (registry.mode === "limits the rate" && url !== "/v2/")
      return refuse(response, 429, "TOOMANYREQUESTS", "You have reached your pull rate limit");
    if (url === "/v2/") return void response.end("{}");
    if (/\/manifests\/(1|sha256:.*)$/.test(url)) return send(response, method, manifest, manifestType);
    const blob = blobs.get(/\/blobs\/(sha256:.*)$/.exec(url)?.[1] ?? "");
    if (!blob) return refuse(response, 404, "MANIFEST_UNKNOWN", "manifest unknown");
    return send(response, method, blob, "application/octet-stream");
  }
  return registry;
}

async function send(response: ServerResponse, method: string | undefined, body: Buffer, type: string): Promise<void> {
  response.writeHead(200, { "Content-Type": type, "Content-Length": body.length, "Docker-Content-Digest": digestOf(body) });
  for (let from = 0; from < body.length && method !== "HEAD"; from += chunkBytes) {
    response.write(body.subarray(from, from + chunkBytes));
    await sleep(20); // slow enough for progress to be told
  }
  response.end();
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify({ errors: [{ code, message }] }));
}

/** One file that does not compress, so that there is something to download. */
function image(): { readonly manifest: Buffer; readonly blobs: ReadonlyMap<string, Buffer> } {
  const layer = tar([{ path: "/noise", content: randomBytes(layerBytes / 2).toString("hex"), mode: "0644", uid: 0, gid: 0 }]);
  const packed = gzipSync(layer);
  const arch = process.arch === "arm64" ? "arm64" : "amd64";
  const config = Buffer.from(
    JSON.stringify({
      architecture: arch,
      os: "linux",
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      config: { Cmd: ["/noise"] },
    }),
  );
  const described = (mediaType: string, blob: Buffer) => ({ mediaType, digest: digestOf(blob), size: blob.length });
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: described(configType, config),
    layers: [described(layerType, packed)],
  };
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs: new Map([config, packed].map((blob) => [digestOf(blob), blob])) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
