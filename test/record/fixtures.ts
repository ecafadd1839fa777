import type { MeasureRecord } from "kernel-lab/dist/record/schema";
import { summarize } from "kernel-lab/dist/record/statistics";

export interface FixtureOptions {
  suite?: string;
  name?: string;
  id?: string;
  kind?: "ours" | "baseline";
  device?: "cpu" | "cuda";
  deviceName?: string;
  samples?: number[];
  params?: Record<string, number | string | boolean>;
  verdict?: "trusted" | "ambiguous" | "rejected";
  bytes?: number;
  flops?: number | null;
  date?: string;
}

/** A record as `lab.measure` would make it, with samples around one millisecond. */
export function fixtureRecord(options: FixtureOptions = {}): MeasureRecord {
  const samples = options.samples ?? Array.from({ length: 50 }, (_, i) => 1e-3 + ((i * 7) % 11) * 1e-7);
  const statistics = summarize(samples, { resamples: 200 });
  const bytes = options.bytes ?? 4e9 * 0.001;
  const flops = options.flops ?? null;
  const id = options.id ?? "softmax/04_online";
  return {
    id: `r-${id}-${options.name ?? "65536x4096"}`,
    case: {
      suite: options.suite ?? "softmax",
      name: options.name ?? "65536x4096",
      params: options.params ?? { rows: 65536, cols: 4096 },
      dtype: "f16",
    },
    implementation: {
      id,
      name: id,
      kind: options.kind ?? "ours",
      parameters: { block: 256 },
      sourceHash: null,
    },
    method: {
      warmup: 10,
      samples: samples.length,
      batch: 1,
      flushBytes: 1e8,
      mode: "short",
      timer: "events",
      interleaved: false,
      eventOverhead: 2e-6,
    },
    samples,
    statistics,
    bytes,
    flops,
    rates: {
      bytesPerSecond: bytes / statistics.median,
      flopsPerSecond: flops === null ? null : flops / statistics.median,
      roofline: {
        bound: "memory",
        floorSeconds: bytes / 4.18e12,
        share: bytes / 4.18e12 / statistics.median,
        source: "measured copy",
      },
    },
    check: null,
    memory: null,
    verdict: {
      verdict: options.verdict ?? "trusted",
      reasons: options.verdict && options.verdict !== "trusted" ? ["a fixture"] : [],
    },
    resources: null,
    state: [],
    notes: [],
    environment: {
      device: {
        kind: options.device ?? "cuda",
        name: options.deviceName ?? (options.device === "cpu" ? "Test CPU" : "NVIDIA H200"),
        arch: "sm_90a",
        capability: [9, 0],
        multiprocessors: 132,
        memoryBytes: 1.5e11,
        l2Bytes: 6.3e7,
        clockHz: 1.98e9,
        memoryClockHz: 3.2e9,
        powerLimitW: 700,
        workers: null,
      },
      driver: "580.1",
      runtime: "13.0",
      compiler: "NVRTC 13.0",
      packages: {},
      lab: { version: "0.1.0", commit: null, dirty: null },
      node: "v20.20.0",
      host: { os: "linux x64", cpu: "Test CPU", cores: 2 },
      date: options.date ?? "2026-11-21T05:00:00.000Z",
    },
  };
}
