// Collects the rows that the controllers of Route, DnsRecord and House hand over and gives the ingress one whole table: coalesced, and never
// before every name of the mirror has had its turn, so that a restarted agent takes no app off the table that the ingress still serves.
import type { Name, NodeName } from "../api/resource.ts";
import type { DecidedMembership, NodeRecord } from "../api/state.ts";
import type { IngressStatus, NodeAddresses, Table } from "../api/table.ts";
import type { Mirror } from "../engine/contract.ts";
import { withdraw } from "../liveness/withdraw.ts";
import type { Clock, Log, Proxy } from "../ports.ts";

type RouteRows = Pick<Table, "http" | "streams">;
type RecordRows = Pick<Table, "records" | "houseNames">;
type HouseRows = Pick<Table, "resolver">;

/** The part of the ingress' control socket that this needs. */
export interface TableSink {
  /** Answers what it listens on now: raw ports come and go with the table. */
  putTable(table: Table): Promise<IngressStatus>;
  status(): Promise<IngressStatus>;
  busy(): Promise<readonly string[]>;
}

export interface PublisherOptions {
  readonly node: NodeName;
  readonly mirror: Pick<Mirror, "standing" | "revision" | "all" | "nodes" | "desired" | "decided">;
  readonly sink: TableSink;
  readonly clock: Clock;
  readonly log: Log;
  readonly defaultZone: string;
  /** The ingress listens on others than before. */
  readonly onListeners: () => void;
}

const retryMs = 250;
/** A name on the LAN is probed for in about a second, and a busy port is tried by the ingress every second. */
const unsettledMs = 2_000;

export class Publisher implements Proxy {
  readonly #options: PublisherOptions;
  readonly #routes = new Map<Name, RouteRows>();
  readonly #records = new Map<Name, RecordRows>();
  #house: HouseRows | undefined;
  #silent: readonly NodeName[] = [];
  #status: IngressStatus | undefined;
  #published: string | undefined;
  #cancel: (() => void) | undefined;
  #cancelLook: (() => void) | undefined;
  #sending = false;
  #changed = false;
  #isStopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  setRoute(name: Name, rows: RouteRows | undefined): void {
    if (rows) this.#routes.set(name, rows);
    else this.#routes.delete(name);
    this.publishSoon();
  }

  setRecord(name: Name, rows: RecordRows | undefined): void {
    if (rows) this.#records.set(name, rows);
    else this.#records.delete(name);
    this.publishSoon();
  }

  setHouse(rows: HouseRows | undefined): void {
    this.#house = rows;
    this.publishSoon();
  }

  house(): HouseRows | undefined {
    return this.#house;
  }

  route(name: Name): RouteRows | undefined {
    return this.#routes.get(name);
  }

  record(name: Name): RecordRows | undefined {
    return this.#records.get(name);
  }

  status(): IngressStatus | undefined {
    return this.#status;
  }

  /** Nobody, where the ingress does not answer: then it answers nobody else either. */
  async busy(): Promise<ReadonlySet<string>> {
    return new Set(await this.#options.sink.busy().catch(() => []));
  }

  setStatus(status: IngressStatus): void {
    const changed = JSON.stringify(tellable(status)) !== JSON.stringify(this.#status && tellable(this.#status));
    this.#status = status;
    if (changed) this.#options.onListeners();
    if (isUnsettled(status)) this.#lookAgain();
  }

  /** Nothing leads to them until they are heard again. */
  setSilent(nodes: readonly NodeName[]): void {
    this.#silent = nodes;
    this.publishSoon();
  }

  /** A new ingress has only what was on disk: hand it everything again. */
  forgetPublished(): void {
    this.#published = undefined;
    this.publishSoon();
  }

  /** Something waits to be published: the mirror was not fresh, or lacked a name's turn. */
  get pending(): boolean {
    return this.#changed;
  }

  publishSoon(): void {
    this.#changed = true;
    if (this.#cancel || this.#sending || this.#isStopped) return;
    this.#cancel = this.#options.clock.timer(0, () => {
      this.#cancel = undefined;
      void this.#publish();
    });
  }

  /** What is being sent may still arrive; nothing follows from it. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancelLook?.();
  }

  #lookAgain(): void {
    const { clock, sink } = this.#options;
    if (this.#isStopped) return;
    this.#cancelLook ??= clock.timer(unsettledMs, () => {
      this.#cancelLook = undefined;
      void sink.status().then(
        (status) => this.setStatus(status),
        () => {}, // away: whoever takes its place is asked anew
      );
    });
  }

  async #publish(): Promise<void> {
    this.#sending = true;
    try {
      if (!this.#complete()) return; // whatever is missing is handed over and tries again
      this.#changed = false;
      const table = withdraw(this.#table(), this.#silent);
      const text = JSON.stringify({ ...table, revision: 0 }); // a new revision alone is no news
      if (text !== this.#published) {
        const status = await this.#options.sink.putTable(table);
        if (this.#isStopped) return;
        this.#published = text;
        this.setStatus(status);
      }
    } catch (error) {
      if (this.#isStopped) return;
      this.#options.log.warn("Table could not be handed to the ingress", { error });
      this.#cancel = this.#options.clock.timer(retryMs, () => {
        this.#cancel = undefined;
        void this.#publish();
      });
    } finally {
      this.#sending = false;
    }
    if (this.#changed) this.publishSoon();
  }

  #complete(): boolean {
    const { mirror, node } = this.#options;
    // Without this node's own record its names would have no address: an agent that was away for long announces it anew.
    if (mirror.standing.kind === "none" || !mirror.nodes().has(node)) return false;
    if (mirror.desired("House", "house") !== undefined && this.#house === undefined) return false;
    for (const route of mirror.all("Route")) if (!this.#routes.has(route.metadata.name)) return false;
    for (const record of mirror.all("DnsRecord")) if (!this.#records.has(record.metadata.name)) return false;
    return true;
  }

  #table(): Table {
    const { mirror, node, defaultZone } = this.#options;
    const nodes: Record<NodeName, NodeAddresses> = {};
    for (const [name, { value }] of mirror.nodes()) {
      nodes[name] = addressesOf(value);
    }
    const isDown = (name: NodeName): boolean => mirror.decided<DecidedMembership>("Membership", name)?.value.state === "Down";
    const down = [...mirror.all("Membership")]
      .map(({ metadata }) => metadata.name)
      .filter(isDown)
      .sort();
    const routes = sorted(this.#routes);
    const records = sorted(this.#records);
    return {
      revision: mirror.revision,
      node,
      zone: mirror.desired("House", "house")?.spec.zone ?? defaultZone,
      http: routes.flatMap((rows) => rows.http),
      streams: routes.flatMap((rows) => rows.streams),
      records: records.flatMap((rows) => rows.records),
      houseNames: records.flatMap((rows) => rows.houseNames),
      nodes,
      ...(down.length > 0 && { down }),
      ...this.#house,
    };
  }
}

function addressesOf({ nodeId: id, addresses, ports: { mesh: meshPort, http: httpPort }, announces }: NodeRecord): NodeAddresses {
  return {
    id,
    ...addresses,
    ...(meshPort !== undefined && { meshPort }),
    ...(httpPort !== undefined && { httpPort }),
    ...(announces && { announces }),
  };
}

/** What conditions are made of, and what this node tells of itself. */
function tellable({ listeners, localNames = [], announces }: IngressStatus): unknown {
  return [listeners, localNames.filter(({ problem }) => problem !== undefined), announces];
}

/** It changes by itself: a name is probed for, a port is waited for. One that another port was taken for is not. */
function isUnsettled({ listeners, localNames = [] }: IngressStatus): boolean {
  const isAwaited = ({ protocol, port, problem }: IngressStatus["listeners"][number]): boolean =>
    problem !== undefined && (port === 0 || protocol === "tcp" || protocol === "udp");
  return localNames.some(({ state }) => state === "probing") || listeners.some(isAwaited);
}

/** By name: the same rows make the same table whatever order they came in. */
function sorted<T>(rows: ReadonlyMap<Name, T>): readonly T[] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
