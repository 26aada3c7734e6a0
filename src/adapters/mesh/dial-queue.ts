// Handshakes with one node, a few at a time. A crowd that dials all at once gives each handshake a small part of a busy processor, so that none
// is over in its time, and all begin again; in turn each is quick, and what was made too late for one is there for the next.

/** More than a browser asks for at once, over a link that is long as well. */
const AT_ONCE = 8;
/** Of one handshake, however short the time of whoever asked for it is. */
const DIAL_MS = 3_000;

export interface DialQueueOptions<Connection> {
  readonly dial: (limitMs: number) => Promise<Connection>;
  /** It came too late for those who waited. */
  readonly keep: (connection: Connection) => void;
}

interface Waiting<Connection> {
  readonly take: (connection: Connection) => void;
  readonly fail: (error: unknown) => void;
}

export class DialQueue<Connection> {
  readonly #options: DialQueueOptions<Connection>;
  readonly #waiting = new Set<Waiting<Connection>>();
  #underWay = 0;

  constructor(options: DialQueueOptions<Connection>) {
    this.#options = options;
  }

  /** A connection that nobody else has. Throws what a handshake said that failed, and after `limitMs`. */
  next(limitMs: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting<Connection> = {
        take: (connection) => {
          done();
          resolve(connection);
        },
        fail: (error) => {
          done();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiting.fail(new Error(`no connection within ${limitMs} ms`)), limitMs);
      this.#waiting.add(waiting);
      // Of its own: those under way may be given up already, and lead to where nobody is any more.
      if (this.#underWay < AT_ONCE) void this.#dialOne();
    });
  }

  async #dialOne(): Promise<void> {
    this.#underWay += 1;
    const dialled = await this.#options.dial(DIAL_MS).then(
      (connection) => ({ connection }),
      (error: unknown) => ({ error }),
    );
    this.#underWay -= 1;
    const [first] = this.#waiting;
    if ("connection" in dialled) {
      if (first === undefined) this.#options.keep(dialled.connection);
      else first.take(dialled.connection);
    } else if (this.#waiting.size > this.#underWay) first?.fail(dialled.error); // else there is one more under way for each
    if (this.#waiting.size > this.#underWay && this.#underWay < AT_ONCE) void this.#dialOne();
  }
}
