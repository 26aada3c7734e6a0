// Which listeners the settings ask for, compared with those that are open. Pure.
import type { IngressSettings } from "../api/table.ts";

export interface ListenerWish {
  readonly protocol: "http" | "dns";
  readonly address: string;
  readonly ports: readonly number[];
}

export function wishes(settings: IngressSettings): readonly ListenerWish[] {
  return (["http", "dns"] as const).flatMap((protocol) => {
    const { addresses, ports } = settings[protocol];
    return [...new Set(addresses)].map((address) => ({ protocol, address, ports }));
  });
}

/** A listener stays as long as its address is wished for and its ports are the same. */
export function isSame(a: ListenerWish, b: ListenerWish): boolean {
  return a.protocol === b.protocol && a.address === b.address && a.ports.join() === b.ports.join();
}
