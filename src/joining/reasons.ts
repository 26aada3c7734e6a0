// Why a computer does not find the house that it looks for, as far as it can tell: sentences for `fossora status`, each with what to do. Pure.
import type { HouseProblem } from "../api/wire.ts";
import type { Here } from "./joiner-state.ts";
import type { Address } from "./messages.ts";

/** What came of speaking to an address. */
export type Failure = "nothing listens" | "silent" | "unknown name" | "stranger" | "not understood" | "no member";

export interface Search {
  readonly tailnet: Here["tailnet"];
  /** Asked for by a person, or of the house that it last belonged to: each of them is worth a line. */
  readonly named: readonly Address[];
  readonly failures: readonly { readonly address: Address; readonly failure: Failure; readonly name?: string }[];
  /** RFC 3339, this computer's. */
  readonly wall: string;
}

/** Certificates of a house cannot be older than the program. */
const PROGRAM_YEAR = 2026;
const LINES_MAX = 4;

export function searchProblems({ tailnet, named, failures, wall }: Search): readonly HouseProblem[] {
  const known = failures.filter(({ address }) => named.includes(address));
  const strangers = failures.filter(({ failure, address }) => failure === "stranger" && !named.includes(address));
  const silent = failures.filter(({ failure, address }) => failure !== "stranger" && !named.includes(address));
  return [
    ...clockProblems(wall),
    ...tailnetProblems(tailnet, named.length > 0),
    ...[...known, ...strangers]
      .slice(0, LINES_MAX)
      .map((failed) => ({ severity: "warning" as const, ...FAILURES[failed.failure](failed) })),
    ...(silent.length === 0 || known.length > 0 ? [] : [othersSilent(silent.length)]),
  ];
}

/** A Pi without a clock of its own begins in the past until it has asked for the time. */
function clockProblems(wall: string): readonly HouseProblem[] {
  if (Number(wall.slice(0, 4)) >= PROGRAM_YEAR) return [];
  return [
    {
      severity: "error",
      message: `this computer's clock says ${wall.slice(0, 10)}, so that no certificate is valid yet`,
      next: "sudo timedatectl set-ntp true",
    },
  ];
}

function tailnetProblems(tailnet: Here["tailnet"], isNamed: boolean): readonly HouseProblem[] {
  if (tailnet === "starting") return [{ severity: "warning", message: "tailscaled runs, but is not connected", next: "sudo tailscale up" }];
  if (tailnet === "running" || isNamed) return [];
  return [
    {
      severity: "warning",
      message: "no tailscaled runs here: others are looked for on the LAN alone, and must be named",
      next: "fossora invite, on a computer of the house; then here: sudo fossora join TOKEN",
    },
  ];
}

type Line = Pick<HouseProblem, "message" | "next">;

const FAILURES: Readonly<Record<Failure, (failed: Search["failures"][number]) => Line>> = {
  "nothing listens": ({ address }) => ({
    message: `nothing listens on port 733 of ${address}: Fossora does not run there, or its firewall says no`,
    next: "there: sudo fossora up --open-firewall",
  }),
  silent: ({ address }) => ({
    message: `${address} does not answer on port 733: it is off, elsewhere, or its firewall drops what comes`,
    next: "there: sudo fossora up --open-firewall",
  }),
  "unknown name": ({ address }) => ({
    message: `${address} is no name that this computer can look up`,
    next: "fossora join with the address of that computer",
  }),
  stranger: ({ address, name }) => ({
    message: `${name ?? "a computer"} at ${address} is somebody else's, or of another house than the token's`,
    next: "fossora invite, on a computer of the house; then here: sudo fossora join TOKEN",
  }),
  "not understood": ({ address }) => ({
    message: `what answers on port 733 of ${address} does not speak as this version does`,
    next: "fossora version, on both",
  }),
  "no member": ({ address }) => ({
    message: `${address} knows this computer no more: it was removed from that house`,
    next: "sudo fossora leave",
  }),
};

function othersSilent(count: number): HouseProblem {
  const devices = count === 1 ? "1 other device was asked and does" : `${count} other devices were asked and do`;
  return {
    severity: "warning",
    message: `${devices} not answer on port 733: no Fossora, or a firewall`,
    next: "on the house's computers: sudo fossora up --open-firewall",
  };
}

/** As it was thrown when the address was spoken to. */
export function failureOf(error: unknown): Failure {
  const { name, message, code } = error as { readonly name?: string; readonly message?: string; readonly code?: string }; // whatever was thrown
  if (code === "Stranger") return "stranger";
  if (code === "NotAllowed") return "no member";
  if (name === "MeshRefusal") return "not understood";
  const text = message ?? "";
  if (/ECONNREFUSED/.test(text)) return "nothing listens";
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return "unknown name";
  if (/no answer|did not answer|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/.test(text)) return "silent";
  return "not understood";
}
