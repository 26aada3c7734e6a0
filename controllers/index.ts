// The kinds that this house reconciles: all that the engine has to be given.
import type { Controller } from "../src/engine/contract.ts";
import { dnsRecordController } from "./dnsrecord/controller.ts";
import { membershipController } from "./membership/controller.ts";
import { routeController } from "./route/controller.ts";
import { serviceController } from "./service/controller.ts";

/** Applies `use` to each, with its own types: `eachController(runnable)`. */
export function eachController<T>(use: <D, O, A extends { readonly kind: string }>(controller: Controller<D, O, A>) => T): readonly T[] {
  return [use(membershipController), use(serviceController), use(routeController), use(dnsRecordController)];
}
