// Looks for a voter that is thought to be gone: its agent, its store, and whatever else answers at its addresses. A refusal of TCP comes from a
// living computer, too.
import { connect } from "node:net";
import type { Address, NodeId } from "../../joining/messages.ts";
import { hostsOfUrls, splitUrls } from "../../joining/peer-urls.ts";
import type { OtherVoter } from "../../joining/takeover.ts";
import type { MeshLink } from "../../mesh-ports.ts";
import { splitAddress } from "./addresses.ts";
import type { KnownNode } from "./seen.ts";

/** Throws where another node answers, or nobody. */
export type DialMember = (address: Address, nodeId: NodeId) => Promise<MeshLink>;

type Knocked = "answers" | "refuses" | "silent";

const KNOCK_MS = 2_000;
/** What a home computer usually listens on. */
const OTHER_PORTS = [22, 80, 443, 445] as const;

export async function findVoter(
  { nodeId, name, addresses, peerUrl }: KnownNode,
  { dial, localAddress }: { readonly dial: DialMember; readonly localAddress?: string },
): Promise<OtherVoter> {
  const agents = await Promise.all(addresses.map((address) => isAgent(() => dial(address, nodeId))));
  const port = Number(splitUrls(peerUrl)[0]?.split(":").at(-1));
  const stores = hostsOfUrls(peerUrl);
  const hosts = [...new Set([...addresses.map((address) => splitAddress(address).address), ...stores])];
  const knockAt = (address: string, port: number): Promise<Knocked> => knock(address, port, localAddress);
  const knocked = await Promise.all(
    hosts.map(async (address) => {
      const ports = [...OTHER_PORTS, ...addresses.map((each) => splitAddress(each).port)];
      return (await Promise.all(ports.map((port) => knockAt(address, port)))).some((each) => each !== "silent") ? address : undefined;
    }),
  );
  const stored = await Promise.all(stores.map((address) => knockAt(address, port)));
  const answersAt = knocked.find((address) => address !== undefined) ?? stores.find((_, index) => stored[index] !== "silent");
  return {
    nodeId,
    name,
    agentAnswers: agents.includes(true),
    storeAnswers: stored.includes("answers"),
    ...(answersAt !== undefined && { answersAt }),
  };
}

/** Whatever it says: its TLS spoke, with the key of that node. */
async function isAgent(dial: () => Promise<MeshLink>): Promise<boolean> {
  try {
    (await dial()).close();
    return true;
  } catch {
    return false;
  }
}

function knock(address: string, port: number, localAddress: string | undefined): Promise<Knocked> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(localAddress !== undefined && { localAddress }) });
    const done = (knocked: Knocked): void => {
      socket.destroy();
      resolve(knocked);
    };
    socket.setTimeout(KNOCK_MS, () => done("silent"));
    socket.once("connect", () => done("answers"));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      done(error.code === "ECONNREFUSED" || error.code === "ECONNRESET" ? "refuses" : "silent"),
    );
  });
}
