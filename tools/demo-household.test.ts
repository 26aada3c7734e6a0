import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { whyNotStop, type Household } from "./demo-household.ts";

const alone: Household = { things: ["service/hello", "node/nas"], node: "nas", volumes: [] };

function why(household: Partial<Household>): string | undefined {
  return whyNotStop({ ...alone, ...household }, { service: "hello", command: "fossora", dataDir: "/var/lib/fossora" });
}

describe("the demo's stop", () => {
  test("goes on where there is nothing but what the demo made", () => {
    assert.equal(why({}), undefined);
    assert.equal(why({ things: ["node/nas"] }), undefined);
    assert.equal(why({ node: undefined }), undefined);
  });

  test("goes on where no node answers and there is no data", () => {
    assert.equal(why({ things: undefined, node: undefined }), undefined);
  });

  test("names each app that would be lost, and how it is deleted", () => {
    const reason = why({ things: ["service/hello", "service/jellyfin", "service/hello-again", "node/nas"] }) ?? "";
    assert.match(reason, /^Nothing was removed: /);
    assert.match(reason, /^ {2}service\/jellyfin +fossora delete service\/jellyfin$/m);
    assert.match(reason, /^ {2}service\/hello-again +fossora delete service\/hello-again$/m);
    assert.doesNotMatch(reason, /^ {2}(service\/hello|node\/nas) /m);
  });

  test("names the other computers of the house, and how they leave it", () => {
    const things = ["service/hello", "node/nas", "node/pi4"];
    assert.match(why({ things }) ?? "", /^ {2}node\/pi4 +fossora leave, typed there$/m);
    assert.doesNotMatch(why({ things }) ?? "", /^ {2}node\/nas /m);
    assert.match(why({ things, node: undefined }) ?? "", /^ {2}node\/pi4 /m);
  });

  test("names the data of apps, also where they are deleted, and where no node answers", () => {
    const data = /^ {2}\/var\/lib\/fossora\/volumes\/films +to be moved elsewhere, or removed$/m;
    assert.match(why({ volumes: ["films"] }) ?? "", data);
    const silent = why({ things: undefined, node: undefined, volumes: ["films"] }) ?? "";
    assert.match(silent, data);
    assert.match(silent, /no node answers here.*fossora up/);
  });

  test("says how the house stays without the demo, and the data without Fossora", () => {
    const reason = why({ volumes: ["films"] }) ?? "";
    assert.match(reason, /fossora delete service\/hello/);
    assert.match(reason, /fossora uninstall/);
  });
});
