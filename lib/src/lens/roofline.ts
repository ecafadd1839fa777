import { LabError } from "../core/error";
import { allGpus, type ComputeUnit, gpuFacts } from "../targets/gpus";
import type { LensReport } from "./report";

/** Where a launch stands under a GPU's roofline; rates a second, by the GPU's data sheet. */
export interface RooflinePlace {
  readonly gpu: string;
  /** FLOPs over bytes moved between L1 and L2, and the intensity at which the GPU's two limits meet. */
  readonly intensity: number;
  readonly ridge: number;
  readonly bound: "memory" | "compute";
  /** The most FLOPs a second that any launch of this intensity and mix can reach. */
  readonly attainable: number;
  readonly bandwidth: number;
  /** The peak of the mix: each type at its own. */
  readonly peak: number;
}

/** The unit that work of a type runs on; 16-bit arithmetic outside the tensor cores runs at twice the rate of fp32. */
const units: Readonly<Record<string, readonly [ComputeUnit, number]>> = {
  fp64: ["fp64", 1],
  fp32: ["fp32", 1],
  fp16: ["fp32", 2],
};

/**
 * The place of a traced launch under the roofline of a GPU by name: "H200", "H100", "A100", "A10", "RTX 3090", "RTX 4090".
 *
 * Bytes are those moved for the launch's own requests, as if no cache kept any: what a cache saves only moves the place to
 * the right. Throws "no-such-gpu"; null where the launch touched no global memory, or did no counted arithmetic.
 *
 * @example lab.lensRoofline(await lab.lens(kernel, { grid: 4, block: 256 }, x, y), "H200")?.bound
 */
export function lensRoofline(report: LensReport, gpu: string): RooflinePlace | null {
  const facts = gpuFacts(gpu);
  if (!facts) {
    const known = allGpus().map(({ name }) => name);
    throw new LabError("no-such-gpu", `There are no data-sheet figures of a GPU "${gpu}".`, {
      advice: `Known are: ${known.join(", ")}.`,
    });
  }
  const { flops, tensor, bytesMoved } = report.summary;
  let operations = 0;
  let seconds = 0;
  for (const [type, count] of [...Object.entries(flops), ...Object.entries(tensor)]) {
    if (count === 0) continue;
    const [unit, factor] = type in tensor ? [type as ComputeUnit, 1] : units[type]!;
    const peak = facts.flops[unit];
    // A unit that the GPU lacks (fp64 of a game card's sheet) sets no limit that anybody has written down.
    operations += count;
    if (peak !== undefined) seconds += count / (peak * factor);
  }
  if (operations === 0 || seconds === 0 || bytesMoved === 0) return null;
  const peak = operations / seconds;
  const intensity = operations / bytesMoved;
  const { bandwidth, name } = facts;
  return {
    gpu: name,
    intensity,
    ridge: peak / bandwidth,
    bound: intensity < peak / bandwidth ? "memory" : "compute",
    attainable: Math.min(peak, intensity * bandwidth),
    bandwidth,
    peak,
  };
}
