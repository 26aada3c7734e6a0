// Fills `${url} ${host} ${zone} ${node} ${proxies}` into environment variables and files; `$$` is a dollar. Pure.

export interface FillValues {
  /** How a person reaches the app: `http://jellyfin.home.internal`. */
  readonly url: string;
  readonly host: string;
  readonly zone: string;
  readonly node: string;
  /** Whom the app may believe forwarded headers from: the gateway of Fossora's bridges. */
  readonly proxies: string;
}

const PLACE = /\$(\$|\{(url|host|zone|node|proxies)\})/g;

/** Anything else after a dollar is left as it was written: it belongs to the app. */
export function fill(text: string, values: FillValues): string {
  return text.replace(PLACE, (_, written: string, name: keyof FillValues) => (written === "$" ? "$" : values[name]));
}
