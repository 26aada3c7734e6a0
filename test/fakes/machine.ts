// The small ports of one node: local volumes, what the machine is, secrets, events, the table for the ingress, and a log.
import { Refusal } from "../../src/api/errors.ts";
import type { Name } from "../../src/api/resource.ts";
import type { NodeRecord } from "../../src/api/state.ts";
import type { IngressStatus, Table } from "../../src/api/table.ts";
import type { FakeEngine } from "./containers-engine.ts";
import type { Fence } from "../../src/container-ports.ts";
import type { Events, LocalVolumes, Log, Proxy, Secrets, System } from "../../src/ports.ts";

/** Directories that outlive every process and container; whose machine is reinstalled loses them. */
export class FakeVolumes implements LocalVolumes {
  /** By name: the uid of the Volume that the directory belongs to. */
  readonly made = new Map<string, string>();
  readonly #exists: (path: string) => boolean;

  constructor(exists: (path: string) => boolean) {
    this.#exists = exists;
  }

  async ensure(name: string, uid: string): Promise<string> {
    const owner = this.made.get(name) ?? uid;
    if (owner !== uid) throw new Refusal("VolumeLost", `Cannot use volume "${name}": the directory belongs to another one of that name`);
    this.made.set(name, uid);
    return `/var/lib/fossora/volumes/${name}`;
  }

  async exists(path: string): Promise<boolean> {
    return this.#exists(path);
  }
}

export class FakeSystem implements System {
  readonly #address: string;
  readonly #engine: FakeEngine | undefined;
  readonly #goes: () => NodeRecord["goes"];

  /** `engine`: whose containers run on this machine's kernel. */
  constructor(address: string, engine?: FakeEngine, goes: () => NodeRecord["goes"] = () => undefined) {
    this.#address = address;
    this.#engine = engine;
    this.#goes = goes;
  }

  runningContainers(): ReadonlySet<string> | undefined {
    return this.#engine && new Set(this.#engine.containers.values().flatMap(({ id, state }) => (state === "running" ? [id] : [])));
  }

  resolvers(): readonly string[] {
    return ["9.9.9.9"];
  }

  async disk(): ReturnType<System["disk"]> {
    return { freeBytes: 50 * 2 ** 30, totalBytes: 100 * 2 ** 30 };
  }

  async describe(): ReturnType<System["describe"]> {
    const goes = this.#goes();
    return {
      ...(goes !== undefined && { goes }),
      addresses: { lan: [this.#address], tailnet: [] },
      arch: "amd64",
      os: "Fake",
      cpus: 4,
      memoryBytes: 8 * 2 ** 30,
      diskBytes: 100 * 2 ** 30,
      devices: [],
      versions: { fossora: "0.1.0", docker: this.#engine?.hangs === true ? "" : "28.0.0", dockerApi: "1.48", etcd: "3.7.3" },
    };
  }
}

export class FakeSecrets implements Secrets {
  readonly values = new Map<string, string>();

  get(reference: string): string | undefined {
    return this.values.get(reference);
  }
}

export class FakeEvents implements Events {
  readonly emitted: Parameters<Events["emit"]>[0][] = [];

  emit(event: Parameters<Events["emit"]>[0]): void {
    this.emitted.push(event);
  }
}

type RouteRows = Pick<Table, "http" | "streams">;
type RecordRows = Pick<Table, "records" | "houseNames">;
type HouseRows = Pick<Table, "resolver">;

/** Holds the rows that the ingress would serve. */
export class FakeProxy implements Proxy {
  readonly routes = new Map<Name, RouteRows>();
  readonly records = new Map<Name, RecordRows>();
  rows: HouseRows | undefined;
  readonly answering = new Set<string>();
  ingress: IngressStatus | undefined = {
    pid: 1,
    build: "fake",
    revision: 0,
    listeners: [
      { protocol: "http", address: "0.0.0.0", port: 80 },
      { protocol: "dns", address: "0.0.0.0", port: 53 },
    ],
  };

  setRoute(name: Name, rows: RouteRows | undefined): void {
    if (rows === undefined) this.routes.delete(name);
    else this.routes.set(name, rows);
  }

  busy(): Promise<ReadonlySet<string>> {
    return Promise.resolve(this.answering);
  }

  setRecord(name: Name, rows: RecordRows | undefined): void {
    if (rows === undefined) this.records.delete(name);
    else this.records.set(name, rows);
  }

  route(name: Name): RouteRows | undefined {
    return this.routes.get(name);
  }

  record(name: Name): RecordRows | undefined {
    return this.records.get(name);
  }

  setHouse(rows: HouseRows | undefined): void {
    this.rows = rows;
  }

  house(): HouseRows | undefined {
    return this.rows;
  }

  status(): IngressStatus | undefined {
    return this.ingress;
  }
}

export interface LogLine {
  readonly level: keyof Log;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Hands every line to whoever wants to look at it. */
export function fakeLog(write: (line: LogLine) => void = () => {}): Log {
  const at =
    (level: keyof Log) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      write({ level, message, fields });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Of a node that has contact, unless told otherwise. */
export class FakeFence implements Fence {
  isOpen = true;
  readonly kept = new Map<string, readonly string[]>();

  keep(service: string, containers: readonly string[]): void {
    this.kept.set(service, containers);
  }

  async admit(): Promise<void> {
    if (!this.isOpen) throw new Error("contact is lost");
  }
}
