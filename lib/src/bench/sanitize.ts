import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findCudaTool } from "../backend/cuda/tools";
import { LabError, type SourceLine } from "../core/error";
import { type KernelLaunch, saveReplay } from "../runtime/replay";
import { type ProgramEnd, replayFailure, replayProgram, runProgram, visibleDevice } from "./ncu";

/** Checks of NVIDIA's compute-sanitizer: addresses, races over shared memory, barriers, uninitialised reads. */
export type SanitizerTool = "memcheck" | "racecheck" | "synccheck" | "initcheck";

/** How launches are checked. */
export interface SanitizeOptions {
  /** Default: memcheck, racecheck and synccheck. */
  readonly tools?: readonly SanitizerTool[];
  /** Seconds that one tool may take; default 300. */
  readonly timeLimit?: number;
}

/** One thing a tool found. */
export interface SanitizerFinding {
  readonly tool: SanitizerTool;
  /** "Invalid __global__ write of size 4 bytes". */
  readonly what: string;
  /** Kernel as the tool prints it, with its template arguments; empty when it names none. */
  readonly kernel: string;
  readonly line: SourceLine | null;
  /** The whole message. */
  readonly text: string;
}

/** What one tool said of all launches. */
export interface SanitizerReport {
  readonly tool: SanitizerTool;
  readonly findings: readonly SanitizerFinding[];
  /** What ended the replay before all launches had run; null when they all did. */
  readonly cut: string | null;
}

/**
 * Runs launches on the GPU under NVIDIA's compute-sanitizer: each tool over a repetition of them, in order, in a process
 * of its own, so that nothing of this one is launched or changed. Kernels carry their line table, so findings name lines.
 * Errors: "needs-gpu", "no-sanitizer", "sanitizer-failed", "time-limit".
 *
 * @example
 * const reports = await lab.sanitize([{ kernel, config: { grid: 4, block: 256 }, args: [x, y] }]);
 * for (const { tool, findings } of reports) console.log(tool, findings.map((f) => `${f.what} ${f.line?.line}`));
 */
export async function sanitize(
  launches: readonly KernelLaunch[],
  options: SanitizeOptions = {},
): Promise<SanitizerReport[]> {
  const device = launches[0]?.kernel.device;
  if (device && device.kind !== "cuda") {
    throw new LabError(
      "needs-gpu",
      `compute-sanitizer checks a GPU's launches, not those of ${device.name}.`,
      {
        advice: "Open a GPU; on the CPU device lab.lens() finds races and bad addresses.",
      },
    );
  }
  const program = findCudaTool("compute-sanitizer");
  if (!program) {
    throw new LabError("no-sanitizer", "NVIDIA's compute-sanitizer was not found.", {
      advice: "It comes with the CUDA toolkit: put it on PATH, or set CUDA_HOME to the toolkit.",
    });
  }
  const folder = mkdtempSync(join(tmpdir(), "kernel-lab-replay-"));
  try {
    await saveReplay(folder, launches);
    const reports: SanitizerReport[] = [];
    for (const tool of options.tools ?? (["memcheck", "racecheck", "synccheck"] as const)) {
      const timeLimit = options.timeLimit ?? 300;
      reports.push(await runSanitizer({ program, tool, folder, timeLimit, uuid: device?.info.uuid }));
    }
    return reports;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one tool over a replay folder. */
export async function runSanitizer(run: {
  readonly program: string;
  readonly tool: SanitizerTool;
  readonly folder: string;
  readonly timeLimit: number;
  readonly uuid?: string;
}): Promise<SanitizerReport> {
  const { program, tool, folder, timeLimit, uuid } = run;
  const log = join(folder, `${tool}.log`);
  const args = [
    ...["--tool", tool, "--print-limit", "1000", "--log-file", log],
    ...[process.execPath, replayProgram, folder],
  ];
  const end = await runProgram(program, args, timeLimit, visibleDevice(uuid));
  const said = existsSync(log) ? readFileSync(log, "utf8") : "";
  const failed = failureOf(run, end, said);
  if (failed) throw failed;
  const cut = replayFailure(folder, end.output);
  rmSync(join(folder, "failure.json"), { force: true });
  return { tool, findings: parseSanitizer(tool, said), cut: cut ? cut.what : null };
}

function failureOf(
  run: { readonly tool: string; readonly timeLimit: number },
  end: ProgramEnd,
  said: string,
): LabError | null {
  if (end.timedOut) {
    return new LabError(
      "time-limit",
      `compute-sanitizer ${run.tool} did not end within ${run.timeLimit} s.`,
      {
        advice: "Check smaller launches, or give a longer timeLimit.",
      },
    );
  }
  const summary = /^=+ (?:ERROR|RACECHECK) SUMMARY: /m.test(said);
  const refused = /Device not supported|Unable to (?:find|launch|inject)|Internal Sanitizer Error/.exec(said);
  if (summary && !refused) return null;
  const lines = (said || end.output).trim().split("\n").slice(-5).join(" ");
  return new LabError("sanitizer-failed", `compute-sanitizer ${run.tool} did not check: ${lines}`, {
    advice:
      "It needs a driver and a GPU that it supports; some virtual machines allow no debugging of the GPU.",
  });
}

/**
 * Reads what compute-sanitizer prints: messages that begin with a line of their own and go on indented, all behind
 * "=========". Summaries and remarks that name no place are no findings.
 */
export function parseSanitizer(tool: SanitizerTool, text: string): SanitizerFinding[] {
  const messages: string[][] = [];
  for (const raw of text.split(/\r?\n/)) {
    const line = /^=+(?: (.*))?$/.exec(raw)?.[1] ?? "";
    if (line.trim() === "") continue;
    if (/^\s/.test(line)) messages.at(-1)?.push(line.trim());
    else messages.push([line.trim()]);
  }
  return messages
    .filter(([first]) => !/SUMMARY:|^COMPUTE-SANITIZER|^Program hit|^Target application/.test(first!))
    .flatMap((lines) => {
      const place = lines
        .map((line) => /\bat (\S.*?)\+0x[0-9a-f]+(?: in (.+?):(\d+))?/.exec(line))
        .find(Boolean);
      if (!place) return [];
      const [, kernel = "", file, line] = place;
      const what = lines[0]!.replace(/ at \S.*?\+0x[0-9a-f]+.*$/, "");
      return [
        { tool, what, kernel, line: file ? { file, line: Number(line) } : null, text: lines.join("\n") },
      ];
    });
}
