import { randomBytes } from "node:crypto";
import { LabError } from "../core/error";
import type { MeasureRecord } from "../record/schema";
import { median } from "../record/statistics";
import type { Device } from "../runtime/device";
import { open } from "../runtime/open";
import { type Figure, type FigureRun, figureOf } from "./figure";
import { measure } from "./measure";
import { type NumbaReading, readNumba } from "./numba";
import { storeFigure } from "./storeFigure";

const rows = 512;
const cols = 4096;
const block = 256;
const rounds = 5;

/** The kernel of the comparison: a row a block, block 256, two passes through shared memory. numba_softmax.py twins it. */
export const softmaxSource = `
extern "C" __global__ void softmax(const float* x, float* y, int cols) {
  __shared__ float partial[256];
  const int t = threadIdx.x;
  const float* row = x + size_t(blockIdx.x) * cols;
  float* out = y + size_t(blockIdx.x) * cols;
  float m = -3.402823466e38f;
  for (int i = t; i < cols; i += 256) m = fmaxf(m, row[i]);
  partial[t] = m;
  __syncthreads();
  for (int s = 128; s > 0; s /= 2) {
    if (t < s) partial[t] = fmaxf(partial[t], partial[t + s]);
    __syncthreads();
  }
  m = partial[0];
  __syncthreads();
  float sum = 0.0f;
  for (int i = t; i < cols; i += 256) sum += expf(row[i] - m);
  partial[t] = sum;
  __syncthreads();
  for (int s = 128; s > 0; s /= 2) {
    if (t < s) partial[t] += partial[t + s];
    __syncthreads();
  }
  sum = partial[0];
  for (int i = t; i < cols; i += 256) out[i] = expf(row[i] - m) / sum;
}`;

/** What `cpuFigures` tells of, in order. */
export const cpuSteps = [
  "CPU device: softmax on one core and on two",
  "CPU device: compiling",
  "Numba's CUDA simulator on the same kernel",
  "the store of results",
] as const;

/** The CPU device's speed: time an element, scaling, compile times, and the ratio to Numba's simulator. */
export async function cpuFigures(progress: (what: (typeof cpuSteps)[number]) => void): Promise<FigureRun> {
  progress(cpuSteps[0]);
  const { one, two } = await inTurns();
  const elements = rows * cols;
  const each = (record: MeasureRecord) => (record.statistics.median / elements) * 1e9;
  progress(cpuSteps[1]);
  const compile = await compileTimes();
  progress(cpuSteps[2]);
  const numba = await readNumba();
  progress(cpuSteps[3]);
  const figures: Figure[] = [
    figureOf(
      "CPU softmax 512x4096 fp32, one core",
      each(one),
      "ns/element",
      "at most",
      25,
      `best median of ${rounds} rounds, block 256`,
    ),
    figureOf(
      "CPU softmax, two cores against one",
      one.statistics.median / two.statistics.median,
      "x",
      "at least",
      1.8,
      `ratio of the best medians of ${rounds} rounds each, in turns`,
    ),
    numbaFigure(numba, each(one)),
    figureOf(
      "CPU compile of a small kernel, cold",
      compile.cold,
      "s",
      "at most",
      1,
      "median of 3, new source each",
    ),
    figureOf(
      "CPU compile, cached",
      compile.cached * 1e3,
      "ms",
      "at most",
      20,
      "median of 9, from call to kernel",
    ),
    storeFigure(one),
  ];
  return { figures, records: [one, two] };
}

/** Rounds on one worker and on two in turns; other work on the host only ever adds time, so the best round counts. */
async function inTurns(): Promise<{ one: MeasureRecord; two: MeasureRecord }> {
  const best: (MeasureRecord | undefined)[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const workers of [1, 2]) {
      const record = await onWorkers(workers);
      const held = best[workers];
      if (!held || record.statistics.median < held.statistics.median) best[workers] = record;
    }
  }
  return { one: best[1]!, two: best[2]! };
}

async function onWorkers(workers: number): Promise<MeasureRecord> {
  const device = await open("cpu", { workers });
  try {
    const kernel = await device.compile(softmaxSource, { name: "softmax" });
    const x = device.randn([rows, cols], { seed: 1, outliers: { fraction: 0.001, scale: 16 } });
    const y = device.empty([rows, cols]);
    return await measure(
      { kernel, config: { grid: rows, block }, args: [x, y, cols] },
      {
        suite: "figures",
        case: { name: `softmax ${rows}x${cols}`, params: { rows, cols, workers }, dtype: "f32" },
        implementation: {
          id: "figures/softmax",
          name: `softmax on ${workers} ${workers === 1 ? "core" : "cores"}`,
        },
        bytes: 2 * x.nbytes,
        samples: 30,
        warmup: 3,
        budget: 2,
        outputs: [y],
        check: async () => rowsAddUp((await y.read()) as Float32Array),
        distribution: "normal with 0.1% outliers x16",
      },
    );
  } finally {
    await device.close();
  }
}

function rowsAddUp(y: Float32Array) {
  let worst = 0;
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let i = 0; i < cols; i++) sum += y[r * cols + i]!;
    const error = Math.abs(sum - 1);
    if (!(error <= worst)) worst = error;
  }
  return { passed: worst < 1e-4, compared: rows, maxAbs: worst, tolerance: "row sums within 1e-4 of 1" };
}

async function compileTimes(): Promise<{ cold: number; cached: number }> {
  const device = await open("cpu");
  try {
    const cold: number[] = [];
    for (let i = 0; i < 3; i++) cold.push(await timed(device, smallKernel(randomBytes(6).toString("hex"))));
    const same = smallKernel(randomBytes(6).toString("hex"));
    await timed(device, same);
    const cached: number[] = [];
    for (let i = 0; i < 9; i++) cached.push(await timed(device, same));
    return { cold: median(cold), cached: median(cached) };
  } finally {
    await device.close();
  }
}

async function timed(device: Device, source: string): Promise<number> {
  const began = performance.now();
  await device.compile(source, { name: "axpy" });
  return (performance.now() - began) / 1000;
}

/** A kernel that no cache has seen. */
export function smallKernel(mark: string): string {
  return `// ${mark}
extern "C" __global__ void axpy(float a, const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = a * x[i] + y[i];
}`;
}

function numbaFigure(numba: NumbaReading | LabError, ours: number): Figure {
  const name = "CPU device against Numba's CUDA simulator";
  if (LabError.is(numba))
    return figureOf(name, null, "x", "at least", 100, numba.message.replace(/\n/g, " "));
  const how =
    `time an element: Numba ${numba.version} ${(numba.secondsPerElement * 1e9).toFixed(0)} ns at ${numba.rows}x${numba.cols}, ` +
    `ours ${ours.toFixed(2)} ns at ${rows}x${cols} on one core`;
  return figureOf(name, (numba.secondsPerElement * 1e9) / ours, "x", "at least", 100, how);
}
