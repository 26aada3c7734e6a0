// Where other members reach a member's store: one URL for each of its addresses, in one text, as etcd's flags have them. Pure.

/** Sorted as etcd sorts them, so that the same addresses are the same text. */
export function joinUrls(urls: readonly string[]): string {
  return [...new Set(urls)].sort((a, b) => (a < b ? -1 : 1)).join(",");
}

export function splitUrls(peerUrl: string): readonly string[] {
  return peerUrl === "" ? [] : peerUrl.split(",");
}

/** Two members never share an address. */
export function sharesUrl(one: string, other: string): boolean {
  const urls = splitUrls(other);
  return splitUrls(one).some((url) => urls.includes(url));
}

/** Those that are none of the others'. */
export function withoutUrls(peerUrl: string, others: readonly string[]): string {
  return joinUrls(splitUrls(peerUrl).filter((url) => !others.some((other) => sharesUrl(url, other))));
}

/** An address that is away for a moment, as the tailnet's is after each boot, is no move. */
export function coversUrls(known: string, wanted: string): boolean {
  const urls = splitUrls(known);
  return splitUrls(wanted).every((url) => urls.includes(url));
}

/** Host names and addresses, plain, the LAN's before the tailnet's. */
export function hostsOfUrls(peerUrl: string): readonly string[] {
  return splitUrls(peerUrl).flatMap(
    (url) => /^https:\/\/(?:\[(?:::ffff:(?=\d+\.))?([^\]]+)\]|([^:]+)):\d+$/.exec(url)?.slice(1).find(Boolean) ?? [],
  );
}
