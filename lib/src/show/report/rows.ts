import type { Failure } from "../../record/schema";
import { countsOf } from "../counted";
import { digits, formatBytes, formatSeconds, formatShare } from "../format";
import { caseLabel } from "../labels";
import type { CellValue } from "../table";
import type { Attempts, LadderStep } from "./attempts";
import type { KernelTime, KernelUse } from "./model";
import type { SpeedUp } from "./speedup";
import type { Use } from "./utilization";

type Row = Record<string, CellValue>;

/** Ours against each baseline. */
export function speedUpRows(speedUps: readonly SpeedUp[]): Row[] {
  return speedUps.map((s) => ({
    case: s.case,
    ours: `${s.ours.implementation.name}, ${formatSeconds(s.ours.statistics.median)}`,
    baseline: `${s.baseline.implementation.name}, ${formatSeconds(s.baseline.statistics.median)}`,
    "speed-up": s.outcome === "tie" ? `${digits(s.ratio)}x, a tie` : `${digits(s.ratio)}x`,
    "95%": `${digits(s.lo)} to ${digits(s.hi)}`,
    measured: s.sameRun ? "in one run" : "in two runs",
  }));
}

/** Kernels by the time they took in all. */
export function timeRows(times: readonly KernelTime[]): Row[] {
  return times.map((t) => ({
    device: t.device,
    kernel: t.implementation,
    "timed launches": t.launches,
    "time in all": formatSeconds(t.seconds),
    share: formatShare(t.share),
  }));
}

/** How much of the device each kernel uses. */
export function useRows(kernels: readonly KernelUse[], of: "memory" | "compute"): Row[] {
  return kernels.flatMap(({ record, use }) => {
    const found = use[of];
    return found
      ? [
          {
            kernel: record.implementation.name,
            case: caseLabel(record),
            [of === "memory" ? "of the bandwidth" : "of the peak"]: formatShare(found.share),
            "": barText(found.share),
            by: byText(found),
          },
        ]
      : [];
  });
}

/** What stands above the table of counters. */
export const countersNote =
  "Of one run: bytes over the memory bus, sectors of 32 bytes a request of a warp, passes through shared memory that are bank " +
  "conflicts. The hardware's are ncu's; the lens's are what it predicts on the CPU device, which has no bus to count.";

/** What counters say of each kernel, where somebody read them; a column stands only where it has something to say. */
export function counterRows(kernels: readonly KernelUse[]): Row[] {
  const shown = (value: number | null, format: (value: number) => string) =>
    value === null ? "" : format(value);
  const share = (part: number | null, whole: number | null) =>
    part === null || !whole ? "" : part === 0 ? "none" : formatShare(part / whole);
  const rows = kernels.flatMap(({ record }) => {
    const counts = countsOf(record);
    if (!counts) return [];
    const { by, traced, bytesRead, bytesWritten, requests, sectors, wavefronts, conflicts, flops } = counts;
    return [
      {
        kernel: record.implementation.name,
        case: caseLabel(record),
        by:
          by === "hardware" ? "hardware" : traced < 1 ? `lens, ${formatShare(traced)} of the blocks` : "lens",
        read: shown(bytesRead, formatBytes),
        written: shown(bytesWritten, formatBytes),
        "must move": shown(record.bytes, formatBytes),
        "sectors a request": requests && sectors !== null ? digits(sectors / requests) : "",
        conflicts: share(conflicts, wavefronts),
        "f32 FLOPs": shown(flops, countText),
      },
    ];
  });
  const empty = Object.keys(rows[0] ?? {}).filter((name) => rows.every((row: Row) => row[name] === ""));
  return rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => !empty.includes(name))));
}

/** A count with its thousands in words: "1.57 million". */
function countText(count: number): string {
  const [scale, word] = count >= 1e9 ? [1e9, " billion"] : count >= 1e6 ? [1e6, " million"] : [1, ""];
  return `${digits(count / scale)}${word}`;
}

/** What limits each kernel. */
export function limitRows(kernels: readonly KernelUse[]): Row[] {
  return kernels.map(({ record, limit }) => ({
    kernel: record.implementation.name,
    case: caseLabel(record),
    median: formatSeconds(record.statistics.median),
    "limited by": limit.by,
    why: limit.why,
  }));
}

/** The rungs of a ladder. */
export function ladderRows(ladder: readonly LadderStep[]): Row[] {
  return ladder.map(({ case: name, record, faster }) => ({
    case: name,
    rung: record.implementation.name,
    median: formatSeconds(record.statistics.median),
    "against the first": `${digits(faster)}x`,
    verdict: record.verdict.verdict,
  }));
}

/** The settings of a sweep, the fastest few. */
export function attemptRows({ attempts }: Attempts, most: number): Row[] {
  return attempts.slice(0, most).map(({ setting, record, slower, best }) => ({
    setting,
    median: formatSeconds(record.statistics.median),
    "against the fastest": best ? "best" : `${digits((slower - 1) * 100)}% slower`,
    verdict: record.verdict.verdict,
  }));
}

/** What could not be measured. */
export function failureRows(failures: readonly Failure[]): Row[] {
  return failures.map((f) => ({
    case: caseLabel(f),
    implementation: f.implementation.name,
    parameters: Object.entries(f.implementation.parameters)
      .map(([k, v]) => `${k}=${v}`)
      .join(" "),
    what: f.kind,
    reason: f.reason,
  }));
}

/** A share as a bar of twenty blocks, for a text. */
export function barText(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * 20);
  return "█".repeat(filled) + "░".repeat(20 - filled);
}

function byText(use: Use): string {
  return use.source === "counters" ? "hardware counters" : "model";
}
