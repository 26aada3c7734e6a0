// `describe`: all about one object, for a person: why here, what is not ready and why, what follows from it, what happened.
import { rootReasons } from "../api/service-rules.ts";
import type { Description, EventObject, ServedObject } from "../api/wire.ts";
import type { ServiceSpec } from "../api/types.ts";
import { age, bytes, span } from "./age.ts";
import { columnsOf, conditionsOf, labelsText, statusOf, statusWord } from "./columns.ts";
import { EXIT } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import { refOf } from "./rollout.ts";
import { formatTable } from "./table.ts";
import { parseNamedTargets, pathOf } from "./targets.ts";
import { trafficLines } from "./traffic.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const describe: Verb = {
  define(command, invoke) {
    command
      .argument("<kind|kind/name>", "what to describe")
      .argument("[name...]")
      .option("-o, --output <format>", "json or yaml")
      .addHelpText("before", "Examples:\n  fossora describe service jellyfin\n  fossora describe node/nas\n")
      .action((kind: string, names: readonly string[], flags: { readonly output?: string }) =>
        invoke((ports) => runDescribe([kind, ...names], flags.output, ports)),
      );
  },
};

export async function runDescribe(words: readonly string[], output: string | undefined, ports: CliPorts): Promise<number> {
  const format = parseFormat(output);
  const targets = parseNamedTargets(words, "describe");
  for (const [index, target] of targets.entries()) {
    const description = await ports.client.json<Description>("GET", `${pathOf(target)}/describe`);
    if (index > 0) ports.stdout.line("");
    if (format.kind === "json") ports.stdout.line(JSON.stringify(description, undefined, 2));
    else if (format.kind === "yaml") ports.stdout.line(await yaml(description));
    else for (const line of describeLines(description, ports)) ports.stdout.line(line);
  }
  return EXIT.ok;
}

/** Sections that say nothing are left out. */
function describeLines(description: Description, ports: CliPorts): readonly string[] {
  const { object, children, events, planned } = description;
  const nowMs = ports.now();
  return [
    ...headLines(object, nowMs),
    ...section("In the house", computerLines(description)),
    ...section("Rights", object.kind === "Service" ? rightsLines(object.spec) : []),
    ...section("Placement", placementLines(object)),
    ...section("Instances", instanceLines(object)),
    ...section("Conditions", conditionLines(object, nowMs)),
    ...section(
      "Pulling",
      description.pulls.map((pull) => `${pull.image}  ${bytes(pull.doneBytes)} of ${pull.totalBytes === 0 ? "?" : bytes(pull.totalBytes)}`),
    ),
    ...section("Follows", childLines(children, nowMs)),
    ...trafficLines(description.traffic ?? []),
    ...section("Next here", planned),
    ...section("Events", eventLines(events, nowMs)),
    ...tryLines(object),
  ];
}

function headLines(object: ServedObject, nowMs: number): readonly string[] {
  const { metadata } = object;
  const labels = labelsText(object);
  const rows = [
    ["Name", refOf({ kind: object.kind, name: metadata.name })],
    ...("owner" in metadata && metadata.owner !== undefined ? [["Follows from", metadata.owner.toLowerCase()]] : []),
    ...(labels === "-" ? [] : [["Labels", labels]]),
    ["Status", statusWord(object)],
    ...columnsOf(object.kind, { wide: true, labels: false })
      .filter(({ header }) => !["NAME", "STATUS", "AGE", "OWNER"].includes(header))
      .map((column) => [title(column.header), column.value(object, nowMs)])
      .filter(([, value]) => value !== "-"),
    ["Age", age(metadata.creationTimestamp, nowMs)],
    ...("generation" in metadata ? [["Generation", String(metadata.generation)]] : []),
  ];
  return formatTable(rows);
}

/** As the node that was asked sees it now. */
function computerLines({ computer }: Description): readonly string[] {
  if (computer === undefined) return [];
  const { role, self, address, peerUrl, roundTripMs, stateAgeMs, versions, lastSeen } = computer;
  const link = self ? "it is this computer" : roundTripMs === undefined ? "it does not answer" : `answers in ${roundTripMs} ms`;
  return formatTable([
    ["part", role],
    ...(address === undefined ? [] : [["agent", address]]),
    ...(peerUrl === undefined ? [] : [["store", peerUrl]]),
    ...(versions === undefined
      ? []
      : [["versions", `fossora ${versions.fossora}${versions.etcd === "" ? "" : `, etcd ${versions.etcd}`}`]]),
    ["link", link],
    ...(lastSeen === undefined || self ? [] : [["last seen", lastSeen]]),
    ...(stateAgeMs === undefined ? [] : [["its state", `${span(stateAgeMs)} old`]]),
  ]);
}

function rightsLines(spec: ServiceSpec): readonly string[] {
  const reasons = rootReasons(spec);
  return reasons.length === 0 ? [] : ["as mighty as root on its node:", ...reasons.map((reason) => `  ${reason}`)];
}

function placementLines(object: ServedObject): readonly string[] {
  const placement = object.kind === "Service" ? (statusOf(object)?.placement ?? []) : [];
  if (placement.length === 0) return [];
  const chosen = placement.filter((reason) => reason.chosen).length;
  const fits = placement.filter((reason) => reason.fits).length;
  const head =
    chosen > 0 ? [] : [fits === 0 ? `none of ${placement.length} node${placement.length === 1 ? "" : "s"} fits` : "not decided yet"];
  return [
    ...head,
    ...formatTable(placement.map(({ node, fits: does, chosen: is, reason }) => [node, is ? "chosen" : does ? "fits" : "no", reason])),
  ];
}

function instanceLines(object: ServedObject): readonly string[] {
  const instances = object.kind === "Service" ? (statusOf(object)?.instances ?? []) : object.kind === "Instance" ? [object.status] : [];
  const rows = instances.flatMap((instance) => [
    [instance.name, instance.node, instance.ready ? "ready" : instance.reason, instance.ready ? "" : instance.message],
    ...instance.containers.map((container) => [
      `  ${container.name}`,
      container.image,
      container.health === "none" ? container.state : `${container.state}, ${container.health}`,
      [
        ...(container.address === undefined ? [] : [container.address]),
        ...(container.restarts > 0 ? [`${container.restarts} restarts`] : []),
      ].join("  "),
    ]),
  ]);
  return formatTable(rows);
}

function conditionLines(object: ServedObject, nowMs: number): readonly string[] {
  return formatTable(
    conditionsOf(object).map(({ type, status, reason, message, lastTransitionTime }) => [
      type,
      status,
      reason,
      lastTransitionTime === undefined ? "" : age(lastTransitionTime, nowMs),
      message,
    ]),
  );
}

function childLines(children: readonly ServedObject[], nowMs: number): readonly string[] {
  const rows = children.map((child) => {
    const shown = columnsOf(child.kind, { wide: false, labels: false }).filter(({ header }) =>
      ["READY", "URL", "BACKENDS", "FQDN", "ANSWERS"].includes(header),
    );
    return [refOf({ kind: child.kind, name: child.metadata.name }), ...shown.map((column) => column.value(child, nowMs))];
  });
  return formatTable(rows);
}

function eventLines(events: readonly EventObject[], nowMs: number): readonly string[] {
  return formatTable(events.map(({ metadata, spec }) => [age(metadata.creationTimestamp, nowMs), spec.type, spec.reason, spec.message]));
}

/** The next thing to type, where something is wrong. */
function tryLines(object: ServedObject): readonly string[] {
  const isReady = conditionsOf(object).find((condition) => condition.type === "Ready");
  if (!isReady || isReady.status === "True") return [];
  if (object.kind === "Service") return ["", `Try         ${whatServiceSays(object.metadata.name, object)}`];
  if ("owner" in object.metadata && object.metadata.owner !== undefined)
    return ["", `Try         fossora describe ${object.metadata.owner.toLowerCase()}`];
  return ["", "Try         fossora status"];
}

/** What never ran has printed nothing. */
function whatServiceSays(name: string, service: Extract<ServedObject, { readonly kind: "Service" }>): string {
  const ran = (statusOf(service)?.instances ?? []).some(({ containers }) => containers.some(({ id }) => id !== undefined));
  return ran ? `fossora logs ${name} -n 50` : `fossora events --for service/${name}`;
}

function section(name: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", name, ...lines.map((line) => `  ${line}`)];
}

function title(header: string): string {
  return header === "URL" || header === "TTL" || header === "FQDN" || header === "ID"
    ? header
    : `${header.charAt(0)}${header.slice(1).toLowerCase()}`;
}
