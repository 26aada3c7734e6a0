import assert from "node:assert/strict";
import { test } from "node:test";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { VolumeMount } from "./types.ts";
import { ownVolume, ownVolumes } from "./volume-names.ts";

const own = (name: string): VolumeMount => ({ type: "volume", name, path: `/${name}`, readOnly: false });
const shared: VolumeMount = { type: "shared", name: "media", path: "/media", readOnly: true };

test("ownVolume() is called after the Service and the mount, so two Services may mean one name", () => {
  assert.equal(ownVolume("nextcloud", "db-data"), "nextcloud-db-data");
  assert.equal(ownVolume("nextcloud-db", "data"), "nextcloud-db-data");
});

test("ownVolumes() are those of all containers, each once, without what Services share", () => {
  const containers = [
    containerSpec("app", "app:1", { volumes: [own("b"), shared] }),
    containerSpec("db", "db:1", { volumes: [own("a"), own("b")] }),
  ];
  assert.deepEqual(ownVolumes("app", serviceSpec("app", "", { containers })), ["app-a", "app-b"]);
});
