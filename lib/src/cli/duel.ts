import { Argument, type Command, InvalidArgumentError } from "commander";
import { unreadCounters } from "../bench/recordCounters";
import { duel } from "../duel/duel";
import { duelSuites } from "../duel/suites";
import type { MeasureRecord } from "../record/schema";
import { caseKey } from "../record/store";
import { formatBytes, formatSeconds } from "../show/format";
import { tableOf } from "../show/table";
import { exitWith, print, warn } from "./output";
import { endProgress, progressBar } from "./progress";

interface DuelCommand {
  readonly json?: boolean;
  readonly rungs?: readonly string[];
  readonly cases?: readonly string[];
  readonly peers?: readonly string[];
  readonly budget?: number;
  readonly limit?: number;
  readonly out?: string;
  readonly work?: string;
  readonly counters?: boolean;
}

/** `lab duel [suite]`: our kernels and PyTorch's in turns in one process. */
export function addDuel(lab: Command): void {
  lab
    .command("duel")
    .addArgument(
      new Argument("[suite]", "what to hold against PyTorch's")
        .choices(duelSuites.map((s) => s.name))
        .default("attention"),
    )
    .description("measure our kernels and PyTorch's in turns in one process on the GPU; writes results/")
    .option("--rungs <rung...>", "rungs by id, stem or number; default the last that can run the case")
    .option("--cases <text...>", "only cases whose name or element type holds one of these: S2048 bf16")
    .option("--peers <text...>", "only peers whose name holds one of these: cuDNN flash")
    .option("--budget <seconds>", "seconds of samples a case, after 30 of each contender", positive)
    .option("--limit <seconds>", "seconds after which the cases left are given up", positive)
    .option("--counters", "read ncu's counters of ours too, before the duel")
    .option("--out <folder>", "folder of the result files instead of results/")
    .option("--work <folder>", "keep job, kernels and raw result there")
    .addHelpText(
      "after",
      "\nExamples:\n  lab duel\n  lab duel attention --cases 'S2048 H16' --peers cuDNN flash\n" +
        "  lab duel softmax --rungs 05_vector 06_split --json\n\nExits 1 when an output is wrong or nothing was measured.",
    )
    .action(async (suite: string, options: DuelCommand) => {
      const bar = progressBar();
      const { rungs, cases, peers, budget, limit, out, work, counters } = options;
      const chosen = Object.entries({ rungs, cases, peers, seconds: budget, limit, out, work, counters });
      const result = await duel(suite, {
        ...Object.fromEntries(chosen.filter(([, value]) => value !== undefined)),
        onProgress: bar.update,
        onLine: (line) => {
          endProgress();
          if (!options.json) process.stderr.write(`${line}\n`);
        },
      }).finally(() => bar.end());
      const wrong = result.records.some((r) => r.check?.passed === false);
      if (wrong || result.records.length === 0) exitWith(1);
      for (const warning of unreadCounters(result.records)) warn(warning);
      print(options.json, result, () =>
        [
          tableOf(duelRows(result.records)).text,
          ...result.failures.map((f) => `${f.kind}: ${f.implementation.name}, ${f.case.name}: ${f.reason}`),
          `written: ${result.file}`,
        ].join("\n"),
      );
    });
}

/** A row a contender, fastest first within its case; the ratio is the fastest peer's time over its own. */
export function duelRows(records: readonly MeasureRecord[]): Record<string, string>[] {
  const cases = new Map<string, MeasureRecord[]>();
  for (const r of records) cases.set(caseKey(r), [...(cases.get(caseKey(r)) ?? []), r]);
  return [...cases.values()].flatMap((found) => {
    const peers = found.filter((r) => r.implementation.kind === "baseline" && r.check?.passed !== false);
    const best = Math.min(...peers.map((r) => r.statistics.median));
    const naive = found.find((r) => r.implementation.id === "torch/naive");
    return [...found]
      .sort((a, b) => a.statistics.median - b.statistics.median)
      .map((r) => ({
        case: `${r.case.name} ${r.case.dtype}`,
        implementation: r.implementation.name,
        median: formatSeconds(r.statistics.median),
        "best peer": peers.length > 0 ? `${(best / r.statistics.median).toFixed(3)}x` : "",
        memory: formatBytes(extraBytes(r)),
        "less than naive": naive ? `${(extraBytes(naive) / extraBytes(r)).toFixed(1)}x` : "",
        verdict: r.verdict.verdict,
        correct: r.check?.passed ? "yes" : "NO",
        error: r.notes.find((note) => note.startsWith("error over"))?.match(/square ([\d.]+x)/)?.[1] ?? "",
      }));
  });
}

/** Peak memory beyond the inputs: outputs, scratch and what a route holds on the way. */
function extraBytes({ memory }: MeasureRecord): number {
  return (memory?.peakBytes ?? 0) - (memory?.usedBytes ?? 0);
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("Expected a number of seconds above 0.");
  return value;
}
