import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, describe, test } from "node:test";
import { Gossip } from "../../src/adapters/gossip/socket.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { LivenessKeeper } from "../../src/agent/liveness.ts";
import { BOOT_GRACE_MS } from "../../src/liveness/liveness.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";

const key = randomBytes(32);
const idOf = (name: string): string => name.repeat(16);

interface Node {
  readonly id: string;
  readonly gossip: Gossip;
  readonly keeper: LivenessKeeper;
  readonly port: number;
  readonly ending: AbortController;
  readonly told: (readonly string[])[];
  readonly condemned: string[];
  /** Whether its ingress answers, and how often it was asked. */
  ingress: boolean;
  asked: number;
}

describe("who is alive, over real UDP", () => {
  const nodes = new Map<string, Node>();
  const ended: Promise<void>[] = [];
  after(async () => {
    for (const { ending } of nodes.values()) ending.abort();
    await Promise.all(ended);
    for (const { gossip } of nodes.values()) await gossip.close();
  });

  async function start(name: string): Promise<Node> {
    const id = idOf(name);
    const told: (readonly string[])[] = [];
    const condemned: string[] = [];
    const gossip: Gossip = new Gossip({ keys: () => [key], onSign: (sign) => keeper.hear(sign), log: silentLog });
    const keeper = new LivenessKeeper({
      identity: { node: name, nodeId: id, bootId: idOf(name), bootedAtMs: 0 },
      others: () =>
        new Map([...nodes].filter(([other]) => other !== id).map(([other, { port }]) => [other, [{ address: "127.0.0.1", port }]])),
      voters: () => [...nodes.keys()],
      send: (sign, to) => gossip.send(sign, to),
      ask: async (other) => {
        const { [other]: node } = Object.fromEntries(nodes);
        assert.ok(node);
        node.asked++;
        assert.ok(node.ingress);
      },
      bootedMs: () => BOOT_GRACE_MS,
      onSuspects: (now) => told.push(now),
      condemn: async (other) => void condemned.push(other),
      clock: systemClock,
      log: silentLog,
    });
    const node: Node = {
      id,
      gossip,
      keeper,
      port: await gossip.open(0),
      ending: new AbortController(),
      told,
      condemned,
      ingress: true,
      asked: 0,
    };
    nodes.set(id, node);
    ended.push(keeper.run(node.ending.signal));
    return node;
  }

  test("a node that stops is suspect and condemned; one whose ingress answers is not; one that is heard again is trusted again", async () => {
    const [a, b, c] = [await start("a"), await start("b"), await start("c")];
    await until("all hear each other", () =>
      [a, b, c].every(({ keeper, id }) => [...nodes.keys()].every((other) => other === id || (keeper.silenceOf(other) ?? 9e9) < 600)),
    );

    c.ending.abort();
    await until("c's ingress has answered for seconds", () => c.asked > 12);
    assert.deepEqual([a.condemned, b.condemned], [[], []]);

    c.ingress = false;
    await until("a condemns c", () => a.condemned.includes(c.id));
    assert.deepEqual([a.keeper.suspects, b.keeper.suspects], [[c.id], [c.id]]);
    assert.deepEqual(a.told, [[c.id]]);

    nodes.delete(c.id);
    await until("who was removed is nobody's business", () => a.keeper.silenceOf(c.id) === undefined);
    nodes.set(c.id, c);
    c.ingress = true;
    await until("its ingress answers again", () => a.keeper.suspects.length === 0 && b.keeper.suspects.length === 0);
  });
});
