import { LabError } from "../core/error";
import { open } from "../runtime/open";
import { cpuFigures } from "./cpuFigures";
import { cudaFigures } from "./cudaFigures";
import type { FigureRun } from "./figure";
import { lensFigures } from "./lensFigures";

/**
 * Measures the lab's own speed: the CPU device's everywhere, the GPU path's where there is a GPU.
 *
 * @example lab.table((await lab.runFigures()).figures)
 */
export async function runFigures(progress: (what: string) => void = () => {}): Promise<FigureRun> {
  const own = await cpuFigures(progress);
  const cpu = { figures: [...own.figures, ...(await lensFigures(progress))], records: own.records };
  try {
    const device = await open("cuda");
    try {
      const cuda = await cudaFigures(device, progress);
      return { figures: [...cpu.figures, ...cuda.figures], records: [...cpu.records, ...cuda.records] };
    } finally {
      await device.close();
    }
  } catch (error) {
    if (!LabError.is(error, "no-driver")) throw error;
    progress(`no GPU: ${error.what}`);
    return cpu;
  }
}
