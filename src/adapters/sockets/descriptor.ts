// What Node knows of a listening socket and does not show: its descriptor, and how to leave what arrives to somebody else.
import assert from "node:assert/strict";
import dgram from "node:dgram";

interface Handle {
  readonly fd: number;
}

interface DatagramHandle extends Handle {
  recvStop(): void;
}

/** Of a bound `net.Server` or `dgram.Socket`. */
export function descriptorOf(socket: object): number {
  if (socket instanceof dgram.Socket) return datagramHandle(socket).fd;
  return (socket as { readonly _handle: Handle })._handle.fd; // where net.Server keeps it
}

/** Of datagrams: sends on, and leaves what arrives in the kernel's queue. */
export function stopReceiving(socket: object): void {
  if (socket instanceof dgram.Socket) datagramHandle(socket).recvStop();
}

function datagramHandle(socket: dgram.Socket): DatagramHandle {
  const state = Object.getOwnPropertySymbols(socket).find((symbol) => symbol.description === "state symbol");
  assert(state !== undefined, "a UDP socket of this Node has no state symbol");
  return (socket as unknown as Readonly<Record<symbol, { readonly handle: DatagramHandle }>>)[state]?.handle as DatagramHandle; // dgram's own
}
