// What every store behind the `Store` port must do, whatever the network and the store's own machines do: run on the fake and on real
// etcd, so that the simulator's fake stays honest. 0 events lost, 0 acknowledged writes lost, no delete made up.
import { describe } from "node:test";
import type { StoreBench } from "./store-bench.ts";
import { readCases, writeCases } from "./store-calls.ts";
import { leaseCases } from "./store-leases.ts";
import { brokenWatchCases, replacedStoreCases, watchCases } from "./store-watches.ts";

export function storeContract(name: string, bench: () => StoreBench): void {
  describe(name, () => {
    readCases(bench);
    writeCases(bench);
    watchCases(bench);
    brokenWatchCases(bench);
    leaseCases(bench);
    replacedStoreCases(bench);
  });
}
