import { type Command, InvalidArgumentError } from "commander";
import { environmentOf } from "../bench/environment";
import { settingText, sweepRung } from "../bench/sweepRung";
import { findRung } from "../ops/ladders";
import { runDocument } from "../record/document";
import type { MeasureRecord } from "../record/schema";
import { open } from "../runtime/open";
import { formatSeconds, formatShare } from "../show/format";
import { tableOf } from "../show/table";
import { deviceOption } from "./options";
import { exitWith, print } from "./output";
import { progressBar } from "./progress";
import { parseAxes, parseSizes } from "./settings";

interface SweepChoice {
  readonly json?: boolean;
  readonly device: "auto" | "cpu" | "cuda";
  readonly set: readonly string[];
  readonly size: readonly string[];
  readonly samples: number;
  readonly save: boolean;
}

/** `lab sweep <rung>`: every valid tile or block size of a rung, and those tied for best. */
export function addSweep(lab: Command): void {
  lab
    .command("sweep")
    .argument("<rung>", "a kernel by id: lab list")
    .description("measure a kernel at every valid setting of its parameters, then the fastest again in turns")
    .option("--set <settings...>", "values of a parameter instead of its own: BM=32,64", [])
    .option("--size <sizes...>", "size of the case: rows=512 cols=4096 dtype=f16", [])
    .addOption(deviceOption().default("auto"))
    .option("--samples <count>", "samples of each setting", wholeNumber, 30)
    .option("--no-save", "do not write a result file")
    .addHelpText(
      "after",
      "\nExamples:\n  lab sweep softmax/03_warp\n  lab sweep matmul/05_vector --set BM=64,128 BN=64,128\n" +
        "  lab sweep softmax/05_vector --size rows=512 cols=4096 dtype=f16 --json\n" +
        "  lab sweep attention/07_flash2 --size batch=1 seq=4096 heads=32 dim=128 causal=1\n\nExits 1 when no setting could be measured.",
    )
    .action(async (id: string, choice: SweepChoice) => {
      const { ladder, variant } = findRung(id);
      const axes = parseAxes(choice.set);
      const device = await open(choice.device);
      const bar = progressBar();
      try {
        const { params } = ladder.benchCase(device.info);
        const known = [...Object.keys(params), ...(ladder.sizeNames ?? [])];
        const { sizes, dtype } = parseSizes(choice.size, known);
        const size = ladder.makeCase(sizes, dtype, device.info);
        // A look at each setting will do on the CPU device: the best are measured again.
        const effort = device.kind === "cpu" ? { warmup: 2, budget: 0.5 } : {};
        const options = { samples: choice.samples, ...effort };
        const swept = await sweepRung(device, variant, size, { axes, options, onProgress: bar.update });
        const { records, failures, best } = swept;
        const environment = await environmentOf(device);
        const document = runDocument(ladder.topic, [...records, ...best], {
          failures,
          environment,
          notes: [`sweep of ${id} at ${size.name} ${size.dtype}`],
        });
        const file = choice.save ? await saved(document) : null;
        if (records.length === 0) exitWith(1);
        print(choice.json, { file, best, records, failures }, () => {
          const title = `${id}, ${size.name} ${size.dtype}, ${device.name}`;
          const lines = [tableOf(rowsOf(records, best), { title }).text, ""];
          if (device.kind === "cpu") lines.unshift("CPU device: these are not GPU times.", "");
          lines.push(...reasonsOf(failures.map((f) => `${f.kind}: ${f.reason}`)));
          if (best.length > 1) lines.push(`A tie of ${best.length} for the fastest, measured in turns.`);
          if (file) lines.push(`written: ${file}`);
          return lines.join("\n").trimEnd();
        });
      } finally {
        bar.end();
        await device.close();
      }
    });
}

async function saved(document: ReturnType<typeof runDocument>): Promise<string> {
  const { saveRun } = await import("../record/store");
  return saveRun(document);
}

/** Fastest first; those that the final in turns could not tell from the fastest are marked. */
function rowsOf(records: readonly MeasureRecord[], best: readonly MeasureRecord[]): Record<string, string>[] {
  const tied = new Set(best.map((r) => settingText(r.implementation.parameters)));
  return [...records]
    .sort((a, b) => a.statistics.median - b.statistics.median)
    .map((r) => ({
      setting: settingText(r.implementation.parameters),
      median: formatSeconds(r.statistics.median),
      roof: r.rates.roofline ? formatShare(r.rates.roofline.share) : "",
      verdict: r.verdict.verdict,
      correct: r.check?.passed === false ? "NO" : r.check ? "yes" : "not checked",
      best: tied.has(settingText(r.implementation.parameters)) ? "best" : "",
    }));
}

/** Each reason once, with how many settings it kept away. */
function reasonsOf(reasons: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`);
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 2)
    throw new InvalidArgumentError("Expected a whole number from 2.");
  return value;
}
