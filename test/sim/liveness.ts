// The nodes' liveness: each agent's own picture of who is alive, from the signs of life that reach it. While all hear all, and nobody is
// away, nothing would come of it, and nothing is done.
import type { NodeName } from "../../src/api/resource.ts";
import { keys } from "../../src/api/keys.ts";
import type { DecidedMembership } from "../../src/api/state.ts";
import { recordDeath } from "../../src/agent/death.ts";
import { contactToPassOn } from "../../src/liveness/fence.ts";
import {
  advance,
  answered,
  heard,
  newLiveness,
  ownHearing,
  SEND_EVERY_MS,
  toAsk,
  toCondemn,
  withOthers,
  type Liveness as Picture,
} from "../../src/liveness/liveness.ts";
import type { Agent, SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** How long the verdict takes at most, once the others can write it. */
export const DOWN_AFTER_MS = 6_000;
const CONDEMN_LIMIT_MS = 3_000;

export class Liveness {
  readonly #world: World;
  readonly #pictures = new WeakMap<Agent, Picture>();
  readonly #condemning = new Set<string>();
  /** Then all were heard at the end of what was amiss before. */
  #wasCalm = false;

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#look();
    this.#world.time.timer(SEND_EVERY_MS, () => this.start());
  }

  #look(): void {
    const { time, nodes, hearing } = this.#world;
    const all = [...nodes.values()];
    const isCalm = all.length === 1 || (this.#world.network.isWhole && all.every((node) => node.alive && !node.cutOff));
    if (isCalm && this.#wasCalm) return;
    if (this.#wasCalm) hearing.begin(all, time.now());
    this.#wasCalm = isCalm;
    hearing.look(all, time.now());
    const ids = all.map(({ nodeId }) => nodeId);
    for (const node of all) this.#change(node, (picture) => withOthers(picture, ids));
    for (const node of all) this.#speak(node, all);
    for (const node of all) this.#ask(node, all);
    for (const node of all) this.#condemn(node, all);
  }

  /** Only an agent that runs has a picture. */
  #change(node: SimNode, change: (picture: Picture) => Picture): Picture | undefined {
    if (!node.alive || node.agent === undefined) return undefined;
    const nowMs = node.clock.now();
    const picture = change(advance(this.#pictures.get(node.agent) ?? newLiveness(node.nodeId, nowMs), nowMs));
    this.#pictures.set(node.agent, picture);
    return picture;
  }

  #speak(from: SimNode, all: readonly SimNode[]): void {
    const picture = this.#change(from, (same) => same);
    if (picture === undefined) return;
    const sign = this.#world.wiring.hear({
      nodeId: from.nodeId,
      bootId: from.bootId,
      counter: from.clock.now(),
      heard: ownHearing(picture),
    });
    for (const to of all) if (this.#world.hears(to, from)) this.#change(to, (before) => heard(before, sign));
  }

  /** Who is silent is asked on 734, and told how old the contact of the one that asks is. */
  #ask(node: SimNode, all: readonly SimNode[]): void {
    const picture = this.#change(node, (same) => same);
    for (const nodeId of picture === undefined ? [] : toAsk(picture)) {
      const other = all.find((each) => each.nodeId === nodeId);
      if (other === undefined || !this.#world.hears(node, other) || !this.#world.hears(other, node)) continue;
      this.#change(node, (before) => answered(before, nodeId));
      if (other.agent === undefined) passContact(node, other);
    }
  }

  #condemn(node: SimNode, all: readonly SimNode[]): void {
    const { agent, clock } = node;
    const picture = this.#change(node, (same) => same);
    if (picture === undefined || agent === undefined) return;
    const { voterIds } = this.#world;
    const voters = voterIds.length === 0 ? [node.nodeId] : this.#world.wiring.voters(node.nodeId, voterIds);
    for (const nodeId of toCondemn(picture, { bootedMs: clock.now() - node.bootedAtMs, voters })) {
      const other = all.find((each) => each.nodeId === nodeId);
      if (other !== undefined) this.#record(node, agent, other.name);
    }
  }

  #record(node: SimNode, agent: Agent, name: NodeName): void {
    const what = `${node.name} ${name}`;
    if (this.#condemning.has(what)) return;
    this.#condemning.add(what);
    const limit = new AbortController();
    const cancel = node.clock.timer(CONDEMN_LIMIT_MS, () => limit.abort(new Error("it takes too long")));
    const ports = { mirror: agent.mirror, store: agent.store, lease: agent.lease, events: agent.events, clock: node.clock };
    void recordDeath(ports, { node: name, by: node.name }, AbortSignal.any([limit.signal, agent.stop.signal]))
      .catch(() => {}) // it is tried again for as long as that node is silent
      .finally(() => {
        cancel();
        this.#condemning.delete(what);
      });
  }
}

function passContact({ agent, clock }: SimNode, other: SimNode): void {
  if (agent === undefined) return;
  const { lease, mirror } = agent;
  const isDown = mirror.decided<DecidedMembership>("Membership", other.name)?.value.state === "Down";
  const passed = contactToPassOn({ renewedAtMs: lease.renewedAtMs(), answeredAtMs: mirror.answeredAtMs, isDown });
  if (passed !== undefined) other.ingress?.contact(other.clock.now() - (clock.now() - passed));
}

export function isDown(world: World, node: SimNode): boolean {
  const value = world.etcd.get(keys.decided("Membership", node.name))?.value;
  return value !== undefined && (JSON.parse(value) as { readonly state: string }).state === "Down";
}
