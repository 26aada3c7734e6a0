// The sessions of one UDP port: by client, and who makes room when there are as many as may be. A source has any number of ports, and could
// keep all places with one datagram a minute from each.

export interface PlacedSession {
  /** The client's address. */
  readonly source: string;
  /** Of the port's datagrams in either direction the last one that was its own. */
  lastDatagram: number;
}

/** Of one source, where another one wants a place: more than a household behind one address has. */
const PER_SOURCE_MAX = 64;

export class UdpSessions<Session extends PlacedSession> {
  readonly #byClient = new Map<string, Session>();
  readonly #perSource = new Map<string, number>();

  get size(): number {
    return this.#byClient.size;
  }

  get(client: string): Session | undefined {
    return this.#byClient.get(client);
  }

  all(): Iterable<Session> {
    return this.#byClient.values();
  }

  add(client: string, session: Session): void {
    this.#byClient.set(client, session);
    this.#perSource.set(session.source, this.#of(session.source) + 1);
  }

  delete(client: string): void {
    const session = this.#byClient.get(client);
    if (session === undefined) return;
    this.#byClient.delete(client);
    const left = this.#of(session.source) - 1;
    if (left > 0) this.#perSource.set(session.source, left);
    else this.#perSource.delete(session.source);
  }

  /** The longest idle one of the source that has most, if that is too many for another source to wait; undefined: all have a right to theirs. */
  whoMakesRoom(source: string): Session | undefined {
    const [greedy, count] = [...this.#perSource].reduce((most, each) => (each[1] > most[1] ? each : most), ["", 0]);
    // Whoever has most itself is told no, which costs next to nothing.
    if (count <= PER_SOURCE_MAX || this.#of(source) >= count) return undefined;
    let longest: Session | undefined;
    for (const session of this.#byClient.values())
      if (session.source === greedy && (longest === undefined || session.lastDatagram < longest.lastDatagram)) longest = session;
    return longest;
  }

  #of(source: string): number {
    return this.#perSource.get(source) ?? 0;
  }
}
