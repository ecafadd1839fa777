/** A trace made by hand: 64 threads load a row, and a tree in shared memory adds it up. */

import type { Step, StepTrace } from "kernel-lab/dist/show/steps/trace";

const source = `__global__ void total(const float* x, float* y) {
  __shared__ float part[64];
  const int i = threadIdx.x;
  part[i] = x[i];
  __syncthreads();
  for (int half = 32; half > 0; half /= 2) {
    if (i < half) part[i] += part[i + half];
    __syncthreads();
  }
  if (i == 0) y[0] = part[0];
}
`;

const all = 0xffffffff;
const maskBelow = (lanes: number) => (lanes >= 32 ? all : lanes <= 0 ? 0 : (2 ** lanes - 1) >>> 0);

/** `value` of x[i] is i, so that every sum is known. */
export function totalTrace(): StepTrace {
  const part = Array.from({ length: 64 }, (_, i) => i);
  const warps: Step[][] = [[], []];
  const barriers: number[] = [];
  let tick = 0;
  const everywhere = (make: (warp: number) => Step) => {
    for (const [warp, steps] of warps.entries()) steps.push(make(warp));
  };
  const lanes = (warp: number) => Array.from({ length: 32 }, (_, lane) => warp * 32 + lane);
  everywhere((warp) => [3, tick, all, 1, 0, [], [[0, 0, all, lanes(warp)]]]);
  tick++;
  everywhere((warp) => [
    4,
    tick,
    all,
    1,
    0,
    [
      [0, 0, 4, all, warp * 128, 4],
      [1, 2, 4, all, warp * 128, 4, lanes(warp)],
    ],
    [],
  ]);
  tick++;
  everywhere(() => [5, tick, all, 1, 2, [], []]);
  tick++;
  for (let half = 32; half > 0; half >>= 1) {
    barriers.push(tick);
    everywhere(() => [6, tick, all, 1, 0, [], [[1, 0, all, half]]]);
    tick++;
    const mask = maskBelow(half);
    const sums = lanes(0)
      .slice(0, Math.min(half, 32))
      .map((i) => (part[i]! += part[i + half]!));
    warps[0]!.push([
      7,
      tick,
      mask,
      1,
      0,
      [
        [0, 2, 4, mask, half * 4, 4],
        [0, 2, 4, mask, 0, 4],
        [1, 2, 4, mask, 0, 4, sums],
      ],
      [],
    ]);
    tick++;
    everywhere(() => [8, tick, all, 1, 2, [], []]);
    tick++;
  }
  barriers.push(tick);
  everywhere(() => [10, tick, all, 1, 0, [], []]);
  tick++;
  warps[0]!.push([
    10,
    tick,
    1,
    1,
    0,
    [
      [0, 2, 4, 1, 0, 0],
      [1, 1, 4, 1, 0, 0],
    ],
    [],
  ]);
  tick++;
  return {
    kernel: "total",
    fileName: "total.cu",
    source,
    grid: [1, 1, 1],
    block: [64, 1, 1],
    targets: [
      { name: "x", space: "global", dtype: "f32", elementBytes: 4, shape: [64] },
      { name: "y", space: "global", dtype: "f32", elementBytes: 4, shape: [1] },
      { name: "part", space: "shared", dtype: "f32", elementBytes: 4, shape: [64] },
    ],
    locals: [
      { name: "i", dtype: "i32", line: 3, shape: [] },
      { name: "half", dtype: "i32", line: 6, shape: [] },
    ],
    blocks: [{ index: [0, 0, 0], ticks: tick, barriers, warps }],
  };
}
