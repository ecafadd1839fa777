import { randomBytes } from "node:crypto";
import { median } from "../record/statistics";
import type { Device } from "../runtime/device";
import { smallKernel } from "./cpuFigures";
import { type FigureRun, figureOf } from "./figure";

const launches = 20_000;
const graphNodes = 1000;
const megabytes = 256;

/** What `cudaFigures` tells of, in order. */
export const cudaSteps = [
  "CUDA: pipelined launches",
  "CUDA: graph replay",
  "CUDA: cached compile",
  "CUDA: upload and read-back",
] as const;

/** The GPU path's speed from TypeScript: launches, graph replay, cached compile, transfers. Host clock, end to end. */
export async function cudaFigures(
  device: Device,
  progress: (what: (typeof cudaSteps)[number]) => void,
): Promise<FigureRun> {
  progress(cudaSteps[0]);
  const empty = await device.compileFile("probes/empty.cu", { name: "empty" });
  const config = { grid: 1, block: 32 };
  const pipelined = await perCall(device, launches, () => empty.enqueue(config));
  progress(cudaSteps[1]);
  const graph = await device.graph(() => {
    for (let i = 0; i < graphNodes; i++) empty.enqueue(config);
  });
  const replayed = (await perCall(device, 20, () => graph.launch())) / graphNodes;
  graph.destroy();
  progress(cudaSteps[2]);
  const source = smallKernel(randomBytes(6).toString("hex"));
  const cold = await compileSeconds(device, source);
  const cached = median(await times(9, () => compileSeconds(device, source)));
  progress(cudaSteps[3]);
  const data = new Float32Array((megabytes * 2 ** 20) / 4).fill(1.5);
  const tensor = device.empty([data.length]);
  await tensor.write(data);
  await device.sync();
  const up = median(
    await times(5, async () => {
      await tensor.write(data);
      await device.sync();
    }),
  );
  const down = median(await times(5, () => tensor.readRaw()));
  tensor.free();
  const rate = (seconds: number) => (megabytes * 2 ** 20) / seconds / 1e9;
  const figures = [
    figureOf(
      "CUDA launch pipelined from TypeScript",
      pipelined * 1e6,
      "us",
      "at most",
      3,
      `${launches} empty kernels, host clock, synchronised`,
    ),
    figureOf(
      "CUDA launch in a replayed graph",
      replayed * 1e6,
      "us",
      "at most",
      1.5,
      `graph of ${graphNodes} empty kernels, 20 replays`,
    ),
    figureOf(
      "CUDA compile, cached",
      cached * 1e3,
      "ms",
      "at most",
      5,
      `median of 9, from call to kernel; cold ${cold.toFixed(2)} s`,
    ),
    figureOf("CUDA upload", rate(up), "GB/s", "at least", 2, `${megabytes} MiB, median of 5`),
    figureOf("CUDA read-back", rate(down), "GB/s", "at least", 2, `${megabytes} MiB, median of 5`),
  ];
  return { figures, records: [] };
}

/** Seconds a call: the median of five rounds after one to warm up. */
async function perCall(device: Device, count: number, call: () => void): Promise<number> {
  const round = async () => {
    for (let i = 0; i < count; i++) call();
    await device.sync();
  };
  await round();
  return median(await times(5, round)) / count;
}

async function times(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const result: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await work();
    result.push((performance.now() - began) / 1000);
  }
  return result;
}

async function compileSeconds(device: Device, source: string): Promise<number> {
  const began = performance.now();
  await device.compile(source, { name: "axpy" });
  return (performance.now() - began) / 1000;
}
