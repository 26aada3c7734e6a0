// The apps of a house in trouble, and how each is asked: every answer says whose it is, so that another app's is seen.
import { askDatagram, askPage, askStream } from "../support/house-client.ts";

export interface ChaosApp {
  readonly name: string;
  readonly manifest: string;
  /** Asks it at a computer of the house; throws when it is not answered. The text says what was wrong about the answer, if anything. */
  readonly ask: (address: string) => Promise<string | undefined>;
  /** It is never to run on two computers at once. */
  readonly exclusive?: boolean;
}

const TCP_PORT = 7_001;
const UDP_PORT = 7_002;
const CONNECT_MS = 1_000;
/** The proxy lets a request wait for ten seconds. */
const ANSWER_MS = 15_000;
const STREAM_MS = 5_000;
const DATAGRAM_MS = 1_000;
const ZONE = "home.internal";
export const DATA_APP = "data";

/** Its page says who it is. */
function pageApp(name: string, spec: string, more: Pick<ChaosApp, "exclusive"> = {}): ChaosApp {
  return { name, manifest: manifestOf(name, `port: 80, ${spec}`), ask: (address) => askForName(name, address), ...more };
}

export const APPS: readonly ChaosApp[] = [
  ...["one", "two", "four", "five", "six"].map((name) => pageApp(name, 'image: "lab/whoami:1"')),
  pageApp("checked", 'image: "lab/health:1"'),
  pageApp("three", 'image: "lab/whoami:1", replicas: 3'),
  pageApp("every", 'image: "lab/whoami:1", replicas: all'),
  pageApp("alone", 'image: "lab/whoami:1", volumes: ["host:/srv:/data"], stopGrace: 1s', { exclusive: true }),
  // Its computer's disk is never wiped.
  pageApp(DATA_APP, 'image: "lab/data:1", volumes: ["files:/data"], placement: { require: { nodes: [h1] } }', { exclusive: true }),
  {
    name: "raw",
    manifest: manifestOf("raw", `image: "lab/whoami:1", listen: ["${TCP_PORT}:80/tcp"]`),
    ask: async (address) => {
      const answer = await askStream(address, TCP_PORT, "GET /json HTTP/1.0\r\n\r\n", STREAM_MS);
      return answer.includes('"name":"raw"') ? undefined : emptyOr(answer);
    },
  },
  {
    name: "packets",
    manifest: manifestOf("packets", `image: "lab/whoami:1", listen: ["${UDP_PORT}:80/udp"]`),
    ask: async (address) => {
      const word = `word${Math.floor(performance.now() * 1000)}`;
      const answer = await askDatagram({ address, port: UDP_PORT, limitMs: DATAGRAM_MS }, Buffer.from(word), () => true);
      if (answer === undefined) throw new Error("no datagram came back");
      const text = answer.toString();
      return text.startsWith("packets ") && text.endsWith(` ${word}`) ? undefined : text;
    },
  },
];

export function hostOf(app: string): string {
  return `${app}.${ZONE}`;
}

function manifestOf(name: string, spec: string): string {
  return `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: ${name} }\nspec: { ${spec}, env: { NAME: ${name} } }\n`;
}

async function askForName(name: string, address: string): Promise<string | undefined> {
  const answer = await askPage({ address, host: hostOf(name), path: "/json", connectMs: CONNECT_MS, limitMs: ANSWER_MS });
  // That nobody has this name is as wrong as another app's page; that it is away is not.
  if (answer.status >= 500) throw new Error(`status ${answer.status}`);
  return answer.status === 200 && answer.body.startsWith(`{"name":"${name}",`)
    ? undefined
    : `${answer.status} ${answer.body.slice(0, 200)}`;
}

/** A connection that was closed before anything was said has answered nothing. */
function emptyOr(answer: string): string {
  if (answer === "") throw new Error("the connection was closed");
  return answer.slice(0, 200);
}
