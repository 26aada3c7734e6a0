// What background work of a Service is called on its node, so that a look finds the work that an earlier look began.
import type { Name } from "../../src/api/resource.ts";

export const jobKeys = {
  pull: (service: Name, image: string, instance?: string): string =>
    `pull ${service} ${image}${instance === undefined ? "" : ` ${instance}`}`,
  create: (container: string): string => `create ${container}`,
  start: (container: string): string => `start ${container}`,
  remove: (container: string): string => `remove ${container}`,
  network: (network: string): string => `remove network ${network}`,
  removeImage: (image: string): string => `remove image ${image}`,
} as const;
