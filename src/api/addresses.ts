// IP addresses and networks: whether a text is one. The schemas know roughly how they look, this knows exactly. Pure.

interface Addressed {
  readonly address?: string;
  readonly allow?: readonly string[];
}

const NAMED: ReadonlySet<string> = new Set(["lan", "tailnet", "apps"]);

/** What is no address in the fields that hold some; `at` is the field below the object. */
export function addressProblems({ address, allow }: Addressed): readonly { readonly at: string; readonly message: string }[] {
  const wrong = (allow ?? []).flatMap((entry, index) =>
    NAMED.has(entry) || isNetwork(entry)
      ? []
      : [{ at: `allow[${index}]`, message: `must be an address or a network such as '192.168.1.0/24', not '${entry}'` }],
  );
  if (address === undefined || isIpv4(address) || isIpv6(address)) return wrong;
  return [{ at: "address", message: `must be an address such as '192.168.1.10', not '${address}'` }, ...wrong];
}

function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const bitsMax = isIpv4(address) ? 32 : isIpv6(address) ? 128 : -1;
  return more.length === 0 && bitsMax >= 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax));
}

export function isIpv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

/** One text for each address: IPv6 is written in many ways. */
export function canonicalAddress(text: string): string {
  return isIpv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : text;
}

/** Of a home (RFC 4193): it lasts, and a name server answers there. Those of a provider change, and are the internet's. */
export function isLocalIpv6(text: string): boolean {
  return /^f[cd]/i.test(text) && isIpv6(text);
}

/** Only this computer itself is asked there. */
export function isLoopback(text: string): boolean {
  return text === "::1" || (text.startsWith("127.") && isIpv4(text));
}

export function isIpv6(text: string): boolean {
  const [, body = text, v4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (v4 !== undefined && !isIpv4(v4)) return false;
  const groups = (v4 === undefined ? body : `${body}0:0`).split("::");
  const counted = groups.map((part) => (part === "" ? [] : part.split(":")));
  const count = counted.reduce((sum, part) => sum + part.length, 0);
  const fits = counted.every((part) => part.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group)));
  return fits && (groups.length === 1 ? count === 8 : groups.length === 2 && count < 8);
}
