// A house of one node: there is no way to another.
import type { Ways } from "../../src/ports.ts";

export const noWays: Ways = {
  isElsewhere: () => false,
  connect: () => Promise.reject(new Error("there is no other node")),
  datagrams: () => ({ send: () => undefined, close: () => undefined }),
};
