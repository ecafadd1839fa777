import { readFileSync } from "node:fs";
import { z } from "zod";
import { dataPath } from "../core/paths";

const gpuSchema = z.object({
  name: z.string(),
  match: z.array(z.string()),
  capability: z.tuple([z.number(), z.number()]),
  bandwidth: z.number(),
  memory: z.number(),
  l2: z.number(),
  powerW: z.number(),
  /** Hz. The peaks hold at `boost`; `max` is the highest clock the chip runs at. */
  clock: z.object({ boost: z.number(), max: z.number() }),
  /** Bytes a second from the host, one way. */
  link: z.number(),
  flops: z.record(z.string(), z.number()),
  source: z.string(),
});

/** Data-sheet figures of a GPU: bytes, bytes a second, operations a second by unit ("fp32", "bf16"). */
export type GpuFacts = z.infer<typeof gpuSchema>;

/**
 * The unit whose peak limits a case, as data/gpus.json names it. "fp16a16" is fp16 accumulated in fp16: GeForce cards
 * run it at twice the rate of fp16 accumulated in fp32, the others at the same.
 */
export type ComputeUnit = "fp64" | "fp32" | "tf32" | "fp16" | "fp16a16" | "bf16" | "fp8" | "int8";

let loaded: GpuFacts[] | undefined;

/** Every GPU of data/gpus.json. */
export function allGpus(): readonly GpuFacts[] {
  loaded ??= z
    .object({ gpus: z.array(gpuSchema) })
    .parse(JSON.parse(readFileSync(dataPath("gpus.json"), "utf8"))).gpus;
  return loaded;
}

/** What the data sheet says of a GPU, or null when it is not in data/gpus.json. */
export function gpuFacts(deviceName: string): GpuFacts | null {
  // Whole words, so that an "A10" does not answer for an "A100".
  const words = ` ${deviceName.replace(/[^A-Za-z0-9-]+/g, " ")} `;
  const holds = (text: string) => new RegExp(`[ -]${text}[ -]`).test(words);
  return allGpus().find((gpu) => gpu.match.some(holds)) ?? null;
}

/** The unit that a dtype is multiplied on: tensor cores for the narrow types, CUDA cores for f32 and f64. */
export function unitOf(dtype: string): ComputeUnit {
  const units: Record<string, ComputeUnit> = {
    f64: "fp64",
    f32: "fp32",
    tf32: "tf32",
    f16: "fp16",
    bf16: "bf16",
    i8: "int8",
    u8: "int8",
  };
  return units[dtype] ?? (/^(fp8|e4m3|e5m2)/.test(dtype) ? "fp8" : "fp32");
}
