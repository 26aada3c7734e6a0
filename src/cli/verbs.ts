// The table of commands: what bare `fossora` shows, and where each verb is. A verb is loaded when it is asked for.
import type { Verb } from "./verb.ts";

export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  /** Not shown in the help. */
  readonly hidden?: boolean;
  readonly load: () => Promise<Verb>;
}

export const VERBS: readonly VerbEntry[] = [
  {
    group: "This computer",
    name: "up",
    summary: "make this computer a node of a house, for good",
    load: async () => (await import("./up.ts")).up,
  },
  {
    group: "This computer",
    name: "down",
    summary: "stop Fossora here; the apps run on",
    load: async () => (await import("./down.ts")).down,
  },
  {
    group: "This computer",
    name: "uninstall",
    summary: "remove Fossora from here; data and apps stay",
    load: async () => (await import("./uninstall.ts")).uninstall,
  },
  {
    group: "This computer",
    name: "stopping",
    summary: "hand the apps over before this machine stops",
    load: async () => (await import("./stopping.ts")).stopping,
  },
  { group: "This computer", name: "agent", summary: "run a node in the foreground", load: async () => (await import("./agent.ts")).agent },
  {
    group: "This computer",
    name: "supervise",
    summary: "keep an agent running where there is no systemd",
    hidden: true,
    load: async () => (await import("./supervise.ts")).supervise,
  },
  {
    group: "The house",
    name: "invite",
    summary: "a token for one more computer",
    load: async () => (await import("./invite.ts")).invite,
  },
  {
    group: "The house",
    name: "join",
    summary: "make this computer a node of a house that is there",
    load: async () => (await import("./join.ts")).join,
  },
  {
    group: "The house",
    name: "takeover",
    summary: "go on with the house here, when the computer that kept its state is gone",
    load: async () => (await import("./takeover.ts")).takeover,
  },
  {
    group: "This computer",
    name: "leave",
    summary: "take this computer out of its house; data stays",
    load: async () => (await import("./leave.ts")).leave,
  },
  {
    group: "The house",
    name: "node",
    summary: "look at computers, let them in, take them out",
    load: async () => (await import("./node.ts")).node,
  },
  {
    group: "The house",
    name: "rebalance",
    summary: "even the load out by a few moves, once they are confirmed",
    load: async () => (await import("./rebalance.ts")).rebalance,
  },
  { group: "Apps", name: "apply", summary: "make the house as the files say", load: async () => (await import("./apply.ts")).apply },
  {
    group: "Apps",
    name: "delete",
    summary: "remove what was applied; data stays",
    load: async () => (await import("./delete.ts")).deleteVerb,
  },
  { group: "Apps", name: "logs", summary: "what an app prints", load: async () => (await import("./logs.ts")).logs },
  { group: "Apps", name: "exec", summary: "run a command in an app's container", load: async () => (await import("./exec.ts")).exec },
  {
    group: "Apps",
    name: "rollout",
    summary: "watch, pause, resume, undo or restart an update",
    load: async () => (await import("./rollout-commands.ts")).rollout,
  },
  {
    group: "Apps",
    name: "wait",
    summary: "until an object is ready, gone or as you say",
    load: async () => (await import("./wait.ts")).wait,
  },
  {
    group: "Look",
    name: "status",
    summary: "the house in one look, problems first",
    load: async () => (await import("./status.ts")).status,
  },
  { group: "Look", name: "get", summary: "list objects, or watch them", load: async () => (await import("./get.ts")).get },
  {
    group: "Look",
    name: "describe",
    summary: "all about one object: why here, why not ready",
    load: async () => (await import("./describe.ts")).describe,
  },
  {
    group: "Look",
    name: "dns",
    summary: "check that names lead here, and set up what asks",
    load: async () => (await import("./dns.ts")).dns,
  },
  { group: "Look", name: "top", summary: "how busy computers and apps are now", load: async () => (await import("./top.ts")).top },
  {
    group: "Look",
    name: "drill",
    summary: "can I unplug this computer now? what would move, and what would wait",
    load: async () => (await import("./drill.ts")).drill,
  },
  { group: "Look", name: "events", summary: "what happened", load: async () => (await import("./events.ts")).events },
  { group: "Learn", name: "explain", summary: "what a field means", load: async () => (await import("./explain.ts")).explain },
  {
    group: "Learn",
    name: "api-resources",
    summary: "the kinds of objects, and their short names",
    load: async () => (await import("./api-resources.ts")).apiResources,
  },
  {
    group: "Learn",
    name: "hash-password",
    summary: "a password as `basicAuth` takes it",
    load: async () => (await import("./hash-password.ts")).hashPassword,
  },
  {
    group: "Learn",
    name: "completion",
    summary: "complete words in bash, zsh or fish",
    load: async () => (await import("./completion.ts")).completion,
  },
  {
    group: "Learn",
    name: "complete",
    summary: "what a shell asks at each Tab",
    hidden: true,
    load: async () => (await import("./completion.ts")).complete,
  },
  { group: "Learn", name: "version", summary: "of this program and of the node", load: async () => (await import("./version.ts")).version },
];
