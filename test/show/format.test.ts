import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatByteRate,
  formatFlopRate,
  formatSeconds,
  formatShare,
  tickText,
} from "kernel-lab/dist/show/format";

test("formatSeconds() picks the unit", () => {
  const cases: [number, string][] = [
    [0, "0 s"],
    [4.12e-7, "412 ns"],
    [3.21e-6, "3.21 us"],
    [0.01538, "15.4 ms"],
    [1.2, "1.20 s"],
    [9.999e-4, "1.000 ms"],
  ];
  for (const [seconds, text] of cases) assert.equal(formatSeconds(seconds), text);
});

test("rates and shares carry three digits and a prefix", () => {
  assert.equal(formatByteRate(4.18e12), "4.18 TB/s");
  assert.equal(formatFlopRate(8.07e14), "807 TFLOP/s");
  assert.equal(formatShare(0.931), "93.1%");
  assert.equal(tickText(0.5), "0.5");
  assert.equal(tickText(1234), "1,230");
});
