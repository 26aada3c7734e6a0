// What came in on port 733, read as a message: whatever the rest of this room relies on is checked once, here, within limits. Pure.
import { PROTOCOL, type Message } from "./messages.ts";
import { splitUrls } from "./peer-urls.ts";

/** Of one message as JSON: the edge reads no more than this. */
const MESSAGE_CHARACTERS_MAX = 65_536;
const TEXT_MAX = 512;
/** Credentials are certificates and keys. */
const OPAQUE_MAX = 32_768;
const ADDRESSES_MAX = 16;
const MEMBERS_MAX = 128;
const PEER_URLS_MAX = 4;
const MACS_MAX = 32;
const PORT_MAX = 65_535;

/** Throws a SyntaxError that says what is wrong. */
export function readMessage(text: string): Message {
  if (text.length > MESSAGE_CHARACTERS_MAX)
    throw new SyntaxError(`Cannot read the message: it has ${text.length} characters, and at most ${MESSAGE_CHARACTERS_MAX} are read.`);
  return parseMessage(jsonOf(text));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new SyntaxError("Cannot read the message: it is no JSON.", { cause });
  }
}

/** Throws a SyntaxError that names the field; fields of a newer release are let through. */
export function parseMessage(value: unknown): Message {
  const message = record(value, "message");
  if (message["protocol"] !== PROTOCOL)
    throw new SyntaxError(
      `Cannot read the message: it speaks protocol ${protocolOf(message)}, this program ${PROTOCOL}. Run the same release of Fossora on both computers.`,
    );
  const check = checks.get(message["kind"]);
  if (check === undefined) throw wrong("kind", [...checks.keys()].join(" or "));
  sender(message["from"]);
  check(message);
  return value as Message; // every field that is read was checked above
}

type Fields = Readonly<Record<string, unknown>>;

const checks: ReadonlyMap<unknown, (message: Fields) => void> = new Map<unknown, (message: Fields) => void>(
  Object.entries({
    hello: () => undefined,
    "hello-answer": (message: Fields) => addresses(message["members"], "members", MEMBERS_MAX),
    join: (message: Fields) => {
      request(message["request"]);
      if (message["proof"] !== undefined) text(message["proof"], "proof", OPAQUE_MAX);
    },
    "join-answer": (message: Fields) => {
      oneOf(["queued", "waits for approval", "refused", "try another"], message["verdict"], "verdict");
      text(message["reason"], "reason");
      addresses(message["members"], "members", MEMBERS_MAX);
    },
    "request-admission": (message: Fields) => {
      count(message["term"], "term");
      if (message["head"] !== undefined) nodeId(message["head"], "head");
      addresses(message["members"], "members", MEMBERS_MAX);
    },
    present: (message: Fields) => {
      request(message["request"]);
      flag(message["dataDirEmpty"], "dataDirEmpty");
      text(message["wall"], "wall");
    },
    admitted: (message: Fields) => {
      admission(record(message["admission"], "admission"));
      text(message["credentials"], "credentials", OPAQUE_MAX);
    },
    started: (message: Fields) => {
      if (message["memberId"] !== undefined) filled(message["memberId"], "memberId");
      filled(message["clusterId"], "clusterId");
    },
    moved: (message: Fields) => {
      peerUrl(message["peerUrl"], "peerUrl");
      if (message["witness"] !== undefined) flag(message["witness"], "witness");
    },
  }),
);

function sender(value: unknown): void {
  const from = record(value, "from");
  nodeId(from["nodeId"], "from.nodeId");
  name(from["name"], "from.name");
  addresses(from["addresses"], "from.addresses", ADDRESSES_MAX);
  const versions = record(from["versions"], "from.versions");
  text(versions["fossora"], "from.versions.fossora");
  text(versions["etcd"], "from.versions.etcd");
  if (from["founding"] !== undefined) oneOf(["asks", "founds"], from["founding"], "from.founding");
  if (from["foundsNone"] !== undefined) flag(from["foundsNone"], "from.foundsNone");
  if (from["house"] === undefined) return;
  const house = record(from["house"], "from.house");
  filled(house["id"], "from.house.id");
  count(house["epoch"], "from.house.epoch");
  if (house["clusterId"] !== undefined) filled(house["clusterId"], "from.house.clusterId");
  count(house["nodes"], "from.house.nodes");
  flag(house["hasObjects"], "from.house.hasObjects");
  oneOf(["auto", "approve", "off"], house["joining"], "from.house.joining");
}

function request(value: unknown): void {
  const fields = record(value, "request");
  peerUrl(fields["peerUrl"], "request.peerUrl");
  memberName(fields["memberName"], "request.memberName");
  const machine = record(fields["machine"], "request.machine");
  list(machine["macs"], "request.machine.macs", MACS_MAX).forEach((mac, index) => text(mac, `request.machine.macs[${index}]`));
  text(machine["productUuid"], "request.machine.productUuid");
  const fitness = record(fields["fitness"], "request.fitness");
  oneOf(["wired", "wireless"], fitness["link"], "request.fitness.link");
  flag(fitness["battery"], "request.fitness.battery");
  if (fitness["witness"] !== undefined) flag(fitness["witness"], "request.fitness.witness");
  const fsync = fitness["fsyncP99Ms"];
  if (typeof fsync !== "number" || !Number.isFinite(fsync) || fsync < 0) throw wrong("request.fitness.fsyncP99Ms", "a number of 0 or more");
}

function admission(fields: Fields): void {
  nodeId(fields["nodeId"], "admission.nodeId");
  oneOf(["learner", "worker"], fields["role"], "admission.role");
  name(fields["name"], "admission.name");
  memberName(fields["memberName"], "admission.memberName");
  if (fields["memberId"] !== undefined || fields["role"] === "learner") filled(fields["memberId"], "admission.memberId");
  filled(fields["clusterId"], "admission.clusterId");
  list(fields["initialCluster"], "admission.initialCluster", MEMBERS_MAX).forEach((each, index) => {
    const at = `admission.initialCluster[${index}]`;
    const member = record(each, at);
    memberName(member["name"], `${at}.name`);
    peerUrl(member["peerUrl"], `${at}.peerUrl`);
  });
}

/** As it may be shown to people. */
function protocolOf({ protocol }: Fields): string {
  return typeof protocol === "number" ? String(protocol) : "none";
}

function record(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(at, "an object");
  return value as Fields; // an object that is no list
}

function list(value: unknown, at: string, itemsMax: number): readonly unknown[] {
  if (!Array.isArray(value)) throw wrong(at, "a list");
  if (value.length > itemsMax) throw wrong(at, `a list of at most ${itemsMax}`);
  return value;
}

function addresses(value: unknown, at: string, itemsMax: number): void {
  list(value, at, itemsMax).forEach((each, index) => {
    if (typeof each !== "string" || !/^[0-9A-Za-z.:[\]%_-]{1,256}$/.test(each) || !portExists(each))
      throw wrong(`${at}[${index}]`, "an address such as 192.168.1.10:733");
  });
}

/** Or it names none: the colons of an IPv6 address without brackets lead to no port. */
function portExists(address: string): boolean {
  const port = /(?:^[^:]+|\]):(\d+)$/.exec(address)?.[1];
  return port === undefined || (Number(port) >= 1 && Number(port) <= PORT_MAX);
}

function text(value: unknown, at: string, charactersMax = TEXT_MAX): void {
  if (typeof value !== "string") throw wrong(at, "text");
  if (value.length > charactersMax) throw wrong(at, `text of at most ${charactersMax} characters`);
}

function filled(value: unknown, at: string): void {
  text(value, at);
  if (value === "") throw wrong(at, "text that is not empty");
}

function name(value: unknown, at: string): void {
  if (typeof value !== "string" || !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) throw wrong(at, "the name of a node such as nas");
}

function nodeId(value: unknown, at: string): void {
  if (typeof value !== "string" || !/^[a-z2-7]{16}$/.test(value)) throw wrong(at, "16 characters of base32");
}

/** It becomes part of a command line, where a comma or an equals sign would begin another member. */
function memberName(value: unknown, at: string): void {
  if (typeof value !== "string" || !/^[a-z2-7]{16}-[a-z0-9]{1,32}$/.test(value)) throw wrong(at, "a member's name: NODEID-INSTALLID");
}

function peerUrl(value: unknown, at: string): void {
  const urls = typeof value === "string" ? splitUrls(value) : [];
  if (urls.length < 1 || urls.length > PEER_URLS_MAX || !urls.every((url) => /^https:\/\/[0-9A-Za-z.:[\]-]{1,255}:\d{1,5}$/.test(url)))
    throw wrong(at, "a peer URL such as https://192.168.1.10:2380, or several with commas");
}

function flag(value: unknown, at: string): void {
  if (typeof value !== "boolean") throw wrong(at, "true or false");
}

function count(value: unknown, at: string): void {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw wrong(at, "a whole number of 0 or more");
}

function oneOf(words: readonly string[], value: unknown, at: string): void {
  if (!words.some((word) => word === value)) throw wrong(at, words.join(" or "));
}

function wrong(at: string, expected: string): SyntaxError {
  return new SyntaxError(`Cannot read the message: "${at}" must be ${expected}`);
}
