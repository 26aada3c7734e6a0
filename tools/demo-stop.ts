// `npm run demo -- stop`: takes back what the demo made, last thing first, and says what it took.
import { existsSync } from "node:fs";
import { runCommand } from "./command.ts";
import { fossora, houseSummary, program } from "./demo-house.ts";
import { refuseHousehold } from "./demo-household.ts";
import { removeOwned, type Made } from "./demo-made.ts";
import { endEngine, engineAnswers, engineRequest, type StartedEngine } from "./engine.ts";
import { removeHelloImage, helloImage } from "./hello-image.ts";
import { isAlive, removeTree, type Say } from "./machine.ts";

/**
 * Each part by itself may be gone already. Says a line for each thing that was removed, or left with a reason. Throws before anything is
 * removed where a household would lose what is its own.
 */
export async function removeEverything(made: Made, service: string, say: Say): Promise<void> {
  if (made.house?.kind === "made") {
    await refuseHousehold(made.house.dataDir, service);
    await removeHouse(made.house, say);
  } else {
    if (made.service && (await houseSummary())) {
      await fossora("delete", "service", service);
      say(`Removed service/${service}; the house was here before and stays`);
    }
    if (made.house?.kind === "started") {
      await fossora("down");
      say("Stopped the house, as it was before");
    }
  }
  if (made.image && (await engineAnswers()) && (await removeHelloImage())) say(`Removed the image ${helloImage}`);
  if (made.engine) say(await endOurEngine(made.engine));
}

async function removeHouse({ dataDir, runDir, before }: Extract<Made["house"], { kind: "made" }>, say: Say): Promise<void> {
  if (existsSync(program)) {
    const { code, output } = await runCommand([program, "uninstall"], { limitMs: 120_000 });
    if (code !== 0) throw new Error(`fossora uninstall failed:\n${output}`);
    say("Stopped and uninstalled the house");
  }
  if (await engineAnswers()) {
    const count = await removeOwned(before);
    if (count > 0) say(`Removed ${count} of its containers, networks and volumes`);
  }
  for (const folder of [dataDir, runDir]) {
    if (!existsSync(folder)) continue;
    removeTree(folder);
    say(`Removed ${folder}`);
  }
}

/** Not when somebody else came to use it. One that died has left its traces too. */
async function endOurEngine(engine: StartedEngine): Promise<string> {
  const { pid } = engine.process;
  if (await engineAnswers()) {
    if (!isAlive(engine.process)) return `Left the Docker engine alone: it is another than the one that the demo had started (pid ${pid})`;
    const others = (JSON.parse((await engineRequest("GET", "/containers/json?all=1")).body) as readonly unknown[]).length; // Docker's API
    if (others > 0) return `Left dockerd (pid ${pid}) running: it has ${others} containers that are not the demo's`;
  }
  await endEngine(engine);
  return "Ended the dockerd that the demo had started";
}
