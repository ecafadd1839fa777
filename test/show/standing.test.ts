import assert from "node:assert/strict";
import { test } from "node:test";
import { runDocument } from "kernel-lab/dist/record/document";
import type { MeasureRecord, RunDocument } from "kernel-lab/dist/record/schema";
import { standingOf, standingRow } from "kernel-lab/dist/show/standing";
import { standingPlot } from "kernel-lab/dist/show/standingPlot";
import { standingTable } from "kernel-lab/dist/show/standingTable";
import { publishedTimes, workOfCase } from "kernel-lab/dist/show/standingTargets";
import { targetFigures } from "kernel-lab/dist/targets/load";
import { type FixtureOptions, fixtureRecord } from "../record/fixtures";

const around = (seconds: number) =>
  Array.from({ length: 40 }, (_, i) => seconds * (1 + ((i * 7) % 11) * 1e-4));
const attention = { batch: 16, seq: 2048, heads: 16, dim: 64, causal: false };

function record(
  id: string,
  seconds: number,
  options: FixtureOptions & { interleaved?: boolean } = {},
): MeasureRecord {
  const { interleaved, ...rest } = options;
  const made = fixtureRecord({
    id,
    suite: "attention",
    name: "B16 S2048 H16 D64",
    params: attention,
    kind: id.startsWith("torch/") ? "baseline" : "ours",
    bytes: 268435456,
    flops: 274877906944,
    samples: around(seconds),
    ...rest,
  });
  return interleaved ? { ...made, method: { ...made.method, interleaved } } : made;
}

const run = (...records: MeasureRecord[]): RunDocument => runDocument(records[0]!.case.suite, records);
const only = (...runs: RunDocument[]) => {
  const rows = standingOf(runs);
  assert.equal(rows.length, 1);
  return rows[0]!;
};

test("standingOf() takes the fastest trusted of ours, and an ambiguous one only where none is trusted", () => {
  const trusted = record("attention/a", 2e-3);
  const doubtful = record("attention/b", 1e-3, { verdict: "ambiguous" });
  const wrong = record("attention/c", 1e-4, { verdict: "rejected" });
  const row = only(run(trusted, doubtful, wrong));
  assert.deepEqual(row.ours, {
    implementation: "attention/a",
    seconds: trusted.statistics.median,
    verdict: "trusted",
  });
  const second = only(run(doubtful, wrong));
  assert.equal(second.ours?.implementation, "attention/b");
  assert.deepEqual(second.doubts, ["a fixture"]);
  assert.deepEqual(standingOf([run(wrong)]), []);
});

test("standingOf() takes the fastest baseline that is not rejected, though a slower one is trusted", () => {
  const row = only(
    run(
      record("attention/a", 2e-3),
      record("torch/slow", 4e-3),
      record("torch/fast", 1e-3, { verdict: "ambiguous" }),
      record("torch/wrong", 1e-5, { verdict: "rejected" }),
    ),
  );
  assert.equal(row.best?.implementation, "torch/fast");
  assert.equal(row.best?.verdict, "ambiguous");
  assert.equal(row.outcome, "slower");
  assert.ok(Math.abs(row.ratio!.value - 0.5) < 1e-3 && row.ratio!.hi < 1);
  assert.deepEqual(
    row.baselines.map((b) => b.implementation),
    ["torch/fast", "torch/slow"],
  );
});

test("standingOf() prefers a baseline from the run of ours to a newer one from elsewhere", () => {
  const beside = run(
    record("attention/a", 1e-3, { interleaved: true }),
    record("torch/x", 2e-3, { interleaved: true }),
  );
  const newer = run(record("torch/x", 0.5e-3, { date: "2026-12-01T00:00:00.000Z" }));
  const row = only(newer, beside);
  assert.ok(Math.abs(row.best!.seconds - beside.records[1]!.statistics.median) < 1e-12);
  assert.ok(row.sameRun);
  const apart = only(newer, run(record("attention/a", 1e-3)));
  assert.equal(apart.sameRun, false);
  assert.equal(apart.outcome, "slower");
});

test("standingOf() takes the newest record of an implementation, not its luckiest", () => {
  const lucky = run(record("attention/a", 1e-3, { date: "2026-01-01T00:00:00.000Z" }));
  const newest = run(record("attention/a", 2e-3, { date: "2026-02-01T00:00:00.000Z" }));
  assert.ok(only(lucky, newest).ours!.seconds > 1.9e-3);
});

test("standingOf() pairs samples taken in turns, so that drift cancels", () => {
  const drifting = (factor: number) => Array.from({ length: 40 }, (_, i) => factor * (1e-3 + i * 1e-5));
  const records = (interleaved: boolean) => [
    record("attention/a", 1, { samples: drifting(1), interleaved }),
    record("torch/x", 1, { samples: drifting(1.02), interleaved }),
  ];
  assert.equal(only(run(...records(true))).outcome, "faster");
  assert.equal(only(run(...records(false))).outcome, "tie");
});

test("standingOf() keeps devices, cases and element types apart, and honours its filters", () => {
  const runs = [
    run(record("attention/a", 1e-3), record("torch/x", 1e-3, { name: "renamed" })),
    run(record("torch/y", 1e-3, { params: { batch: 16, seq: 2048, heads: 16, dim: 64, dtype: "f16" } })),
    run(record("torch/x", 1e-3, { deviceName: "NVIDIA A10" })),
    run(record("attention/a", 1e-3, { params: { ...attention, causal: true } })),
    run(record("softmax/a", 1e-3, { suite: "softmax", params: { rows: 1 } })),
    run(record("figures/a", 1e-3, { suite: "figures" })),
  ];
  const rows = standingOf(runs);
  assert.equal(rows.length, 4, "names do not tell cases apart where parameters do");
  assert.ok(rows.every((row) => row.suite !== "figures"));
  assert.equal(standingOf(runs, { suite: "figures" }).length, 1);
  assert.deepEqual(
    standingOf(runs, { device: "a10" }).map((r) => [r.device, r.ours]),
    [["NVIDIA A10", null]],
  );
  assert.equal(standingOf(runs, { suite: "softmax" }).length, 1);
});

test("standingOf() leaves out the parts of an implementation, which state no work", () => {
  const part = { ...record("moe/gather", 1e-5), bytes: null, flops: null };
  assert.deepEqual(standingOf([run(part)]), []);
});

test("standingOf() gives the limit by the data sheet and the published target of the nearest chip", () => {
  const row = only(run(record("attention/a", 1e-3)));
  assert.ok(Math.abs(row.limit! - 274877906944 / 989.5e12) < 1e-9);
  assert.ok(Math.abs(row.share! - row.limit! / row.ours!.seconds) < 1e-12);
  assert.equal(row.published?.hardware, "NVIDIA H100");
  assert.deepEqual([row.target, row.published?.excellent], [4.5e-3, 3.8e-3]);
  const a10 = only(run(record("attention/a", 30e-3, { deviceName: "NVIDIA A10" })));
  assert.deepEqual([a10.published?.hardware, a10.target], ["NVIDIA A10", 26e-3]);
  const cpu = only(run(record("attention/a", 1, { device: "cpu" })));
  assert.deepEqual([cpu.target, cpu.limitSource], [null, "measured copy"]);
});

test("workOfCase() reads shapes, and none from a causal or fp32 case", () => {
  const c = record("attention/a", 1).case;
  assert.deepEqual(workOfCase(c), { op: "attention", batch: 16, seq: 2048, heads: 16, dim: 64 });
  assert.equal(workOfCase({ ...c, dtype: "f32" }), null);
  assert.equal(workOfCase({ ...c, params: { ...attention, causal: true } }), null);
  const moe = { tokens: 65536, dim: 4096, hidden: 11008, experts: 32, k: 2, what: "uniform" };
  assert.equal(workOfCase({ ...c, suite: "moe", params: moe })?.op, "moe");
  assert.equal(workOfCase({ ...c, suite: "softmax", params: { rows: 1, cols: 2 } }), null);
  const forward = { layers: 12, hidden: 768, heads: 12, batch: 1, seq: 128 };
  assert.equal(workOfCase({ ...c, suite: "models", params: forward })?.op, "forward");
});

test("publishedTimes() turns a published rate into a time", () => {
  const { device } = fixtureRecord().environment;
  const found = publishedTimes({ op: "gemm", m: 8192, n: 11008, k: 4096 }, device, targetFigures())!;
  assert.ok(Math.abs(found.target - 738734374912 / 640e12) < 1e-9);
  assert.equal(publishedTimes({ op: "gemm", m: 1, n: 1, k: 1 }, device, targetFigures()), null);
});

test("standingRow() is exactly what the JSON promises", () => {
  const row = standingRow(only(run(record("attention/a", 1e-3), record("torch/x", 2e-3))));
  assert.deepEqual(Object.keys(row), ["suite", "case", "device", "ours", "best", "ratio", "target", "limit"]);
  assert.deepEqual(Object.keys(row.ours!), ["implementation", "seconds", "verdict"]);
  assert.deepEqual(Object.keys(row.ratio!), ["value", "lo", "hi"]);
});

test("standingTable() marks doubt and what was measured apart", () => {
  const rows = standingOf([
    run(record("attention/a", 1e-3, { verdict: "ambiguous" })),
    run(record("torch/x", 2e-3)),
  ]);
  const { text, html } = standingTable(rows);
  assert.match(text, /1\.00 ms \?/);
  assert.match(text, /faster \*/);
  assert.match(text, /4\.50 ms +3\.80 ms +NVIDIA H100/);
  assert.match(text, /different runs/);
  assert.match(html, /<table[\s\S]*different runs/);
  assert.match(standingTable([]).text, /no device/);
});

test("standingPlot() draws a ratio a case, hollow where a side is doubtful, and counts the rest", () => {
  const rows = standingOf([
    run(record("attention/a", 1e-3, { verdict: "ambiguous" }), record("torch/x", 2e-3)),
    run(record("softmax/a", 1e-3, { suite: "softmax", params: { rows: 1 } })),
  ]);
  const { svg, caption } = standingPlot(rows);
  assert.match(svg, /attention B16 S2048 H16 D64 f16/);
  assert.match(svg, /fill="transparent"/);
  assert.match(caption, /Hollow: 1 .*Not drawn: 1/);
  assert.match(standingPlot([]).svg, /<svg/);
  const a10 = run(
    record("attention/a", 1e-3, { deviceName: "NVIDIA A10" }),
    record("torch/x", 2e-3, { deviceName: "NVIDIA A10" }),
  );
  const both = standingOf([a10, run(record("attention/a", 1e-3), record("torch/x", 2e-3))]);
  assert.match(standingPlot(both).svg, /f16, NVIDIA A10/);
});
