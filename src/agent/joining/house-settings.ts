// What the House says of joining, in the joining's own words. Pure; a House that nobody has read yet says what a new one does.
import { durationMs } from "../../api/durations.ts";
import type { HouseSpec } from "../../api/types.ts";
import type { Joining } from "../../joining/messages.ts";
import type { TailnetSettings } from "../../trust/tailnet.ts";

export interface HouseSettings {
  readonly joining: Joining;
  readonly replaceAfterMs: number;
  readonly tailnet: TailnetSettings;
}

const REPLACE_AFTER_MS = 10 * 60_000;

export function houseSettings(spec: Partial<HouseSpec> = {}): HouseSettings {
  const { joining = "auto", replaceAfter, tailnet } = spec;
  return {
    joining,
    replaceAfterMs: replaceAfter === undefined ? REPLACE_AFTER_MS : durationMs(replaceAfter),
    tailnet: { tags: tailnet?.tags ?? [] },
  };
}
