// What Docker's refusals mean: its status code and its words become a fault that a condition can name a remedy for. Pure.
import { EngineError, type EngineFault } from "../../api/errors.ts";

/** The first that matches, top to bottom. Docker 20.10 to 28 say these; `pull` marks what only a registry can say. */
const RULES: readonly { readonly says: RegExp; readonly fault: EngineFault; readonly pull?: true }[] = [
  { says: /no space left on device|disk quota exceeded/i, fault: "diskFull" },
  {
    says: /bind source path does not exist|failed to mount local volume.*no such file or directory|error while mounting volume.*no such file|error mounting "[^"]+" to rootfs.*no such file/i,
    fault: "hostPathMissing",
  },
  { says: /error gathering device information|could not select device driver|no such device/i, fault: "deviceMissing" },
  {
    says: /address already in use|port is already allocated|pool overlaps|overlaps with other one|invalid pool request/i,
    fault: "addressInUse",
  },
  {
    says: /task [0-9a-f]+:? already exists|container with (given )?id already exists|endpoint with name \S+ already exists in network/i,
    fault: "leftover",
  },
  { says: /is already in use by container|already exists/i, fault: "nameInUse" },
  { says: /toomanyrequests|too many requests|rate limit/i, fault: "rateLimited", pull: true },
  {
    says: /no matching manifest for|no match for platform|does not (match|provide) (the|any) (specified )?platform/i,
    fault: "platformMissing",
  },
  // Docker Hub answers the same to a typing error as to a private image: the typing error is the commoner one.
  {
    says: /repository does not exist|manifest unknown|manifest for .* not found|name unknown|not found: manifest|repository .* not found/i,
    fault: "imageNotFound",
    pull: true,
  },
  {
    says: /unauthorized|authentication required|no basic auth credentials|denied|\b40[13]\b|forbidden/i,
    fault: "registryRefused",
    pull: true,
  },
  {
    says: /dial tcp|lookup .* on |no such host|i\/o timeout|timeout|deadline exceeded|connection re(fused|set)|no route to host|x509|tls:|http response to https|unexpected eof|\beof\b|\b50[0234]\b/i,
    fault: "registryUnreachable",
    pull: true,
  },
  { says: /no such image/i, fault: "imageNotFound" },
];

/** What Node says when a socket cannot be used, and what to do. */
const SOCKET_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such socket: is Docker installed and running?",
  ECONNREFUSED: "nobody listens there: is Docker running?",
  EACCES: "permission denied: run as root, or join the group docker",
};

/** `action` reads on from "Cannot": `start container "x"`. */
export function engineError(action: string, cause: unknown, during: "pull" | "call" = "call"): EngineError {
  if (cause instanceof EngineError) return cause;
  const { message, statusCode, code, socket } = wireError(cause);
  if (statusCode === undefined && (code !== undefined || during === "call")) {
    const where = socket === undefined ? "" : ` on ${socket}`;
    return new EngineError("unavailable", `Cannot ${action}: Docker does not answer${where} (${SOCKET_FAULTS[code ?? ""] ?? message})`, {
      cause,
    });
  }
  return new EngineError(faultOf(message, statusCode, during), `Cannot ${action}: ${message}`, { cause });
}

function faultOf(message: string, statusCode: number | undefined, during: "pull" | "call"): EngineFault {
  const rule = RULES.find(({ says, pull }) => (during === "pull" || !pull) && says.test(message));
  if (rule) return rule.fault;
  if (statusCode === 429) return "rateLimited";
  if (statusCode === 404) return during === "pull" ? "imageNotFound" : "notFound";
  return "invalid";
}

interface WireError {
  readonly message: string;
  /** Of Docker's answer; absent when there was none. */
  readonly statusCode: number | undefined;
  /** Node's `ECONNREFUSED` and the like. */
  readonly code: string | undefined;
  /** Its path, where connecting failed. */
  readonly socket: string | undefined;
}

/** docker-modem wraps Docker's words as "(HTTP code 404) no such container - WORDS ". */
function wireError(cause: unknown): WireError {
  const { statusCode, code, address } = (cause ?? {}) as Readonly<Record<string, unknown>>; // whatever docker-modem or Node threw
  const words = cause instanceof Error ? cause.message : String(cause);
  return {
    message: words.replace(/^\(HTTP code \d+\) [^-]*- /, "").trim(),
    statusCode: typeof statusCode === "number" ? statusCode : undefined,
    code: typeof code === "string" ? code : undefined,
    socket: typeof address === "string" ? address : undefined,
  };
}

/** Docker's status code, where the caller knows better than a fault what it means (304: nothing to do). */
export function statusCode(cause: unknown): number | undefined {
  return wireError(cause).statusCode;
}
