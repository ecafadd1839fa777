import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LabError } from "../../core/error";
import { homePath } from "../../core/paths";
import { cached } from "../cache";
import type { CompiledModule, CompileRequest } from "../compiled";
import { callCompiler, type NvrtcAnswer } from "./compiler";
import { compileError, lostPerformanceError, unknownNames } from "./diagnostics";
import { includedText } from "./includes";
import { cudaIncludes, cudaLibraryFolders } from "./search";

interface Built {
  readonly entries: { name: string; symbol: string }[];
  readonly log: string;
  readonly compiler: string;
}

let version: Promise<string> | undefined;

/** NVRTC's version, "13.0"; throws "no-compiler" where there is none. Asked once. */
export function nvrtcVersion(): Promise<string> {
  version ??= callCompiler<string | null>("nvrtcVersion", [cudaLibraryFolders()]).then((found) => {
    if (found) return found;
    version = undefined;
    throw new LabError("no-compiler", "NVRTC, CUDA's run-time compiler, was not found.", {
      advice:
        "Install it with: pip install nvidia-cuda-nvrtc, or point KERNEL_LAB_CUDA_PATH or CUDA_HOME to a CUDA toolkit.",
    });
  });
  return version;
}

/** Compiles CUDA C++ to a CUBIN with NVRTC, through the cache. Works with no GPU. Errors: "compile-error", "no-compiler". */
export async function compileForCuda(request: CompileRequest, arch: string): Promise<CompiledModule> {
  const start = performance.now();
  const compiler = `NVRTC ${await nvrtcVersion()}`;
  const folders = [...request.includes, homePath("kernels", "include")];
  const options = optionsOf(request, arch, folders);
  const headers = includedText(request.source, folders);
  const key = [
    compiler,
    request.source,
    request.fileName,
    ...request.names,
    request.namesFound ? "found" : "asked",
    ...options,
    "--",
    ...headers,
  ];
  const { dir, hit } = await cached("cuda", key, (folder) => build(request, options, folder, compiler));
  const built = JSON.parse(readFileSync(join(dir, "build.json"), "utf8")) as Built;
  return {
    dir,
    binary: join(dir, "module.cubin"),
    entries: built.entries,
    log: built.log,
    ptx: readFileSync(join(dir, "module.ptx"), "utf8"),
    seconds: (performance.now() - start) / 1000,
    cached: hit,
    compiler,
  };
}

function optionsOf(request: CompileRequest, arch: string, folders: readonly string[]): string[] {
  return [
    `--gpu-architecture=${arch}`,
    "-std=c++17",
    "-default-device",
    "-lineinfo",
    "--ptxas-options=-v",
    "--pre-include=kernel_lab_nvrtc.h",
    ...[...folders, ...cudaIncludes(), homePath("native", "cuda", "include")].map(
      (folder) => `--include-path=${folder}`,
    ),
    ...Object.entries(request.defines).map(
      ([name, value]) => `--define-macro=${name}=${value === true ? 1 : value === false ? 0 : value}`,
    ),
    ...request.options,
  ];
}

async function build(
  request: CompileRequest,
  options: string[],
  dir: string,
  compiler: string,
): Promise<void> {
  const { source, fileName } = request;
  const compile = (nameExpressions: readonly string[]): Promise<NvrtcAnswer> =>
    callCompiler<NvrtcAnswer>("nvrtcCompile", [
      { source, fileName, options, nameExpressions, searchPaths: cudaLibraryFolders() },
    ]);
  let names = request.names;
  let answer = await compile(names);
  if (!answer.ok && request.namesFound) {
    // Kernels that the preprocessor leaves out have no name to look up.
    const unknown = unknownNames(answer.log);
    names = names.filter((name) => !unknown.has(name));
    if (names.length > 0 && names.length < request.names.length) answer = await compile(names);
  }
  if (!answer.ok || !answer.cubin || !answer.ptx) throw compileError(request, answer.log);
  const slow = lostPerformanceError(request, answer.log);
  if (slow) throw slow;
  writeFileSync(join(dir, "source.cu"), request.source);
  writeFileSync(join(dir, "module.cubin"), answer.cubin);
  // NVRTC ends the text with a zero byte.
  writeFileSync(join(dir, "module.ptx"), Buffer.from(answer.ptx).toString("utf8").replace(/\0+$/, ""));
  const entries = names.map((name) => ({ name, symbol: answer.loweredNames[name] ?? name }));
  writeFileSync(
    join(dir, "build.json"),
    JSON.stringify({ entries, log: answer.log, compiler } satisfies Built),
  );
}
