import { env } from "../core/env";
import { LabError } from "../core/error";
import { loadAddon } from "./binding";
import { isolated } from "./client";
import type { CompiledModule, CompileRequest } from "./compiled";
import { Connection } from "./connection";
import type { DeviceInfo, DeviceKind } from "./contract";
import { compileForCuda } from "./cuda/compile";
import { cudaLibraryFolders } from "./cuda/search";
import { inProcess } from "./inprocess";
import { compileForCpu } from "./simt/compile";

/** Options of opening a device. */
export interface OpenOptions {
  /** Which GPU, from 0. */
  readonly ordinal?: number;
  /** Worker threads of the CPU device; default: all cores. */
  readonly workers?: number;
  /** Bytes of device memory that the CPU device offers. */
  readonly memoryLimit?: number;
  /** Stack bytes of one CUDA thread on the CPU device. */
  readonly stackBytes?: number;
  /** Seconds a kernel may take (on a GPU: that one wait may take) before the device's process is ended. */
  readonly timeLimit?: number;
  /** Run the device in a process of its own (default), so that a faulting kernel does not end this one. */
  readonly isolated?: boolean;
  /** Receives what kernels print; the default writes to process.stdout, which a notebook shows. */
  readonly onPrintf?: (text: string) => void;
}

/** An opened backend. */
export interface Backend {
  readonly connection: Connection;
  readonly info: DeviceInfo;
  /** Why no GPU was chosen; empty when one was. */
  readonly why: string;
  compile(request: CompileRequest): Promise<CompiledModule>;
}

/** The native CPU device notices its own time limit, with the kernel's line; the client's kill is the last resort. */
const graceSeconds = 2;

/** Opens a backend; "auto" takes a GPU where there is one. Errors: "no-driver", "no-such-device". */
export async function openBackend(kind: "auto" | DeviceKind, options: OpenOptions): Promise<Backend> {
  checkOptions(kind, options);
  const wanted = kind === "auto" ? ((env("KERNEL_LAB_DEVICE") ?? "auto") as typeof kind) : kind;
  const why = wanted === "cpu" ? "" : whyNoGpu(options.ordinal ?? 0);
  if (wanted === "cuda" && why) {
    throw new LabError("no-driver", `Cannot open a GPU: ${why}.`, {
      advice:
        'Install NVIDIA\'s driver (nvidia-smi must list the GPU), or use the CPU device: lab.open("cpu").',
    });
  }
  const chosen: DeviceKind = wanted === "cpu" || why ? "cpu" : "cuda";
  try {
    return await openKind(chosen, options, why);
  } catch (error) {
    if (wanted !== "auto" || chosen === "cpu") throw error;
    return openKind("cpu", options, `the GPU did not open: ${(error as Error).message.split("\n")[0]}`);
  }
}

async function openKind(kind: DeviceKind, options: OpenOptions, why: string): Promise<Backend> {
  const apart = options.isolated ?? env("KERNEL_LAB_ISOLATED") !== "0";
  const native = {
    ordinal: options.ordinal ?? 0,
    workers: options.workers ?? workersOfEnvironment(),
    memoryLimit: options.memoryLimit ?? 0,
    stackBytes: options.stackBytes ?? 0,
    timeLimitSeconds: options.timeLimit ?? 0,
    searchPaths: kind === "cuda" ? cudaLibraryFolders() : [],
  };
  const connection = new Connection(apart ? isolated(kind, native) : inProcess(kind, native), {
    timeLimit: options.timeLimit && options.timeLimit + (kind === "cpu" ? graceSeconds : 0),
    onPrintf: options.onPrintf,
  });
  const info = await connection.open();
  const compile =
    kind === "cpu" ? compileForCpu : (request: CompileRequest) => compileForCuda(request, info.arch);
  return { connection, info, why, compile };
}

function workersOfEnvironment(): number {
  const text = env("KERNEL_LAB_WORKERS") ?? "0";
  if (/^\d+$/.test(text)) return Number(text);
  throw new LabError(
    "invalid-option",
    `KERNEL_LAB_WORKERS is "${text}"; expected a whole number of threads, 0 for all cores.`,
  );
}

/** One clause telling why there is no GPU to open, or "" when there is one. */
function whyNoGpu(ordinal: number): string {
  const { driver, gpus } = loadAddon().probe(cudaLibraryFolders());
  if (!driver.found) return `no CUDA driver${clause(driver.error)}`;
  if (gpus.length === 0) return `the driver lists no GPU${clause(driver.error)}`;
  if (ordinal >= gpus.length) return `GPU ${ordinal} was asked for and there are ${gpus.length}`;
  return "";
}

/** What happened, of an error that also says what was being done and what to do. */
function clause(error: string | undefined): string {
  const what = error?.replace(/^Opening the CUDA device: /, "").split(". ")[0];
  return what ? `: ${what.replace(/\.$/, "")}` : "";
}

function checkOptions(kind: string, options: OpenOptions): void {
  if (!["auto", "cpu", "cuda"].includes(kind)) {
    throw new LabError("no-such-device", `There is no device "${kind}".`, {
      advice: 'Use "auto", "cpu" or "cuda".',
    });
  }
  for (const name of ["ordinal", "workers", "memoryLimit", "stackBytes", "timeLimit"] as const) {
    const value = options[name];
    if (
      value !== undefined &&
      !(Number.isFinite(value) && value >= 0 && (name === "timeLimit" || Number.isInteger(value)))
    ) {
      throw new LabError("invalid-option", `The option ${name} is ${value}; expected a number of 0 or more.`);
    }
  }
}
