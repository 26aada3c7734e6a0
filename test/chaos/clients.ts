// Clients that ask every app at every computer of a house all the time, by name and by page, and remember what they were told.
import { askName, askPage } from "../support/house-client.ts";
import type { HouseNode } from "../support/house.ts";
import { DATA_APP, hostOf, type ChaosApp } from "./apps.ts";
import type { Sight } from "./tally.ts";

export interface Wrong {
  readonly app: string;
  readonly atMs: number;
  readonly what: string;
}

export interface ClientOptions {
  readonly nodes: readonly HouseNode[];
  readonly apps: readonly ChaosApp[];
  readonly nowMs: () => number;
  /** A computer that is well, in a house that can bear what befalls it. */
  readonly isExpected: (node: HouseNode) => boolean;
  /** It belongs to no house for now, and knows none of its names. */
  readonly isStranger: (node: HouseNode) => boolean;
}

const EVERY_MS = 1_000;
const WRITE_EVERY_MS = 700;
const NAME_LIMIT_MS = 1_000;
const LIMITS = { connectMs: 1_000, limitMs: 15_000 };
const CREATED = 201;

export class ChaosClients {
  readonly #options: ClientOptions;
  readonly #addresses: ReadonlySet<string>;
  readonly #latest = new Map<string, Sight>();
  readonly sights: Sight[] = [];
  readonly wrong: Wrong[] = [];
  /** Numbers of the writes that were acknowledged: each is a file whose content is its number. */
  readonly #acknowledged: number[] = [];
  #written = 0;
  #stopped = false;
  #running: readonly Promise<void>[] = [];

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#addresses = new Set(options.nodes.map(({ address }) => address));
  }

  start(): void {
    const { apps, nodes } = this.#options;
    const pairs = apps.flatMap((app) => nodes.map((node) => [app, node] as const));
    // Not all in the same instant.
    this.#running = [...pairs.map(([app, node], index) => this.#ask(app, node, (EVERY_MS * index) / pairs.length)), this.#write()];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** Those that have not answered, at some computer, to any question asked since then. */
  missing(sinceMs: number): readonly string[] {
    const { apps, nodes } = this.#options;
    return apps.flatMap(({ name }) =>
      nodes.flatMap((node) => {
        const latest = this.#latest.get(`${name} at ${node.name}`);
        return latest?.answered === true && latest.askedMs > sinceMs ? [] : [`${name} at ${node.name}`];
      }),
    );
  }

  get acknowledged(): number {
    return this.#acknowledged.length;
  }

  /** Each write that was acknowledged is there. */
  async readAll(): Promise<void> {
    for (const number of this.#acknowledged) await this.#read(number, this.#options.nodes[0]);
  }

  async #ask(app: ChaosApp, node: HouseNode, firstMs: number): Promise<void> {
    const { nowMs, isExpected } = this.#options;
    await sleep(firstMs);
    while (!this.#stopped) {
      const expected = isExpected(node);
      const askedMs = nowMs();
      const answered = await this.#isAnswered(app, node);
      const endedMs = nowMs();
      const sight: Sight = { app: app.name, askedMs, endedMs, answered, expected: expected && isExpected(node) };
      this.sights.push(sight);
      this.#latest.set(`${app.name} at ${node.name}`, sight);
      await sleep(Math.max(0, EVERY_MS - (endedMs - askedMs)));
    }
  }

  async #isAnswered(app: ChaosApp, node: HouseNode): Promise<boolean> {
    try {
      const answer = await askName(node.address, hostOf(app.name), NAME_LIMIT_MS);
      if (answer === undefined) return false;
      const foreign = answer.addresses.filter((address) => !this.#addresses.has(address));
      if (answer.rcode === "NXDOMAIN") this.#isWrong(app.name, node, "its name is said not to exist");
      if (foreign.length > 0) this.#isWrong(app.name, node, `its name leads to ${foreign.join(" and ")}`);
      const wrong = await app.ask(node.address);
      if (wrong !== undefined) this.#isWrong(app.name, node, wrong);
      return answer.addresses.length > 0 && wrong === undefined;
    } catch {
      return false;
    }
  }

  #isWrong(app: string, node: HouseNode, what: string): void {
    if (this.#options.isStranger(node)) return;
    this.wrong.push({ app, atMs: this.#options.nowMs(), what: `${node.name}: ${what}` });
  }

  async #write(): Promise<void> {
    const { nodes } = this.#options;
    for (let turn = 0; !this.#stopped; turn += 1) {
      const node = nodes[turn % nodes.length];
      if (node === undefined) return;
      const number = (this.#written += 1);
      try {
        const asked = { address: node.address, host: hostOf(DATA_APP), path: `/data/n${number}`, method: "PUT", body: String(number) };
        const { status } = await askPage({ ...asked, ...LIMITS });
        if (status === CREATED) this.#acknowledged.push(number);
      } catch {
        // Nobody promised anything.
      }
      const known = this.#acknowledged[Math.floor((turn * 7919) % Math.max(1, this.#acknowledged.length))];
      if (known !== undefined) await this.#read(known, node).catch(() => undefined); // it is away
      await sleep(WRITE_EVERY_MS);
    }
  }

  /** Throws when it is not answered. */
  async #read(number: number, node: HouseNode | undefined): Promise<void> {
    if (node === undefined) return;
    const asked = { address: node.address, host: hostOf(DATA_APP), path: `/data/n${number}` };
    const { status, body } = await askPage({ ...asked, ...LIMITS });
    if (status >= 500 && body !== String(number)) throw new Error(`status ${status}`);
    if (status !== 200 || body !== String(number))
      this.#isWrong(DATA_APP, node, `write ${number} was acknowledged, and is ${status} ${body.slice(0, 80)}`);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
