import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { houseIcon, POLICY, STYLE } from "./page-style.ts";

test("the policy lets in the pages' own style, byte for byte, and nothing else", () => {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  assert.match(POLICY, /^default-src 'none';/);
  assert.ok(POLICY.includes(`style-src 'sha256-${hash}'`), `the style's hash is ${hash}`);
});

test("texts can be read on their ground, in light and in dark", () => {
  const themes = [...STYLE.matchAll(/--paper:(#\w+);--ink:(#\w+);--soft:(#\w+)/g)].map(([, ...colours]) => colours);
  assert.equal(themes.length, 2);
  for (const [paper = "", ...texts] of themes) for (const text of texts) assert.ok(contrast(paper, text) >= 4.5, `${text} on ${paper}`);
});

test("a light is on where it is only to wait", () => {
  assert.ok(houseIcon(true).includes("lamp") && !houseIcon(false).includes("lamp"));
});

/** WCAG 2.2, "contrast ratio". */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((left, right) => right - left);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.slice(1).match(/../g) ?? [])
    .map((part) => Number.parseInt(part, 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
