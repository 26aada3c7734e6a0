// A house on a lab host, an hour under load, one of its processes killed every minute: no request and no query may fail, but for the
// moment in which the ingress itself is away.
// Started by `npm run soak`; `--minutes N` for less.
import { parseArgs } from "node:util";
import { build } from "../../tools/build.ts";
import { HouseNode, type ProcessName } from "./house.ts";
import { downWhenInterrupted, Lab, labReason } from "./lab.ts";
import { failuresBesides, startLoad } from "./load.ts";

const host = "whoami.home.internal";
const manifest = `apiVersion: fossora.dev/v1\nkind: Service\nmetadata: { name: whoami }\nspec: { image: "lab/whoami:1", port: 80 }\n`;
const requestsPerSecond = 100;
const inTurn: readonly ProcessName[] = ["etcd", "agent", "ingress"];

const { values } = parseArgs({ options: { minutes: { type: "string", default: "60" } } });
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function soak(minutes: number): Promise<readonly string[]> {
  await build(say);
  const lab = new Lab();
  downWhenInterrupted();
  try {
    const [first] = await lab.up(1);
    if (!first) throw new Error("the lab gave no host");
    const node = new HouseNode(lab, first);
    await node.install();
    await node.start();
    await node.apply(manifest, "--wait", "--timeout", "2m");
    const containers = await node.containers();
    const failures: string[] = [];
    for (let minute = 1; minute <= minutes; minute++) {
      const load = startLoad({ address: first.ip, httpPort: 80, dnsPort: 53, host, requestsPerSecond, queriesPerSecond: 20 });
      await load.answers(requestsPerSecond * 30);
      const killed = inTurn[minute % inTurn.length] ?? "etcd";
      const killedMs = load.passedMs();
      await node.signal(killed, "KILL");
      await load.answers(requestsPerSecond * 30);
      await node.ready();
      const { requests, queries, failures: failed, slowestMs } = await load.stop();
      say(`minute ${minute}, ${killed} killed: ${requests} requests, ${queries} queries, ${failed.length} failed, slowest ${slowestMs} ms`);
      const unexplained = killed === "ingress" ? failuresBesides(killedMs, failed) : failed;
      failures.push(...unexplained.map(({ atMs, what }) => `minute ${minute}, ${killed} killed: ${atMs} ms: ${what}`));
    }
    if (String(await node.containers()) !== String(containers)) failures.push("a container was restarted");
    return failures;
  } finally {
    await lab.down();
  }
}

const reason = labReason();
if (reason !== undefined) say(`Left out: ${reason}`);
else {
  const failures = await soak(Number(values.minutes));
  for (const failure of failures) say(failure);
  if (failures.length > 0) process.exitCode = 1;
}
