// Makes one CommonJS file of src/main.ts and everything that it imports: what the one-file program runs.
import { readFileSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import protobuf from "protobufjs";
import { projectRoot } from "./machine.ts";

export interface Bundle {
  readonly code: Uint8Array;
  readonly map: Uint8Array;
}

/**
 * CommonJS, because unused roles then cost nothing at start: esbuild makes lazy wrappers of `await import()`. Names are kept whole, so
 * that errors and stacks name what the source names. `external` maps: Node ignores inline ones in an embedded main.
 */
export async function bundle(entry = path.join(projectRoot, "src/main.ts")): Promise<Bundle> {
  try {
    const { outputFiles } = await esbuild.build({ ...options, entryPoints: [entry] });
    const [map, code] = outputFiles;
    if (!map?.path.endsWith(".map") || !code) throw new Error("esbuild gave its files in another order");
    return { code: code.contents, map: map.contents };
  } finally {
    await esbuild.stop(); // a process of its own, which would stay as long as this one
  }
}

/** dockerode speaks to remote engines over ssh2, whose optional .node file cannot go into one file; we only use sockets. */
const leaveOutSsh2: esbuild.Plugin = {
  name: "leave out ssh2",
  setup(build) {
    build.onResolve({ filter: /^ssh2$/ }, () => ({ path: "ssh2", namespace: "left-out" }));
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "exports.Client = class {}" }));
  },
};

/** etcd3 reads its .proto file when it is imported: put the parsed form in its place. */
const inlineEtcdProto: esbuild.Plugin = {
  name: "inline etcd3's proto",
  setup(build) {
    build.onLoad({ filter: /etcd3\/lib\/connection-pool\.js$/ }, ({ path: file }) => {
      const call = "loadSync)(`${__dirname}/../proto/rpc.proto`";
      const source = readFileSync(file, "utf8");
      if (!source.includes(call)) throw new Error("etcd3 reads its .proto in another way now");
      const proto = new protobuf.Root().loadSync(path.join(path.dirname(file), "../proto/rpc.proto"), { keepCase: true });
      return { contents: source.replace(call, () => `fromJSON)(${JSON.stringify(proto.toJSON())}`) };
    });
  },
};

const options = {
  absWorkingDir: projectRoot,
  outfile: "main.cjs", // at the root, so that the map says `src/...`; nothing is written
  write: false,
  bundle: true,
  platform: "node",
  target: "node26",
  format: "cjs",
  minifySyntax: true,
  minifyWhitespace: true,
  lineLimit: 120, // Node prints the whole line of an uncaught error
  sourcemap: "external",
  sourcesContent: false,
  legalComments: "none",
  define: { "import.meta.dirname": "__dirname" }, // the rest of import.meta is not in CommonJS, and an error below
  logLevel: "warning",
  logOverride: { "empty-import-meta": "error", "require-resolve-not-external": "debug" },
  plugins: [leaveOutSsh2, inlineEtcdProto],
} as const satisfies esbuild.BuildOptions;
