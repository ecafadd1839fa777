import { compileForCuda } from "../backend/cuda/compile";
import { ptxLines } from "../backend/cuda/ptxLines";
import { readResources } from "../backend/cuda/resources";
import { disassemble, memoryInstructions, sassLines } from "../backend/cuda/sassLines";
import { findCudaTool } from "../backend/cuda/tools";
import type { Inspection } from "../core/inspection";
import type { Kernel } from "./kernel";
import type { Extents } from "./launch";
import { theoreticalOccupancy } from "./theoreticalOccupancy";

/** What `Kernel.inspect` is asked for. */
export interface InspectOptions {
  /** Architecture to compile for; default: the GPU's own, on the CPU device "sm_90a". */
  readonly arch?: string;
  /** Threads a block, for the occupancy. */
  readonly block?: Extents;
  /** Dynamic shared memory of a block in bytes, for the occupancy. */
  readonly shared?: number;
}

const noDisassembler =
  "There is no nvdisasm on this machine, so the machine code cannot be read. It comes with the CUDA toolkit and with: " +
  "python3 -m pip install nvidia-cuda-nvdisasm";

/** Compiles a kernel's module for a GPU, as the device of it did or would, and reads what came of it. */
export async function inspectKernel(kernel: Kernel, options: InspectOptions): Promise<Inspection> {
  const { device, module, name } = kernel;
  const gpu = device.kind === "cuda";
  const arch = options.arch ?? (gpu ? device.info.arch : "sm_90a");
  // Options given to the CPU device's compiler mean nothing to NVRTC.
  const request = gpu ? module.request : { ...module.request, options: [] };
  const compiled = await compileForCuda(request, arch);
  const symbol = compiled.entries.find((entry) => entry.name === name)!.symbol;
  const { fileName, source } = request;
  const own = (path: string) => path === fileName || path.endsWith(`/${fileName}`);
  const use = readResources(compiled.log).get(symbol)!;
  const dynamicShared = options.shared ?? 0;
  const nvdisasm = findCudaTool("nvdisasm");
  const sass = nvdisasm ? sassLines(await disassemble(nvdisasm, compiled.binary), symbol, own) : null;
  return {
    kernel: name,
    symbol,
    arch,
    compiler: compiled.compiler,
    fileName,
    source,
    ptx: ptxLines(compiled.ptx!, symbol, own)!,
    sass,
    whyNoSass: nvdisasm ? "" : noDisassembler,
    memoryInstructions: sass && memoryInstructions(sass),
    resources: { ...use, dynamicShared },
    occupancy:
      options.block === undefined
        ? null
        : theoreticalOccupancy(arch, {
            threads: threadsOf(options.block),
            registers: use.registers,
            shared: use.staticShared + dynamicShared,
            barriers: use.barriers,
            maxThreads: kernel.attributes.maxThreadsPerBlock,
          }),
  };
}

/** Threads of a block given as a number or up to three extents. */
export function threadsOf(block: Extents): number {
  return typeof block === "number" ? block : block.reduce((product, extent) => product * extent, 1);
}
