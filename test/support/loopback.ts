// Addresses that this computer has on its loopback for the time of a test, which only root can give it.
import { execFileSync, spawnSync } from "node:child_process";

export class LoopbackAddresses {
  readonly #addresses: readonly string[];

  /** With their prefix, as `10.254.77.1/32`. What an interrupted run left of them goes. */
  constructor(...addresses: readonly string[]) {
    this.#addresses = addresses;
    this.remove();
  }

  add(): void {
    for (const address of this.#addresses) execFileSync("ip", ["address", "add", address, "dev", "lo"]);
  }

  /** Also those that are not there. */
  remove(): void {
    for (const address of this.#addresses) spawnSync("ip", ["address", "del", address, "dev", "lo"]);
  }
}
