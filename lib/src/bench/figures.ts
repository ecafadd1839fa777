import { LabError } from "../core/error";
import { open } from "../runtime/open";
import { cpuFigures, cpuSteps } from "./cpuFigures";
import { cudaFigures, cudaSteps } from "./cudaFigures";
import type { FigureRun } from "./figure";
import { lensFigures, lensSteps } from "./lensFigures";

/** Called with what is being measured, how many steps are done and how many there are. */
export type FigureProgress = (what: string, done: number, total: number) => void;

/**
 * Measures the lab's own speed: the CPU device's everywhere, the GPU path's where there is a GPU.
 *
 * @example lab.table((await lab.runFigures()).figures)
 */
export async function runFigures(progress: FigureProgress = () => {}): Promise<FigureRun> {
  const gpu = await hasGpu();
  const steps: readonly string[] = [...cpuSteps, ...lensSteps, ...(gpu ? cudaSteps : [])];
  const step = (what: string) => progress(what, steps.indexOf(what), steps.length);
  const own = await cpuFigures(step);
  const figures = [...own.figures, ...(await lensFigures(step))];
  if (!gpu) return { figures, records: own.records };
  const device = await open("cuda");
  try {
    const cuda = await cudaFigures(device, step);
    return { figures: [...figures, ...cuda.figures], records: [...own.records, ...cuda.records] };
  } finally {
    await device.close();
  }
}

/** Closed again until its turn comes: nothing runs beside what is timed. */
async function hasGpu(): Promise<boolean> {
  try {
    await (await open("cuda")).close();
    return true;
  } catch (error) {
    if (LabError.is(error, "no-driver")) return false;
    throw error;
  }
}
