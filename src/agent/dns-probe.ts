// What `fossora dns check` asks with, put together from the adapters that know how.
import { readFileSync } from "node:fs";
import { ask, askLocal } from "../adapters/dns/ask.ts";
import { lookup } from "../adapters/system/lookup.ts";
import { splitDns } from "../adapters/tailscale/split-dns.ts";
import type { DnsProbe } from "../ports.ts";

const tailscaledSocket = "/var/run/tailscale/tailscaled.sock";

export const dnsProbe: DnsProbe = {
  ask,
  askLocal,
  lookup,
  splitDns: () => splitDns(tailscaledSocket),
  nameServers: () => [...readResolvConf().matchAll(/^nameserver\s+(\S+)/gm)].map(([, address = ""]) => address),
  platform: process.platform,
};

function readResolvConf(): string {
  try {
    return readFileSync("/etc/resolv.conf", "utf8");
  } catch {
    return ""; // macOS and others need not have it
  }
}
