import assert from "node:assert/strict";
import { test } from "node:test";
import { noNotes, notesHtml } from "kernel-lab/dist/show/report/notes";
import { speedUpPlot, speedUpsOf } from "kernel-lab/dist/show/report/speedup";
import { samplesPlot, sensorsPlot, sparkline } from "kernel-lab/dist/show/report/timeline";
import { fixtureRecord } from "../../record/fixtures";

const at = (ms: number) => Array.from({ length: 30 }, (_, i) => (ms + (i % 5) * 1e-4) * 1e-3);
const base = (id: string, ms: number, verdict?: "ambiguous" | "rejected") =>
  fixtureRecord({ id, kind: "baseline", samples: at(ms), ...(verdict ? { verdict } : {}) });

test("speedUpsOf() holds the fastest of ours against every baseline that is not rejected", () => {
  const found = speedUpsOf([
    fixtureRecord({ id: "slow", samples: at(5) }),
    fixtureRecord({ id: "fast", samples: at(1) }),
    base("torch eager", 3),
    base("torch same", 1),
    base("torch cheat", 0.1, "rejected"),
    fixtureRecord({ id: "alone", name: "7x7", samples: at(1) }),
  ]);
  assert.deepEqual(
    found.map((s) => [s.ours.implementation.name, s.baseline.implementation.name, s.outcome]),
    [
      ["fast", "torch same", "tie"],
      ["fast", "torch eager", "faster"],
    ],
  );
  assert.ok(Math.abs(found[1].ratio - 3) < 0.01 && found[1].lo <= found[1].ratio);
});

test("speedUpsOf() takes the trusted one of two records of ours, and the baseline of its run", () => {
  const doubtful = fixtureRecord({ id: "fast", samples: at(0.9), verdict: "ambiguous" });
  const trusted = fixtureRecord({ id: "fast", samples: at(1) });
  const beside = { ...base("eager", 3), environment: trusted.environment };
  const found = speedUpsOf([
    doubtful,
    { ...base("eager", 2), environment: doubtful.environment },
    trusted,
    beside,
  ]);
  assert.equal(found.length, 1);
  assert.equal(found[0].ours, trusted);
  assert.equal(found[0].baseline, beside);
  assert.equal(found[0].sameRun, true);
});

test("speedUpPlot() draws a point a ratio and leaves the doubtful ones hollow", () => {
  const found = speedUpsOf([
    fixtureRecord({ id: "fast", samples: at(1) }),
    base("eager", 3),
    base("odd", 2, "ambiguous"),
  ]);
  const { svg, html, caption } = speedUpPlot(found, "a <title>");
  assert.equal(svg.match(/fast: \d/g)?.length, 2);
  assert.match(svg, /fill="transparent"/);
  assert.match(caption, /Hollow/);
  assert.match(html, /a &#60;title&#62;/);
});

test("samplesPlot() shows every timed launch after the warm-up", () => {
  const record = fixtureRecord({ samples: at(1) });
  const { svg, caption } = samplesPlot(record);
  assert.equal(svg.match(/<title>launch \d+:/g)?.length, 30);
  assert.match(svg, /<title>launch 11:/);
  assert.match(caption, /10 warm-up runs/);
});

test("sensorsPlot() shows clock and power, or nothing where no sensor was read", () => {
  const reading = (at: number, smClockHz: number | null, powerW: number | null) => ({
    at,
    smClockHz,
    powerW,
    memoryClockHz: null,
    temperatureC: null,
    powerLimitW: 700,
    throttleReasons: at > 0 ? ["power-cap"] : [],
  });
  const record = fixtureRecord();
  assert.equal(sensorsPlot(record), null);
  assert.equal(sensorsPlot({ ...record, state: [reading(0, null, null), reading(1, null, null)] }), null);
  const drawn = sensorsPlot({ ...record, state: [reading(0, 1.98e9, 100), reading(1, 1.7e9, 690)] });
  assert.match(drawn!.caption, /SM clock, GHz: at most 1\.98; power, W: at most 690 of 700 W/);
  assert.match(drawn!.caption, /Throttled: power-cap/);
});

test("sparkline() shows the course of the samples and not their noise", () => {
  assert.equal(sparkline([1, 2, 3, 4, 5, 6, 7, 8]), "▁▂▃▄▅▆▇█");
  assert.equal(sparkline([1, 1.001, 1.002, 1]), "▁▁▁▁");
  assert.equal(sparkline(Array(400).fill(1)).length, 40);
});

test("notesHtml() makes paragraphs and lists and escapes the rest", () => {
  assert.equal(
    notesHtml("One\nline <b>.\n\n- first\n- second\n"),
    "<p>One line &#60;b&#62;.</p>\n<ul><li>first</li><li>second</li></ul>",
  );
  assert.match(noNotes, /lab report --notes/);
});
