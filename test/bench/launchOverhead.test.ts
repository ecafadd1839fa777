import assert from "node:assert/strict";
import { test } from "node:test";
import { recordedLaunch } from "kernel-lab/dist/bench/launchOverhead";
import { runDocument } from "kernel-lab/dist/record/document";
import { fixtureRecord } from "../record/fixtures";

const run = (date: string, notes: string[]) => runDocument("figures", [fixtureRecord({ date })], { notes });
const figure = (value: number) =>
  JSON.stringify({ name: "CUDA launch pipelined from TypeScript", value, unit: "us" });

test("recordedLaunch() answers the newest launch figure and steps over prose and other figures", () => {
  const runs = [
    run("2026-01-02T00:00:00.000Z", [
      "prose",
      "{broken",
      '{"name": "other", "value": 1, "unit": "us"}',
      figure(2.5),
    ]),
    run("2026-01-01T00:00:00.000Z", [figure(9)]),
  ];
  const found = recordedLaunch(runs)!;
  assert.ok(Math.abs(found.seconds - 2.5e-6) < 1e-15);
  assert.match(found.source, /2026-01-02/);
  assert.equal(recordedLaunch([run("2026-01-03T00:00:00.000Z", ["prose"])]), null);
});
