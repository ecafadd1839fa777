import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { failureFile, type ReplayFailure } from "../backend/replay";
import { LabError } from "../core/error";
import { packageRoot } from "../core/paths";
import { type NcuRow, parseNcuCsv } from "./ncuCsv";

/** The program that repeats the launches of a folder. */
export const replayProgram = join(packageRoot, "dist", "backend", "replayMain.js");

/** What one run of ncu over a replay folder needs. */
export interface NcuRun {
  /** Path of ncu. */
  readonly ncu: string;
  readonly metrics: readonly string[];
  /** The folder of `saveReplay`. */
  readonly folder: string;
  /** Seconds after which ncu and what it runs are ended. */
  readonly timeLimit: number;
  /** Which GPU, by its UUID; all are visible without. */
  readonly uuid?: string;
}

/** How a program ended, with all it wrote. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  readonly timedOut: boolean;
}

/**
 * Runs ncu over a replay folder and answers its rows in the order of the launches.
 *
 * The clocks are left alone, kernels are replayed as often as the metrics need, and units are not scaled. Errors:
 * "counters-forbidden", "unknown-metric", "time-limit", "ncu-failed", "ncu-unreadable", or the code of the fault when
 * a kernel fails in the replay.
 */
export async function runNcu(run: NcuRun): Promise<NcuRow[]> {
  const log = join(run.folder, "ncu.log");
  const args = [
    ...["--csv", "--page", "raw", "--print-units", "base", "--print-kernel-base", "mangled"],
    ...["--clock-control", "none", "--replay-mode", "kernel", "--target-processes", "application-only"],
    ...["--metrics", run.metrics.join(","), "--force-overwrite", "--log-file", log],
    ...[process.execPath, replayProgram, run.folder],
  ];
  const end = await runProgram(run.ncu, args, run.timeLimit, visibleDevice(run.uuid));
  const said = `${existsSync(log) ? readFileSync(log, "utf8") : ""}\n${end.output}`;
  const failed = failureOf(run, end, said);
  // ncu ends the replay when a launch of it fails, before it could tell of its fault: without ncu it tells.
  if (failed?.code === "ncu-failed" && /LaunchFailed/.test(said)) throw (await faultOf(run)) ?? failed;
  if (failed) throw failed;
  const rows = parseNcuCsv(said);
  // Some versions of ncu leave out what they do not know and say nothing.
  const absent = run.metrics.filter((metric) => rows.every((row) => row.metrics[metric] === undefined));
  if (rows.length > 0 && absent.length > 0) throw unknownMetrics(absent);
  return rows;
}

/** How the replay fails with no profiler over it; null where it does not. */
async function faultOf(run: NcuRun): Promise<LabError | null> {
  const replay = [replayProgram, run.folder];
  const end = await runProgram(process.execPath, replay, run.timeLimit, visibleDevice(run.uuid));
  return replayFailure(run.folder, end.output);
}

/** The environment in which only the given GPU is visible. */
export function visibleDevice(uuid: string | undefined): NodeJS.ProcessEnv {
  return uuid ? { ...process.env, CUDA_VISIBLE_DEVICES: uuid } : process.env;
}

/** Runs a program in a process group of its own, ended as a whole after `timeLimit` seconds. */
export function runProgram(
  program: string,
  args: readonly string[],
  timeLimit: number,
  environment: NodeJS.ProcessEnv,
): Promise<ProgramEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      detached: true,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const parts: Buffer[] = [];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      if (child.pid) process.kill(-child.pid, "SIGKILL");
    }, timeLimit * 1000);
    child.stdout.on("data", (part: Buffer) => parts.push(part));
    child.stderr.on("data", (part: Buffer) => parts.push(part));
    child.on("error", (cause) => {
      clearTimeout(timer);
      reject(new LabError("cannot-start", `Starting ${program}: ${cause.message}.`, { cause }));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, output: Buffer.concat(parts).toString("utf8"), timedOut });
    });
  });
}

/** What a replay left behind, or said when it was cut off, when a launch of it failed; or null. */
export function replayFailure(folder: string, output: string): LabError | null {
  const file = join(folder, failureFile);
  const cut = /^kernel-lab: ([a-z-]+) (in kernel .*)$/m.exec(output);
  if (cut) return new LabError(cut[1]!, `Replaying the launch: ${cut[1]} ${cut[2]}`);
  if (!existsSync(file)) return null;
  const { code, what, advice } = JSON.parse(readFileSync(file, "utf8")) as ReplayFailure;
  return new LabError(code, `Replaying the launch: ${what}`, { advice });
}

function failureOf(run: NcuRun, end: ProgramEnd, said: string): LabError | null {
  if (said.includes("ERR_NVGPUCTRPERM")) {
    return new LabError("counters-forbidden", "The GPU's performance counters are closed to this user.", {
      advice:
        "An administrator opens them to all users with the driver's module option NVreg_RestrictProfilingToAdminUsers=0 " +
        "(a line in /etc/modprobe.d and a reboot), or to this process with the capability CAP_SYS_ADMIN (in a container: " +
        "--cap-add=SYS_ADMIN).",
    });
  }
  const fault = replayFailure(run.folder, end.output);
  if (fault) return fault;
  if (end.timedOut) {
    return new LabError("time-limit", `ncu did not end within ${run.timeLimit} s.`, {
      advice:
        "Ask for fewer metrics (each group runs the kernel again), a smaller launch, or a longer timeLimit.",
    });
  }
  const complaints = said.split("\n").filter((line) => /^==(ERROR|WARNING)==/.test(line));
  const unknown = run.metrics.filter((metric) => complaints.some((line) => namesMetric(line, metric)));
  if (unknown.length > 0) return unknownMetrics(unknown);
  if (end.code === 0) return null;
  const why = complaints.join(" ") || end.output.trim().split("\n").slice(-5).join(" ") || "it said nothing";
  const how = end.signal ? `was ended by ${end.signal}` : `ended with code ${end.code}`;
  return new LabError("ncu-failed", `ncu ${how}: ${why}`, {
    advice: `Try it by hand: ${run.ncu} --version; the driver must be one that this ncu supports.`,
  });
}

/** An error for metrics that this GPU has not got. */
export function unknownMetrics(names: readonly string[]): LabError {
  return new LabError("unknown-metric", `ncu does not know on this GPU: ${names.join(", ")}.`, {
    advice: "ncu --query-metrics lists the names; a suffix such as .sum says how units are joined.",
  });
}

function namesMetric(line: string, metric: string): boolean {
  return line.includes(metric) || line.split(/[\s"',:;]+/).includes(metric.split(".")[0]!);
}
