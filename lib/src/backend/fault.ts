import { execFile } from "node:child_process";
import { basename } from "node:path";
import { LabError, type SourceLine } from "../core/error";
import type { Exit } from "./process";
import type { NativeFailure } from "./protocol";

/** Bytes of the fault page: the struct of native/core/backend.h, then room for text that kernels printed. */
export const faultPageBytes = 64 * 1024;

const magic = 0x4c414246;
const printfOffset = 4096;

/** What a dying device left, as far as it goes. */
export interface FaultReport {
  readonly code: string;
  readonly message: string;
  readonly kernel?: string;
  readonly module?: string;
  readonly pc?: number;
  readonly address?: string;
  readonly block?: readonly [number, number, number];
  readonly thread?: readonly [number, number, number];
  readonly printed?: string;
}

/** Reads the fault page a dead host left, or null when it wrote none. */
export function readFaultPage(page: ArrayBuffer): FaultReport | null {
  const view = new DataView(page);
  if (view.getUint32(0, true) !== magic) return null;
  const text = (at: number, bytes: number): string => {
    const raw = new Uint8Array(page, at, bytes);
    const end = raw.indexOf(0);
    return Buffer.from(raw.subarray(0, end < 0 ? bytes : end)).toString("utf8");
  };
  const triple = (at: number): readonly [number, number, number] => [
    view.getUint32(at, true),
    view.getUint32(at + 4, true),
    view.getUint32(at + 8, true),
  ];
  const hasWhere = view.getUint32(2384, true) !== 0;
  const printed = Math.min(view.getUint32(4, true), page.byteLength - printfOffset);
  return {
    code: text(8, 32) || "device-lost",
    kernel: text(40, 256) || undefined,
    module: text(296, 1024) || undefined,
    message: text(1320, 1024),
    pc: Number(view.getBigUint64(2344, true)) || undefined,
    address: `0x${view.getBigUint64(2352, true).toString(16)}`,
    block: hasWhere ? triple(2360) : undefined,
    thread: hasWhere ? triple(2372) : undefined,
    printed: printed > 0 ? text(printfOffset, printed) : undefined,
  };
}

/** Reads what a native error says beside its message. */
export function reportOf(failure: NativeFailure): FaultReport {
  const detail = failure.detail ? (JSON.parse(failure.detail) as Partial<FaultReport>) : {};
  return { ...detail, code: failure.code, message: failure.message, kernel: failure.kernel || detail.kernel };
}

/** Source line of an address in a module, by the tools a C++ compiler brings; null where none can tell. */
export async function sourceLine(module: string, pc: number): Promise<SourceLine | null> {
  const hex = `0x${pc.toString(16)}`;
  const tools: [string, string[]][] = [
    ["addr2line", ["-e", module, "-i", hex]],
    ["llvm-symbolizer", ["--obj", module, "--output-style=GNU", "--no-demangle", hex]],
    ["llvm-symbolizer-14", ["--obj", module, "--output-style=GNU", "--no-demangle", hex]],
  ];
  for (const [tool, args] of tools) {
    const out = await new Promise<string>((resolve) => {
      execFile(tool, args, { timeout: 5000 }, (error, stdout) => resolve(error ? "" : stdout));
    });
    const lines = [...out.matchAll(/^(.+):(\d+)(?: .*)?$/gm)].map((match) => ({
      file: match[1]!,
      line: Number(match[2]),
    }));
    // Of an inlined chain the innermost line in the user's own source: the lab's headers are not where the mistake is.
    const own = lines.find(
      (at) => at.line > 0 && !/simt\/include|\/usr\/|c\+\+\/|_cpu\.cuh$|shared_address\.cuh$/.test(at.file),
    );
    if (own) return { file: own.file, line: own.line };
  }
  return null;
}

const kinds: Record<string, string> = {
  "illegal-address": "read or wrote an address that is not its own",
  "misaligned-address": "used a misaligned address",
  "stack-overflow": "overflowed its stack",
  trap: "executed __trap()",
  assert: "failed an assertion",
  deadlock: "waits for threads that will never come",
  "time-limit": "did not end within its time limit",
  "illegal-instruction": "executed an illegal instruction",
  "invalid-free": "freed memory that is not its own",
  "integer-division": "divided an integer by zero",
  "not-cooperative": "called grid.sync() in a launch that is not cooperative",
  "launch-failure": "failed, by a trap or an access that the driver has no other name for",
};

const advices: Record<string, string> = {
  "illegal-address":
    "Check the index against the tensor's size before the access, and the grid that was launched.",
  "misaligned-address": "A vector access such as float4 needs an address that is a multiple of its size.",
  "stack-overflow":
    "Make local arrays smaller or recursion shallower, or open the device with a larger stackBytes.",
  "illegal-instruction":
    "Of TMA that means: a box's innermost coordinate that is no multiple of 16 bytes, a store that begins before the tensor's start, or a tile not aligned to 128.",
  "integer-division": "On a GPU the result would be arbitrary: check the divisor.",
  "not-cooperative": "Launch it with { cooperative: true }.",
  deadlock: "Every thread of the block must reach the same __syncthreads().",
  "time-limit": "Look for a loop that never ends, or raise timeLimit when opening the device.",
};

const livesOn = "The device reopens by itself at its next use; its tensors must be made anew.";

/** The `LabError` of a fault: kernel, kind, block, thread and source line, as far as they are known. */
export async function faultError(report: FaultReport): Promise<LabError> {
  const line = report.module && report.pc ? await sourceLine(report.module, report.pc) : null;
  const who = report.kernel ? `Kernel "${report.kernel}"` : "A kernel";
  const kind = kinds[report.code];
  const where = report.block
    ? `, in block (${report.block.join(", ")})${report.thread ? `, thread (${report.thread.join(", ")})` : ""}`
    : "";
  const at = line ? `, at ${basename(line.file)}:${line.line}` : "";
  const what = kind
    ? `${who} ${kind}${where}${at}.${report.message ? ` ${report.message}` : ""}`
    : `${report.message || `${who} ended the device (${report.code})`}${where}${at}`;
  return new LabError(report.code, what, {
    advice: `${advices[report.code] ? `${advices[report.code]} ` : ""}${livesOn}`,
    kernel: report.kernel,
    block: report.block,
    thread: report.thread,
    line: line ?? undefined,
  });
}

/** The `LabError` of an error that did not end the device. */
export function plainError(failure: NativeFailure): LabError {
  return new LabError(failure.code, failure.message, { kernel: failure.kernel || undefined });
}

/** The `LabError` of a host that ended without a fault page. */
export function exitError(exit: Exit): LabError {
  if (exit.notStarted !== undefined) {
    return new LabError(
      "device-lost",
      `The lab's process (${process.execPath}) could not be started: ${exit.notStarted}.`,
      { advice: "End other processes or free memory, and use the device again." },
    );
  }
  const how = exit.signal ? `signal ${exit.signal}` : `exit code ${exit.code}`;
  const memory = exit.outOfMemory === true;
  const why = memory
    ? ", as memory ran out"
    : exit.signal === "SIGKILL"
      ? exit.outOfMemory === null
        ? ": somebody killed it, or the system did for want of memory"
        : ": somebody killed it"
      : "";
  const said = exit.stderr.trim();
  return new LabError(
    memory ? "out-of-memory" : "device-lost",
    `The device's process ended by ${how}${why}.${said ? `\n${said}` : ""}`,
    { advice: livesOn },
  );
}
