// The kinds that this house reconciles: all that the engine has to be given.
import type { AnyResource } from "../src/api/resource.ts";
import type { AnyStatus } from "../src/api/status.ts";
import type { Controller, Mirror } from "../src/engine/contract.ts";
import { dnsRecordController } from "./dnsrecord/controller.ts";
import { dnsRecordStatus } from "./dnsrecord/status.ts";
import { houseController } from "./house/controller.ts";
import { membershipController } from "./membership/controller.ts";
import { houseStatus, membershipStatus } from "./membership/status.ts";
import { routeController } from "./route/controller.ts";
import { routeStatus } from "./route/status.ts";
import { serviceController } from "./service/controller.ts";
import { whyNowhere } from "./service/scheduling.ts";
import { serviceStatus } from "./service/status.ts";

/** Applies `use` to each, with its own types: `eachController(runnable)`. */
export function eachController<T>(use: <D, O, A extends { readonly kind: string }>(controller: Controller<D, O, A>) => T): readonly T[] {
  return [
    use(membershipController),
    use(serviceController),
    use(routeController(whyNowhere)),
    use(dnsRecordController),
    use(houseController),
  ];
}

/** What the server shows under `status`. */
export function statusOf(resource: AnyResource, mirror: Mirror): AnyStatus {
  switch (resource.kind) {
    case "Service":
      return serviceStatus(resource, mirror);
    case "Route":
      return routeStatus(resource, mirror, whyNowhere);
    case "DnsRecord":
      return dnsRecordStatus(resource, mirror);
    case "Membership":
      return membershipStatus(resource, mirror);
    case "House":
      return houseStatus(resource, mirror);
  }
}
