// Nodes for tests of 733: each with a data directory, a key and, once it is admitted, certificates of its house. Everything ends with the
// test.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { dial, type DialOptions, type MeshConnection } from "../../src/adapters/mesh/client.ts";
import type { MeshTrust } from "../../src/adapters/mesh/identify.ts";
import { MeshServer, type MeshServerOptions } from "../../src/adapters/mesh/server.ts";
import { issueLeaves } from "../../src/agent/authority.ts";
import { loadNodeId } from "../../src/agent/identity.ts";
import { loadMeshTrust } from "../../src/agent/mesh-trust.ts";
import { acceptHouse, leavesWanted, loadTrust, removedNodes, trustFiles } from "../../src/agent/trust.ts";
import type { MeshHandler } from "../../src/mesh-ports.ts";
import { silentLog } from "./real.ts";

export const limitMs = 10_000;

export class TestNode {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly #t: TestContext;
  server: MeshServer | undefined;
  port = 0;

  constructor(t: TestContext) {
    this.#t = t;
    this.dataDir = mkdtempSync(path.join(tmpdir(), "fossora-mesh-"));
    t.after(() => rmSync(this.dataDir, { recursive: true }));
    this.nodeId = loadNodeId(this.dataDir);
  }

  /** Or a later start. */
  async found(nowMs = Date.now()): Promise<this> {
    await loadTrust(this.dataDir, { nowMs });
    return this;
  }

  /** By a founder, as a finished joining leaves it. */
  async admit(newcomer: TestNode, nowMs?: number): Promise<TestNode> {
    const files = trustFiles(this.dataDir);
    const leaves = await issueLeaves(this.dataDir, newcomer.nodeId, leavesWanted(newcomer.dataDir, []), nowMs);
    const [ca, crl] = [readFileSync(files.ca, "utf8"), readFileSync(files.crl)];
    acceptHouse(newcomer.dataDir, { ca, crl, removed: removedNodes(this.dataDir), leaves });
    return newcomer;
  }

  trust(admittedBy?: { readonly ca: string }): Promise<MeshTrust> {
    return loadMeshTrust(this.dataDir, admittedBy);
  }

  async listen(handler: MeshHandler, options: Partial<MeshServerOptions> = {}, address = "127.0.0.1"): Promise<this> {
    this.server = new MeshServer({ trust: await this.trust(), handler, log: silentLog, ...options });
    const { server } = this;
    this.#t.after(() => server.close());
    this.port = await server.listen({ address, port: 0 });
    return this;
  }

  async dial(to: Pick<TestNode, "port">, options: Partial<DialOptions> = {}): Promise<MeshConnection> {
    const link = await dial({ address: "127.0.0.1", port: to.port, trust: await this.trust(), limitMs, ...options });
    this.#t.after(() => link.close());
    return link;
  }
}
