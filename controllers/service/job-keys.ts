// What background work of a Service is called on its node, so that a look finds the work that an earlier look began.
import type { Name } from "../../src/api/resource.ts";

export const jobKeys = {
  /** Of one instance: what failed for an earlier one says nothing about what is applied now. */
  pull: (service: Name, instance: string, image: string): string => `pull ${service} ${instance} ${image}`,
  /** Where no instance is yet. */
  prepull: (service: Name, image: string): string => `prepull ${service} ${image}`,
  /** Waiting for other Services. */
  order: (service: Name, instance: string): string => `order ${service} ${instance}`,
  create: (container: string): string => `create ${container}`,
  start: (container: string): string => `start ${container}`,
  remove: (container: string): string => `remove ${container}`,
  network: (network: string): string => `remove network ${network}`,
  removeImage: (image: string): string => `remove image ${image}`,
} as const;
