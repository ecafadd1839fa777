import { readFileSync } from "node:fs";
import { z } from "zod";
import { LabError } from "../core/error";
import type { Limiter, TheoreticalOccupancy } from "../core/inspection";
import { dataPath } from "../core/paths";
import { ceilDiv } from "../core/shape";

const capabilitySchema = z.object({
  capability: z.tuple([z.number(), z.number()]),
  threads: z.number(),
  blocks: z.number(),
  registers: z.number(),
  shared: z.number(),
  sharedPerBlock: z.number(),
  sharedReserved: z.number(),
  sharedUnit: z.number(),
  registerUnit: z.number(),
  partitions: z.number(),
  barriers: z.number().nullable(),
});

/** What one multiprocessor of a compute capability holds, as data/capabilities.json tells it. */
export type CapabilityLimits = z.infer<typeof capabilitySchema>;

/** What one block of a launch takes. */
export interface BlockUse {
  readonly threads: number;
  /** Registers a thread. */
  readonly registers: number;
  /** Static and dynamic shared memory of a block, bytes. */
  readonly shared: number;
  /** Named barriers of the block; default 1. */
  readonly barriers?: number;
  /** Threads that the kernel was compiled for at most, as its `__launch_bounds__` say; default 1024. */
  readonly maxThreads?: number;
}

const warp = 32;
const mostThreads = 1024;
const mostRegisters = 256;

let loaded: CapabilityLimits[] | undefined;

/** The limits of an architecture: "sm_90a", "sm_86". Throws "unknown-architecture". */
export function capabilityLimits(arch: string): CapabilityLimits {
  loaded ??= z
    .object({ capabilities: z.array(capabilitySchema) })
    .parse(JSON.parse(readFileSync(dataPath("capabilities.json"), "utf8"))).capabilities;
  const [, major, minor] = /^(?:sm|compute)_(\d+)(\d)[af]?$/.exec(arch) ?? [];
  const found = loaded.find(({ capability: [a, b] }) => a === Number(major) && b === Number(minor));
  if (found) return found;
  const known = loaded.map(({ capability }) => `sm_${capability.join("")}`).join(", ");
  throw new LabError("unknown-architecture", `The limits of a multiprocessor of "${arch}" are not known.`, {
    advice: `Use one of ${known}, or add its line to data/capabilities.json.`,
  });
}

/**
 * How many blocks of a launch one multiprocessor can hold, and what keeps it from holding more.
 *
 * The rules are those of cuda_occupancy.h in NVIDIA's CUDA Toolkit: registers are given out a warp at a time, in each of
 * the multiprocessor's partitions; shared memory in steps, with what the driver reserves; the limits are data in
 * data/capabilities.json. It is the most that can be resident: short grids and uneven blocks give less.
 *
 * @throws LabError "unknown-architecture"; "invalid-launch" for a block that no multiprocessor holds
 * @example
 * const { blocks, fraction, limits } = lab.theoreticalOccupancy("sm_90a", { threads: 256, registers: 128, shared: 49152 });
 * console.log(blocks, fraction, limits);   // 2 0.25 [ 'registers' ]
 */
export function theoreticalOccupancy(arch: string, use: BlockUse): TheoreticalOccupancy {
  const limits = capabilityLimits(arch);
  const { threads, registers, shared, barriers = 1, maxThreads = mostThreads } = use;
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads) {
    throw tooLarge(`it has ${threads} threads, expected 1 to ${mostThreads}`);
  }
  if (threads > maxThreads) {
    throw tooLarge(`it has ${threads} threads, and the kernel's __launch_bounds__ allow ${maxThreads}`);
  }
  const warps = ceilDiv(threads, warp);
  const warpRegisters = alignUp(registers * warp, limits.registerUnit);
  // The hardware's check of one block takes its warps for evenly spread over the partitions.
  const blockRegisters = warpRegisters * alignUp(warps, limits.partitions);
  if (blockRegisters > limits.registers || registers > mostRegisters) {
    throw tooLarge(`${threads} threads of ${registers} registers need more than ${limits.registers}`);
  }
  if (shared > limits.sharedPerBlock) {
    throw tooLarge(`it needs ${shared} bytes of shared memory, expected ${limits.sharedPerBlock} at most`);
  }
  const partitionRegisters = Math.floor(limits.registers / limits.partitions);
  const registerWarps =
    warpRegisters === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(partitionRegisters / warpRegisters) * limits.partitions;
  const sharedBytes = alignUp(shared + limits.sharedReserved, limits.sharedUnit);
  const by: Record<Limiter, number> = {
    threads: Math.floor(limits.threads / warp / warps),
    blocks: limits.blocks,
    registers: Math.floor(registerWarps / warps),
    "shared memory": sharedBytes === 0 ? Number.POSITIVE_INFINITY : Math.floor(limits.shared / sharedBytes),
    barriers:
      barriers === 0 || limits.barriers === null
        ? Number.POSITIVE_INFINITY
        : Math.floor(limits.barriers / barriers),
  };
  const blocks = Math.min(...Object.values(by));
  const most = limits.threads / warp;
  return {
    threads,
    blocks,
    warps: blocks * warps,
    mostWarps: most,
    fraction: (blocks * warps) / most,
    limits: (Object.keys(by) as Limiter[]).filter((name) => by[name] === blocks),
    blocksBy: by,
  };
  function tooLarge(why: string): LabError {
    return new LabError("invalid-launch", `A multiprocessor of ${arch} holds no such block: ${why}.`, {
      advice:
        "Choose fewer threads a block, less shared memory, or bound the registers by __launch_bounds__.",
    });
  }
}

function alignUp(value: number, unit: number): number {
  return ceilDiv(value, unit) * unit;
}
