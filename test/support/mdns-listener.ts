// Multicast DNS on a lab host as a test sees it: what was said, one-shot questions, and bytes that nobody should send.
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import dnsPacket from "dns-packet";
import type { CommandOutcome, Lab } from "./lab.ts";
import { until } from "./until.ts";

const script = readFileSync(path.join(import.meta.dirname, "mdns-client.py"), "utf8");

export interface Said {
  readonly from: string;
  readonly port: number;
  readonly message: dnsPacket.DecodedPacket;
}

export class MdnsListener {
  readonly said: Said[] = [];
  #stop = (): void => {};

  static async start(lab: Lab, host: string): Promise<MdnsListener> {
    const listener = new MdnsListener();
    const child = lab.spawn(host, "python3", "-c", script, "listen");
    listener.#stop = () => void child.kill();
    let listens = false;
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line === "listening") listens = true;
      else listener.said.push(saidIn(line));
    });
    await until("somebody listens", () => listens);
    return listener;
  }

  /** Every address record of that name, and its time to live. */
  told(name: string): readonly { readonly from: string; readonly ttl: number; readonly address: string }[] {
    return this.said.flatMap(({ from, message: { type, answers = [] } }) =>
      answers.flatMap((answer) =>
        type === "response" && (answer.type === "A" || answer.type === "AAAA") && answer.name === name
          ? [{ from, ttl: answer.ttl ?? 0, address: answer.data }]
          : [],
      ),
    );
  }

  stop(): void {
    this.#stop();
  }
}

export interface OneShots {
  readonly count: number;
  readonly everySeconds: number;
  readonly type?: number;
}

/** As a resolver asks that knows no mDNS: from a port of its own. */
export async function askOneShot(
  lab: Lab,
  host: string,
  name: string,
  { count, everySeconds, type = 1 }: OneShots = { count: 1, everySeconds: 0 },
): Promise<{ readonly answers: readonly Said[]; readonly unanswered: number }> {
  const { code, stdout } = await run(lab, host, "ask", name, String(type), String(count), String(everySeconds));
  return { answers: stdout.split("\n").filter(Boolean).map(saidIn), unanswered: code };
}

/** Bytes by chance, half of them near to a question. */
export async function sendFuzz(
  lab: Lab,
  host: string,
  name: string,
  { count, seed }: { readonly count: number; readonly seed: number },
): Promise<void> {
  await run(lab, host, "fuzz", name, String(count), String(seed));
}

function run(lab: Lab, host: string, ...args: readonly string[]): Promise<CommandOutcome> {
  return lab.tryExec(host, "python3", "-c", script, ...args);
}

function saidIn(line: string): Said {
  const [from = "", port, hex = ""] = line.split(" ");
  return { from, port: Number(port), message: dnsPacket.decode(Buffer.from(hex, "hex")) };
}
