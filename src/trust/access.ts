// Who may ask what on port 733. Pure.

/** Anybody who proves a key: without them no house could be found, and nobody could ask to be let in. */
const ANYONE: readonly string[] = ["hello", "join"];
/** A node of the house whose certificate has expired proves its known key instead. */
const KNOWN_KEYS: readonly string[] = ["renew"];

export interface Asker {
  readonly standing: "member" | "stranger";
  /** The house has a node with this key, and did not remove it. */
  readonly known: boolean;
}

export function mayAsk(method: string, { standing, known }: Asker): boolean {
  return standing === "member" || ANYONE.includes(method) || (known && KNOWN_KEYS.includes(method));
}
