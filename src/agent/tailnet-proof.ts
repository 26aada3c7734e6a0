// Trust without a person: the tailnet says whose device is at an address, and the call-back says that the key is that device's own.
import type { MeshPeer } from "../mesh-ports.ts";
import { judge, type TailnetSettings, type TailnetState, type TailnetVerdict, type TailnetWho } from "../trust/tailnet.ts";

export interface TailnetProofPorts {
  readonly tailnet: {
    status(signal: AbortSignal): Promise<TailnetState>;
    whois(address: string, signal: AbortSignal): Promise<TailnetWho | undefined>;
  };
  /** Connects to the agent's port of an address; answers the node id that it proved. Throws when nobody answers. */
  readonly callBack: (address: string, signal: AbortSignal) => Promise<string>;
}

/** Of two that speak the one that made the connection, or the one that was called. */
export type Part = "asker" | "answerer";

const ADDRESSES_TRIED_MAX = 2;

/**
 * Of whoever asks on 733. WhoIs names a device, not a program: any program on it may connect, from whatever port (a container from 733, too), but
 * only root answers on 733. So the address that WhoIs names is called there, and must prove the key that asked.
 */
export async function proveAsker(
  peer: Pick<MeshPeer, "address" | "nodeId">,
  ports: TailnetProofPorts,
  options: { readonly settings: TailnetSettings; readonly signal: AbortSignal },
): Promise<TailnetVerdict> {
  const { verdict, who } = await verdictOf(peer.address, ports, options);
  if (verdict.trust !== "trusted" || who === undefined) return verdict;
  const failures: string[] = [];
  for (const address of who.addresses.slice(0, ADDRESSES_TRIED_MAX)) {
    try {
      const answered = await ports.callBack(address, options.signal);
      if (answered === peer.nodeId) return verdict;
      return { trust: "refused", because: `another program than the agent of ${who.name} asked` };
    } catch (error) {
      options.signal.throwIfAborted();
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { trust: "refused", because: `${who.name} cannot be called back: ${failures.join("; ") || "it has no address"}` };
}

/** Of whoever was asked: it was called at the agent's port itself, so its key is the device's own. */
export async function proveAnswerer(
  address: string,
  ports: Pick<TailnetProofPorts, "tailnet">,
  options: { readonly settings: TailnetSettings; readonly signal: AbortSignal },
): Promise<TailnetVerdict> {
  return (await verdictOf(address, ports, options)).verdict;
}

async function verdictOf(
  address: string,
  { tailnet }: Pick<TailnetProofPorts, "tailnet">,
  { settings, signal }: { readonly settings: TailnetSettings; readonly signal: AbortSignal },
): Promise<{ readonly verdict: TailnetVerdict; readonly who: TailnetWho | undefined }> {
  const [state, who] = await Promise.all([tailnet.status(signal), tailnet.whois(address, signal)]);
  return { verdict: judge(state.kind === "running" ? state.self : undefined, who, settings), who };
}
