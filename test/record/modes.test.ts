import assert from "node:assert/strict";
import { test } from "node:test";
import { modeGap } from "kernel-lab/dist/bench/gate";
import { modeRule } from "kernel-lab/dist/bench/thresholds";
import { binomialTail, isStep, modesOf, secondMode } from "kernel-lab/dist/record/modes";
import { seededRandom } from "kernel-lab/dist/record/random";

const next = seededRandom(5);
const even = () => (next() + 0.5) / 2 ** 32;
const normal = () => Math.sqrt(-2 * Math.log(even())) * Math.cos(2 * Math.PI * even());
const exponential = () => -Math.log(even());
const series = (count: number, draw: () => number) => Array.from({ length: count }, () => 1000 + draw());
/** Share of `runs` series in which two modes are seen. */
const seen = (runs: number, count: number, draw: () => number) =>
  Array.from({ length: runs }, () => modeGap(series(count, draw)) > 0).filter(Boolean).length / runs;

test("modesOf() finds the two clusters, their share and distance", () => {
  const modes = modesOf([...Array(30).fill(1), ...Array(10).fill(1.5)])!;
  assert.equal(modes.low, 1);
  assert.equal(modes.high, 1.5);
  assert.equal(modes.minority, 0.25);
  assert.equal(modes.distance, 0.5);
  assert.equal(modes.valley, 0);
  assert.equal(modesOf([1, 2, 3]), null);
  assert.equal(modesOf(Array(50).fill(1)), null);
});

// The rates that the comment of modeGap tells, with room for the draw.
const oneMode: [string, number, () => number, number][] = [
  ["normal", 50, normal, 0.01],
  ["evenly spread", 50, even, 0.01],
  ["triangular", 50, () => even() + even(), 0.01],
  ["skewed", 50, () => exponential() + exponential(), 0.015],
  ["exponential", 50, exponential, 0.01],
  ["disturbed, one in twenty", 50, () => normal() + (even() < 0.05 ? 15 + normal() : 0), 0.04],
  ["disturbed, one in twenty, few", 30, () => normal() + (even() < 0.05 ? 15 + normal() : 0), 0.05],
  ["heavy-tailed", 50, () => normal() / Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3), 0.01],
  ["normal, few", 30, normal, 0.015],
  ["evenly spread, few", 30, even, 0.03],
  ["exponential, few", 30, exponential, 0.045],
];
for (const [name, count, draw, most] of oneMode) {
  test(`modeGap() seldom sees two modes in ${count} ${name} samples`, () => {
    const share = seen(600, count, draw);
    assert.ok(share <= most, `${share}`);
  });
}

test("modeGap() sees two modes that are apart, even where one is rarer", () => {
  const mixed = (distance: number, share: number) => () => normal() + (even() < share ? distance : 0);
  assert.ok(seen(300, 50, mixed(8, 0.5)) > 0.95);
  assert.ok(seen(300, 50, mixed(8, 0.25)) > 0.9);
  assert.ok(seen(300, 50, mixed(12, 0.2)) > 0.83);
});

test("modeGap() sees two modes behind a few wild samples", () => {
  const wild = () => (even() < 0.04 ? Math.exp(6 + normal()) : 0);
  assert.ok(seen(300, 50, () => normal() + (even() < 0.5 ? 10 : 0) + wild()) > 0.7);
  assert.ok(seen(300, 50, () => normal() + wild()) < 0.02, "and none where there are only those");
});

test("secondMode() needs more samples in a mode than disturbances make", () => {
  const fast = (count: number) => Array.from({ length: count }, (_, i) => 100 + (i % 5) * 0.1);
  const slow = (count: number) => Array.from({ length: count }, (_, i) => 106 + (i % 3) * 0.1);
  assert.equal(secondMode([...fast(44), ...slow(6)], modeRule), null, "6 of 50 may be chance");
  const modes = secondMode([...fast(43), ...slow(7)], modeRule)!;
  assert.ok(Math.abs(modes.distance - 0.059) < 1e-3 && modes.minority === 0.14);
  assert.equal(secondMode([1, 2, 3], modeRule), null);
});

test("isStep() tells a change that stayed from a mixture", () => {
  assert.equal(isStep([1, 1, 1, 2, 2], { low: 1, high: 2 }), true);
  assert.equal(isStep([2, 1, 1, 1, 1], { low: 1, high: 2 }), true);
  assert.equal(isStep([1, 2, 1, 2, 1], { low: 1, high: 2 }), false);
});

test("binomialTail() is the chance of so many or more", () => {
  assert.ok(Math.abs(binomialTail(30, 5, 0.05) - 0.01564) < 1e-4);
  assert.equal(binomialTail(30, 0, 0.05), 1);
  assert.ok(Math.abs(binomialTail(2, 2, 0.5) - 0.25) < 1e-12);
  assert.ok(binomialTail(5000, 400, 0.05) < 1e-10);
});
