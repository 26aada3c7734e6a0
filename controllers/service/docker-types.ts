// The shapes that a node's Docker engine and its background work have, taken from the ports that the contract names.
import type { Ports } from "../../src/engine/contract.ts";

type Containers = Ports["containers"];

export type Container = Awaited<ReturnType<Containers["list"]>>[number];
export type ContainerSpec = Parameters<Containers["create"]>[0];
export type ImageInfo = NonNullable<Awaited<ReturnType<Containers["image"]>>>;
export type JobState = NonNullable<ReturnType<Ports["jobs"]["get"]>>;
export type Probe = Parameters<Ports["probes"]["watch"]>[2];
export type ProbeState = ReturnType<Ports["probes"]["watch"]>;
