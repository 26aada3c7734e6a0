// What must hold in the options of a route beyond their types, so that every request can be carried out. Pure.
interface HttpOptions {
  readonly headers?: { readonly request?: Readonly<Record<string, string>>; readonly response?: Readonly<Record<string, string>> };
  readonly forwardAuth?: { readonly url: string; readonly headers?: readonly string[] };
  readonly redirect?: { readonly to: string };
  readonly to?: { readonly url: string } | { readonly service?: string };
}

interface HttpProblem {
  /** The field below the route. */
  readonly at: string;
  readonly message: string;
  /** What to write in its stead. */
  readonly instead?: string;
}

/** RFC 9110, 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** RFC 9110, 5.5: no line breaks, no control characters; what is not Latin-1 has no byte. */
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** They say where a message ends, and are each connection's own. Some apps take `_` for `-`. */
const FRAMING =
  /^(connection|content[-_]length|expect|keep[-_]alive|proxy[-_]connection|te|trailer|transfer[-_]encoding|upgrade|http2[-_]settings)$/i;

export function httpProblems({ headers = {}, forwardAuth, redirect, to }: HttpOptions): readonly HttpProblem[] {
  const set = (["request", "response"] as const).flatMap((way) =>
    Object.entries(headers[way] ?? {}).flatMap(([name, value]) => {
      const message = nameProblem(name) ?? (NO_VALUE.test(value) ? `'${name}' must be one line of Latin letters and signs` : undefined);
      return message === undefined ? [] : [{ at: `headers.${way}`, message }];
    }),
  );
  const handed = (forwardAuth?.headers ?? []).flatMap((name, index) => {
    const message = nameProblem(name);
    return message === undefined ? [] : [{ at: `forwardAuth.headers[${index}]`, message }];
  });
  const led = to !== undefined && "url" in to ? targetProblems(to.url) : [];
  return [...set, ...handed, ...led, ...urlProblems("forwardAuth.url", forwardAuth?.url), ...urlProblems("redirect", redirect?.to)];
}

function nameProblem(name: string): string | undefined {
  if (!TOKEN.test(name)) return `'${name}' is no name of a header: it may have letters, digits and '-'`;
  return FRAMING.test(name) ? `cannot set '${name}': the proxy does, for each connection` : undefined;
}

function urlProblems(at: string, text: string | undefined): readonly HttpProblem[] {
  if (text === undefined) return [];
  const url = URL.parse(text);
  if (url === null) return [{ at, message: `must be an address such as 'https://new.home.internal/', not '${text}'` }];
  // Browsers write other letters so, too.
  return /^[!-~]+$/.test(text) ? [] : [{ at, message: `must be written as '${url.href}'`, instead: url.href }];
}

/** Of HTTP or of a stream: whether it is written as its kind asks is told elsewhere. */
function targetProblems(text: string): readonly HttpProblem[] {
  if (URL.canParse(text)) return [];
  const example = /^(?:tcp|udp):/.test(text) ? "tcp://192.168.1.5:1883" : "https://192.168.1.1";
  return [{ at: "to", message: `must be an address such as '${example}', not '${text}'` }];
}
