// Answers the server's "how is it?": the kind's own pure status over this node's mirror, with what the engine has to add.
import { statusOf } from "../../controllers/index.ts";
import { partsOn, pullsOf } from "../../controllers/service/parts.ts";
import type { AnyResource, Kind, Name, NodeName } from "../api/resource.ts";
import type { DecidedService } from "../api/state.ts";
import type { AnyStatus } from "../api/status.ts";
import type { Mirror } from "../engine/contract.ts";
import type { Engine } from "../engine/engine.ts";
import type { Jobs, StatusReader } from "../ports.ts";

export interface NodeStatusOptions {
  readonly node: NodeName;
  readonly mirror: Mirror;
  readonly engine: Pick<Engine, "lastPlan">;
  readonly jobs: Pick<Jobs, "get">;
}

export class NodeStatusReader implements StatusReader {
  readonly #options: NodeStatusOptions;

  constructor(options: NodeStatusOptions) {
    this.#options = options;
  }

  status(kind: Kind, name: Name): AnyStatus | undefined {
    const { mirror, engine } = this.#options;
    const resource = mirror.desired(kind, name) as AnyResource | undefined; // a resource of one of the kinds
    if (!resource) return undefined;
    const status = statusOf(resource, mirror);
    const said = new Set(status.conditions.map(({ type }) => type));
    const added = (engine.lastPlan(kind, name)?.conditions ?? []).filter(({ type }) => !said.has(type));
    return added.length === 0 ? status : { ...status, conditions: [...status.conditions, ...added] };
  }

  progress(service: Name): ReturnType<StatusReader["progress"]> {
    const { node, mirror, jobs } = this.#options;
    const decided = mirror.decided<DecidedService>("Service", service)?.value;
    return pullsOf(partsOn(node, service, decided)).flatMap(({ image, key }) => {
      const job = jobs.get(key);
      return job?.state === "running" ? [{ image, progress: job.progress, sinceMs: job.sinceMs }] : [];
    });
  }

  planned(kind: Kind, name: Name): readonly string[] {
    return this.#options.engine.lastPlan(kind, name)?.actions ?? [];
  }
}
