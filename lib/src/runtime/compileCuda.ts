import { compileForCuda } from "../backend/cuda/compile";
import { type ResourceUse, readResources } from "../backend/cuda/resources";
import type { CompileOptions } from "./device";
import { readSource } from "./source";

/** What NVRTC makes of a source text, on any machine that has NVRTC; no GPU is needed. */
export interface CudaCompilation {
  /** Architecture compiled for, "sm_90a". */
  readonly arch: string;
  readonly ptx: string;
  /** Registers, shared memory and spills, by kernel name or name expression. */
  readonly kernels: Readonly<Record<string, ResourceUse>>;
  /** Path of the CUBIN in the compile cache. */
  readonly cubin: string;
  readonly log: string;
  readonly seconds: number;
  readonly cached: boolean;
  /** "NVRTC 13.0". */
  readonly compiler: string;
}

/**
 * Compiles CUDA C++ for a GPU without having one, to see its PTX, registers, shared memory and spills.
 *
 * Errors: "compile-error" with file, line and caret; "no-compiler" where there is no NVRTC.
 *
 * @example
 * const { kernels, ptx } = await lab.compileCuda(source, { arch: "sm_90a" });
 * console.log(kernels.saxpy.registers, ptx.split("\n").length);
 */
export async function compileCuda(
  source: string,
  options: CompileOptions & { readonly arch?: string } = {},
): Promise<CudaCompilation> {
  const arch = options.arch ?? "sm_90a";
  const { request } = readSource(source, options);
  const compiled = await compileForCuda(request, arch);
  const use = readResources(compiled.log);
  const kernels = Object.fromEntries(compiled.entries.map(({ name, symbol }) => [name, use.get(symbol)!]));
  const { ptx, binary: cubin, log, seconds, cached, compiler } = compiled;
  return { arch, ptx: ptx!, kernels, cubin, log, seconds, cached, compiler };
}
