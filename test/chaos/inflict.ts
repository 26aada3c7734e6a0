// Carries out what was drawn: begins a fault on lab hosts, and ends it.
import type { HouseNode, ProcessName } from "../support/house.ts";
import type { LabHouse } from "../support/lab-house.ts";
import type { Fault } from "./faults.ts";

const KILL_EVERY_MS = 1_000;
const SPINNERS = 4;
const LOSS = "2%";
const DATA = "/var/lib/fossora";
const FILLER = `${DATA}/filler`;
/** Room that a node's data has: little, so that its disk can be filled, and more than a node must have free to be given apps. */
const DISK_MIB = 3_072;
/**
 * What is only set aside is not written: the machine's own disk has little to do with it. Of a computer that has just come back the disk is there
 * a moment later: without it the machine's own would be filled. Fails where the disk did not come to be full.
 */
const FILL = `for each in $(seq 600); do mountpoint -q ${DATA} && break; sleep 0.1; done; mountpoint -q ${DATA} || exit 1
  free() { df --output=avail -B1 ${DATA} | tail -n 1; }
  fallocate -l $(free) ${FILLER}; dd if=/dev/zero of=${FILLER}.2 bs=1k 2>/dev/null; test $(free) -lt 1048576`;
const PROGRAMS: readonly ProcessName[] = ["agent", "ingress", "etcd"];

/** Each computer keeps its state on a small disk of its own, also after a power cut. */
export const superviseOnSmallDisk: readonly string[] = [
  "sh",
  "-c",
  `test -e /var/disk.img || { truncate -s ${DISK_MIB}M /var/disk.img && mkfs.ext4 -q -m 0 /var/disk.img; }
   mkdir -p ${DATA} && { mountpoint -q ${DATA} || mount -o loop /var/disk.img ${DATA}; }
   rm -f ${FILLER} ${FILLER}.2; exec /usr/local/bin/fossora supervise`,
];

type End = () => Promise<void>;

export class Inflictor {
  readonly #house: LabHouse;
  /** Starts what a computer that was wiped lost. */
  readonly #install: (number: number) => Promise<void>;

  constructor(house: LabHouse, install: (number: number) => Promise<void>) {
    this.#house = house;
    this.#install = install;
  }

  /** Answers how it ends. */
  async begin(fault: Fault): Promise<End> {
    const { kind, host } = fault;
    const { lab } = this.#house;
    const node = this.#house.node(host);
    const { name } = node;
    switch (kind) {
      case "power":
        await lab.kill(name);
        return () => lab.boot(name);
      case "wipe":
        await lab.wipe(name);
        return async () => {
          await lab.boot(name);
          await this.#install(host);
        };
      case "pause":
      case "hang":
        await lab.pause(name, { hang: kind === "hang" });
        return () => lab.resume(name);
      case "cut":
        await lab.cut(name);
        return () => lab.heal(name);
      case "cut-out":
      case "cut-in":
        // The tailnet's relay as well: it would carry what the link does not.
        await lab.cut(name, ...this.#others(name), "control", kind === "cut-out" ? "--out" : "--in");
        return () => lab.heal(name);
      case "cut-pair":
        await lab.cut(name, this.#house.node(fault.other ?? 0).name);
        return () => lab.heal(name);
      case "slow":
        await lab.slow(name, { delay: `${fault.delayMs}ms`, loss: LOSS });
        return () => lab.heal(name);
      case "dockerd":
        await lab.stop(name, "dockerd", { kill: true });
        return () => lab.restart(name, "dockerd");
      case "disk":
        await lab.exec(name, "sh", "-c", FILL);
        return async () => void (await lab.exec(name, "rm", "-f", FILLER, `${FILLER}.2`));
      case "etcd":
        return this.#killFor(node, "etcd", fault.forMs);
      case "agent":
      case "ingress":
        await node.signal(kind, "KILL").catch(() => undefined); // it is away already
        return async () => {};
      case "stall":
        return this.#stall(node, fault.forMs);
      case "busy":
        return this.#spin(node, fault.forMs);
    }
  }

  #others(name: string): readonly string[] {
    return this.#house.nodes.map((node) => node.name).filter((other) => other !== name);
  }

  /** Again and again: its agent starts it anew. */
  async #killFor(node: HouseNode, program: ProcessName, forMs: number): Promise<End> {
    const untilMs = performance.now() + forMs;
    const killing = (async () => {
      while (performance.now() < untilMs) {
        await node.signal(program, "KILL").catch(() => undefined); // not started again yet
        await sleep(KILL_EVERY_MS);
      }
    })();
    return () => killing;
  }

  /** By one shell there: a pause of the whole host takes longer to end than it may last. */
  async #stall(node: HouseNode, forMs: number): Promise<End> {
    const pids = (await Promise.all(PROGRAMS.map((program) => node.pid(program)))).join(" ");
    const stalled = node.lab.exec(node.name, "sh", "-c", `kill -STOP ${pids}; sleep ${forMs / 1000}; kill -CONT ${pids}`);
    return async () => void (await stalled);
  }

  async #spin(node: HouseNode, forMs: number): Promise<End> {
    const script = `for each in $(seq ${SPINNERS}); do timeout ${forMs / 1000} sh -c 'while :; do :; done' & done; wait`;
    const spinning = node.lab.tryExec(node.name, "sh", "-c", script);
    return async () => void (await spinning);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
