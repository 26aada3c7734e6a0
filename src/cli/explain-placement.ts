// `explain placement`: of each node, why a Service runs there, could, or cannot; and what its spec says about it.
import type { ServiceSpec } from "../api/types.ts";
import type { ServedResource } from "../api/wire.ts";
import { conditionsOf, statusOf } from "./columns.ts";
import { EXIT, Failure } from "./failure.ts";
import { refOf } from "./rollout.ts";
import { formatTable } from "./table.ts";
import type { CliPorts } from "./verb.ts";

export async function explainPlacement(word: string | undefined, ports: CliPorts): Promise<number> {
  const [kind, name] = word?.includes("/") === true ? word.split("/", 2) : ["service", word];
  if (name === undefined || name === "" || !["service", "services", "svc"].includes(kind ?? ""))
    throw new Failure(EXIT.usage, "Cannot explain the placement: it is that of a Service.", "fossora explain placement svc/NAME");
  const service = await ports.client.json<ServedResource>("GET", `/api/v1/services/${encodeURIComponent(name)}`);
  if (service.kind !== "Service") throw new Error(`${name} is no Service`);
  const { placement = [], nodes = [] } = statusOf(service) ?? {};
  const waits = conditionsOf(service).find(({ type, status }) => type === "Scheduled" && status === "False");
  const where = nodes.length === 0 ? "runs nowhere" : `runs on ${nodes.join(", ")}`;
  ports.stdout.line(`${refOf({ kind: "Service", name })} ${where}${waits === undefined ? "" : `, and waits: ${waits.reason}`}`);
  const rows = placement.map(({ node, chosen, fits, reason }) => [`  ${node}`, chosen ? "runs it" : fits ? "could" : "no", reason]);
  for (const line of [...formatTable(rows), "", ...formatTable(wishesOf(service.spec))]) ports.stdout.line(line);
  return EXIT.ok;
}

/** What it asks for, in the words of its spec. */
function wishesOf({ replicas, placement, containers, after = [] }: ServiceSpec): readonly (readonly string[])[] {
  const devices = [...new Set(containers.flatMap((container) => (container.devices ?? []).map((device) => device.class)))];
  const reserved = containers.flatMap(({ resources }) => (resources === undefined ? [] : [JSON.stringify(resources)]));
  return [
    ["  replicas", String(replicas)],
    ["  spread", placement?.spread ?? "node"],
    ...(placement?.require === undefined ? [] : [["  require", JSON.stringify(placement.require)]]),
    ...(placement?.prefer === undefined ? [] : [["  prefer", JSON.stringify(placement.prefer)]]),
    ...(devices.length === 0 ? [] : [["  devices", devices.join(", ")]]),
    ...(after.length === 0 ? [] : [["  after", after.join(", ")]]),
    ["  reserves", reserved.length === 0 ? "128Mi" : reserved.join(", ")],
  ];
}
