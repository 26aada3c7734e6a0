// A ContainerSpec with nothing special about it, for tests to vary.
import { containerName, LABEL } from "../../src/api/labels.ts";
import type { ContainerSpec } from "../../src/container-ports.ts";

const INSTANCE = "k3f9";

/** Of the Service `name`, labels as its controller sets them; the spec hash is the name's unless told. */
export function containerSpec(name: string, over: Partial<ContainerSpec> = {}): ContainerSpec {
  return {
    name: containerName(name, INSTANCE, name),
    labels: {
      [LABEL.kind]: "Service",
      [LABEL.name]: name,
      [LABEL.instance]: INSTANCE,
      [LABEL.container]: name,
      [LABEL.specHash]: `hash-${name}`,
    },
    image: "fossora-test:1",
    env: {},
    mounts: [],
    tmpfs: [],
    devices: [],
    gpus: "none",
    groups: [],
    network: { kind: "host" },
    publish: [],
    extraHosts: {},
    restart: "on-failure",
    privileged: false,
    capAdd: [],
    capDrop: [],
    securityOpt: [],
    sysctls: {},
    ulimits: {},
    init: false,
    tty: false,
    readOnly: false,
    stopGraceMs: 1000,
    logging: { driver: "local", options: {} },
    ...over,
  };
}
