import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { loadAddon } from "../backend/binding";
import { cudaLibraryFolders } from "../backend/cuda/search";
import { type CudaTool, findCudaTool } from "../backend/cuda/tools";
import { hostCompiler, lensCompiler } from "../backend/simt/compiler";
import { checkInstrumentation } from "../backend/simt/instrument";
import { findTorch } from "../baselines/run";
import { LabError } from "../core/error";
import { homePath } from "../core/paths";
import { open } from "../runtime/open";

/** One part of the lab on this machine. */
export interface Part {
  readonly name: string;
  readonly found: boolean;
  /** The lab does not work without it; the others add something. */
  readonly needed: boolean;
  readonly version: string | null;
  /** Where it is, or what it said. */
  readonly detail: string | null;
  /** The command or step that mends it; empty when found. */
  readonly mend: string;
}

/** Looks at every part; a part that throws is missing with its message, nothing is fatal. */
export async function runDoctor(): Promise<Part[]> {
  const cuda = cudaParts();
  return [
    await node(),
    await compiler(),
    await lens(),
    addon(),
    ...cuda,
    ...(await cudaTools()),
    await python(),
    await torch(),
    await jupyter(),
    await device(),
  ];
}

function found(name: string, version: string | null, detail: string | null, needed = false): Part {
  return { name, found: true, needed, version, detail, mend: "" };
}

function missing(name: string, mend: string, detail: string | null = null, needed = false): Part {
  return { name, found: false, needed, version: null, detail, mend };
}

async function node(): Promise<Part> {
  return found("Node", process.versions.node, process.execPath, true);
}

async function compiler(): Promise<Part> {
  try {
    const { version, path } = await hostCompiler();
    return found("C++ compiler", version.match(/\d+\.\d+(\.\d+)?/)?.[0] ?? version, path, true);
  } catch (error) {
    return missing("C++ compiler", "apt-get install g++   (or set CXX)", message(error), true);
  }
}

async function lens(): Promise<Part> {
  try {
    const compiler = await lensCompiler();
    await checkInstrumentation(compiler);
    const reader = await firstLine("addr2line", ["--version"]);
    if (!reader && !(await firstLine("llvm-symbolizer", ["--version"])))
      return missing("lens", "apt-get install binutils   (lab.lens() and lab.step() only)");
    return found("lens", compiler.version.match(/\d+\.\d+(\.\d+)?/)?.[0] ?? null, compiler.path);
  } catch (error) {
    const advice = LabError.is(error) && error.advice ? error.advice : "apt-get install g++";
    return missing("lens", `${advice}   (lab.lens() and lab.step() only)`, message(error));
  }
}

function addon(): Part {
  try {
    return found("addon", loadAddon().version, homePath("native", "build", "kernel_lab.node"), true);
  } catch (error) {
    return missing("addon", "npm run build", message(error), true);
  }
}

const cudaMends: readonly (readonly [
  key: "driver" | "nvrtc" | "nvml" | "cublasLt" | "nccl",
  name: string,
  mend: string,
])[] = [
  [
    "driver",
    "NVIDIA driver",
    "install NVIDIA's driver where there is a GPU; without one the CPU device is used",
  ],
  [
    "nvrtc",
    "NVRTC",
    "python3 -m pip install nvidia-cuda-nvrtc nvidia-cuda-runtime nvidia-cuda-cccl   (into .lab/venv)",
  ],
  ["nvml", "NVML", "comes with NVIDIA's driver: clocks and power are not recorded without it"],
  ["cublasLt", "cuBLASLt", "python3 -m pip install nvidia-cublas   (comparison with cuBLAS only)"],
  ["nccl", "NCCL", "python3 -m pip install nvidia-nccl-cu13   (several GPUs only)"],
];

function cudaParts(): Part[] {
  try {
    const probe = loadAddon().probe(cudaLibraryFolders());
    return cudaMends.map(([key, name, mend]) => {
      const part = probe[key];
      return part.found
        ? found(name, part.version ?? null, part.path ?? null)
        : missing(name, mend, part.error ?? null);
    });
  } catch (error) {
    return cudaMends.map(([, name]) =>
      missing(name, "npm run build   (the addon looks for it)", message(error)),
    );
  }
}

const toolMends: readonly (readonly [tool: CudaTool, mend: string])[] = [
  ["nvdisasm", "python3 -m pip install nvidia-cuda-nvdisasm   (machine code in kernel.inspect() only)"],
  ["ncu", "install NVIDIA Nsight Compute   (lab.counters() only)"],
  ["compute-sanitizer", "comes with the CUDA toolkit   (memory and race checks on a GPU only)"],
];

async function cudaTools(): Promise<Part[]> {
  return Promise.all(
    toolMends.map(async ([tool, mend]) => {
      const path = findCudaTool(tool);
      if (!path) return missing(tool, mend);
      const { stdout } = await promisify(execFile)(path, ["--version"], { timeout: 20_000 }).catch(() => ({
        stdout: "",
      }));
      return found(tool, stdout.match(/\d+\.\d+(\.\d+)*/)?.[0] ?? null, path);
    }),
  );
}

async function python(): Promise<Part> {
  const line = await firstLine("python3", ["--version"]);
  if (!line) return missing("Python", "apt-get install python3 python3-venv   (Jupyter and PyTorch only)");
  return found("Python", line.replace("Python ", ""), "python3");
}

async function torch(): Promise<Part> {
  const here = await findTorch();
  if (!here)
    return missing(
      "PyTorch",
      "python3 -m pip install torch   (baselines on this machine only; recorded ones are there)",
    );
  return found("PyTorch", here.torch, `${here.python}${here.cuda ? "" : ", without a GPU"}`);
}

async function jupyter(): Promise<Part> {
  const program = homePath(".lab", "venv", "bin", "jupyter-lab");
  const line = existsSync(program) ? await firstLine(program, ["--version"]) : null;
  return line
    ? found("Jupyter", line, program)
    : missing("Jupyter", "npm run notebooks   (installs it into .lab/venv)");
}

async function device(): Promise<Part> {
  try {
    const opened = await open();
    const { info, why } = opened;
    await opened.close();
    const size =
      info.kind === "cpu" ? `${info.workers ?? 1} workers` : `${info.multiprocessors} multiprocessors`;
    return found("device", info.arch, `${info.name}, ${size}${why ? " (no GPU found)" : ""}`, true);
  } catch (error) {
    const advice = LabError.is(error) && error.advice ? error.advice : "npm run build";
    return missing("device", advice, message(error), true);
  }
}

async function firstLine(program: string, args: string[]): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: 20_000 });
    return stdout.split("\n")[0]?.trim() || null;
  } catch {
    return null;
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}
