import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as lab from "kernel-lab";
import { cudaIncludes } from "kernel-lab/dist/backend/cuda/search";

test("theoreticalOccupancy() names what limits", () => {
  const of = (arch: string, threads: number, registers: number, shared: number) => {
    const { blocks, warps, fraction, limits } = lab.theoreticalOccupancy(arch, {
      threads,
      registers,
      shared,
    });
    return { blocks, warps, fraction, limits };
  };
  assert.deepEqual(of("sm_90a", 256, 128, 0), {
    blocks: 2,
    warps: 16,
    fraction: 0.25,
    limits: ["registers"],
  });
  assert.deepEqual(of("sm_90", 128, 32, 48 * 1024), {
    blocks: 4,
    warps: 16,
    fraction: 0.25,
    limits: ["shared memory"],
  });
  assert.deepEqual(of("sm_86", 512, 32, 0), { blocks: 3, warps: 48, fraction: 1, limits: ["threads"] });
  assert.deepEqual(of("sm_89", 32, 16, 0).limits, ["blocks"]);
  const barriers = lab.theoreticalOccupancy("sm_90", { threads: 32, registers: 16, shared: 0, barriers: 16 });
  assert.deepEqual([barriers.blocks, barriers.limits], [4, ["barriers"]]);
  assert.equal(of("sm_80", 33, 0, 0).warps, 64);
});

test("theoreticalOccupancy() refuses what no multiprocessor holds", () => {
  const use = { threads: 256, registers: 32, shared: 0 };
  assert.throws(() => lab.theoreticalOccupancy("sm_42", use), { code: "unknown-architecture" });
  assert.throws(() => lab.theoreticalOccupancy("sm_90a", { ...use, threads: 1025 }), {
    code: "invalid-launch",
  });
  assert.throws(() => lab.theoreticalOccupancy("sm_90a", { ...use, threads: 1024, registers: 65 }), {
    code: "invalid-launch",
  });
  assert.throws(() => lab.theoreticalOccupancy("sm_90a", { ...use, threads: 512, maxThreads: 256 }), {
    code: "invalid-launch",
    message: /__launch_bounds__ allow 256/,
  });
  assert.equal(lab.theoreticalOccupancy("sm_90a", { ...use, maxThreads: 256 }).blocks, 8);
  assert.throws(() => lab.theoreticalOccupancy("sm_86", { ...use, shared: 101377 }), {
    code: "invalid-launch",
  });
});

/** A program that answers blocks for each line of use, by NVIDIA's own header. */
const oracle = `#include <cstdio>
#include <cstring>
#include "cuda_occupancy.h"
int main() {
  int major, minor, maxThreads, regs, sharedSM, optin, reserved, threads, registers, shared, barriers;
  while (scanf("%d %d %d %d %d %d %d %d %d %d %d", &major, &minor, &maxThreads, &regs, &sharedSM, &optin, &reserved,
               &threads, &registers, &shared, &barriers) == 11) {
    cudaOccDeviceProp device;
    device.computeMajor = major; device.computeMinor = minor; device.maxThreadsPerBlock = 1024;
    device.maxThreadsPerMultiprocessor = maxThreads; device.regsPerBlock = regs; device.regsPerMultiprocessor = regs;
    device.warpSize = 32; device.sharedMemPerBlock = 48 * 1024; device.sharedMemPerMultiprocessor = sharedSM;
    device.numSms = 1; device.sharedMemPerBlockOptin = optin; device.reservedSharedMemPerBlock = reserved;
    cudaOccFuncAttributes kernel;
    kernel.maxThreadsPerBlock = 1024; kernel.numRegs = registers; kernel.sharedSizeBytes = 0;
    kernel.partitionedGCConfig = PARTITIONED_GC_OFF; kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
    kernel.maxDynamicSharedSizeBytes = shared; kernel.numBlockBarriers = barriers;
    cudaOccDeviceState state;
    state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
    cudaOccResult result;
    cudaOccError error = cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads, shared);
    printf("%d\\n", error ? -1 : result.activeBlocksPerMultiprocessor);
  }
}
`;

test("theoreticalOccupancy() answers what NVIDIA's cuda_occupancy.h does", (t) => {
  const include = cudaIncludes().find((folder) => existsSync(join(folder, "cuda_occupancy.h")));
  if (!include) return t.skip("no cuda_occupancy.h here; it comes with the CUDA toolkit's headers");
  const folder = mkdtempSync(join(tmpdir(), "lab-occupancy-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "oracle.cc"), oracle);
  const program = join(folder, "oracle");
  execFileSync(process.env.CXX || "g++", ["-O1", `-I${include}`, "-o", program, join(folder, "oracle.cc")]);
  const uses = [];
  for (const arch of ["sm_75", "sm_80", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_120"])
    for (const threads of [1, 32, 63, 96, 160, 256, 384, 1024])
      for (const registers of [16, 40, 63, 128, 255])
        for (const shared of [0, 1000, 20_000, 49_152, 70_000, 166_912])
          for (const barriers of [1, 5]) uses.push({ arch, threads, registers, shared, barriers });
  const input = uses.map(({ arch, threads, registers, shared, barriers }) => {
    const limits = lab.capabilityLimits(arch);
    const device = [...limits.capability, limits.threads, limits.registers, limits.shared];
    return [
      ...device,
      limits.sharedPerBlock,
      limits.sharedReserved,
      threads,
      registers,
      shared,
      barriers,
    ].join(" ");
  });
  const answers = execFileSync(program, { input: `${input.join("\n")}\n`, encoding: "utf8" })
    .trim()
    .split("\n");
  assert.equal(answers.length, uses.length);
  const wrong = uses.filter((use, i) => blocksOf(use) !== Number(answers[i]));
  assert.deepEqual(wrong, []);
  assert.ok(answers.some((answer) => answer === "0") && answers.some((answer) => Number(answer) > 16));
});

function blocksOf({ arch, ...use }: { arch: string } & lab.BlockUse): number {
  try {
    return lab.theoreticalOccupancy(arch, use).blocks;
  } catch (error) {
    if (lab.LabError.is(error, "invalid-launch")) return 0;
    throw error;
  }
}
