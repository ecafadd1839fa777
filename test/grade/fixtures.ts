import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { kernelPath } from "kernel-lab/dist/core/paths";
import { runDocument } from "kernel-lab/dist/record/document";
import { seededRandom } from "kernel-lab/dist/record/random";
import type { MeasureRecord, RunDocument, StoredRecord } from "kernel-lab/dist/record/schema";
import { summarize } from "kernel-lab/dist/record/statistics";
import { type FixtureOptions, fixtureRecord } from "../record/fixtures";

export const date = "2026-11-20T12:00:00.000Z";
export const now = new Date("2026-11-21T12:00:00.000Z");

/** Times as CUDA's events report them: milliseconds in 32-bit floats, with a noise of a few tenths of a percent. */
export function eventSamples(seconds: number, count = 50, seed = 1): number[] {
  const random = seededRandom(seed);
  const noise = () => (random() / 2 ** 32 + random() / 2 ** 32 + random() / 2 ** 32 - 1.5) * 0.003;
  return Array.from({ length: count }, () => Math.fround(seconds * 1e3 * (1 + noise())) * 1e-3);
}

let number = 0;

/** A record of the current schema as an honest run on an H200 would leave it. */
export function honestRecord(options: FixtureOptions & { seconds: number; dtype?: string }): MeasureRecord {
  number++;
  const { seconds, dtype, ...rest } = options;
  const made = fixtureRecord({ date, samples: eventSamples(seconds, 50, number), ...rest });
  const bytes = options.bytes ?? null;
  const flops = options.flops ?? null;
  return follow({
    ...made,
    id: `${(Date.parse(date) + number * 1000).toString(36)}-${number.toString(16).padStart(10, "0")}`,
    case: { ...made.case, dtype: dtype ?? "f16" },
    bytes,
    flops,
    implementation: { ...made.implementation, sourceHash: "0123456789abcdef" },
    method: { ...made.method, flushBytes: 2 * 62914560, persistingReset: true, clockRatio: 1.0002 },
    check: {
      passed: true,
      compared: 4096,
      maxAbs: 5e-5,
      meanAbs: 5e-6,
      maxRel: 5e-4,
      tolerance: "a fixture",
      mismatch: null,
      timedOutput: true,
    },
    state: [0, 0.5, 1].map((share) => ({
      at: share * Math.max(0.2, 60 * seconds),
      smClockHz: 1.98e9,
      memoryClockHz: 3.2e9,
      temperatureC: 40,
      powerW: 400,
      powerLimitW: 700,
      throttleReasons: [],
    })),
    environment: {
      ...made.environment,
      device: { ...made.environment.device, memoryBytes: 150_110_011_392, l2Bytes: 62914560 },
    },
  });
}

/** The record with statistics and rates that follow from its samples, bytes and FLOPs. */
export function follow<T extends StoredRecord>(record: T): T {
  const statistics = summarize(record.samples);
  const { median } = statistics;
  const floorSeconds = Math.max((record.bytes ?? 0) / 4.18e12, (record.flops ?? 0) / 989.5e12);
  return {
    ...record,
    statistics,
    method: { ...record.method, samples: record.samples.length },
    rates: {
      bytesPerSecond: record.bytes === null ? null : record.bytes / median,
      flopsPerSecond: record.flops === null ? null : record.flops / median,
      roofline: { bound: "compute", floorSeconds, share: floorSeconds / median, source: "a fixture" },
    },
  };
}

const attention = { batch: 16, seq: 2048, heads: 16, dim: 64, causal: false };
const moe = { tokens: 65536, dim: 4096, hidden: 11008, experts: 32, k: 2 };
const forward = { layers: 12, hidden: 768, heads: 12, batch: 16, seq: 2048 };

export interface Times {
  attention?: number;
  moe?: number;
  endToEnd?: number;
}

/** What a student hands in: attention, MoE and a whole model, and a softmax by a kernel of the lab. */
export function honestRun({
  attention: a = 0.7e-3,
  moe: m = 34e-3,
  endToEnd: e = 25e-3,
}: Times = {}): RunDocument {
  const softmax = honestRecord({
    suite: "softmax",
    id: "softmax/05_vector",
    seconds: 0.28e-3,
    params: { rows: 65536, cols: 4096 },
    bytes: 1073741824,
    flops: 1342177280,
  });
  softmax.implementation.sourceHash = createHash("sha256")
    .update(readFileSync(kernelPath("softmax/05_vector.cu")))
    .digest("hex")
    .slice(0, 16);
  return runDocument("attention", [
    honestRecord({
      suite: "attention",
      id: "student/attention",
      name: "B16 S2048 H16 D64",
      params: attention,
      seconds: a,
      bytes: 268435456,
      flops: 274877906944,
    }),
    honestRecord({
      suite: "moe",
      id: "student/moe",
      name: "65536 tokens",
      params: moe,
      dtype: "bf16",
      seconds: m,
      bytes: 6845104128,
      flops: 23639499997184,
    }),
    honestRecord({
      suite: "models",
      id: "student/forward",
      name: "small 16x2048",
      params: forward,
      seconds: e,
      bytes: 1e9,
      flops: 8e12,
    }),
    softmax,
  ]);
}

/** The teacher's recorded baselines on the same chip: flash attention, cuBLAS, PyTorch naive. */
export function references(): RunDocument {
  const baseline = (record: MeasureRecord): MeasureRecord => ({
    ...record,
    implementation: { ...record.implementation, kind: "baseline" },
  });
  return runDocument("torch-baselines", [
    baseline(
      honestRecord({
        suite: "attention",
        id: "torch/flash",
        params: attention,
        seconds: 0.6e-3,
        flops: 274877906944,
      }),
    ),
    baseline(
      honestRecord({
        suite: "matmul",
        id: "torch/matmul",
        params: { m: 8192, n: 11008, k: 4096 },
        dtype: "bf16",
        seconds: 0.9e-3,
        flops: 738734374912,
      }),
    ),
    baseline(
      honestRecord({ suite: "models", id: "torch/eager", params: forward, seconds: 40e-3, flops: 8e12 }),
    ),
  ]);
}
