import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Command } from "commander";
import { z } from "zod";
import type { ValidationReason } from "../bench/crossValidation";
import { dataPath, resultsPath } from "../core/paths";
import { counterQuantities } from "../record/counterMetrics";
import { readPredictions, readValidation, type Validation, writeValidation } from "../record/validation";
import { open } from "../runtime/open";
import type { KernelLaunch } from "../runtime/replay";
import { tallyOf, validationMarkdown, validationSvg } from "../show/validation";
import { exitWith, print } from "./output";
import { progressBar } from "./progress";

interface ValidateChoice {
  readonly json?: boolean;
  readonly predict?: boolean;
  readonly predictions: string;
  readonly measured?: string;
  readonly out: string;
}

/** `lab validate`: what the lens predicts, held against the counters of a GPU. */
export function addValidate(lab: Command): void {
  lab
    .command("validate")
    .description("hold the lens's predictions against ncu's counters of the same launches on a GPU")
    .option("--predict", "only make the predictions; needs no GPU")
    .option("--predictions <file>", "the predictions", dataPath("validation", "predictions.json"))
    .option("--measured <file>", "an earlier record: its counters against today's predictions; needs no GPU")
    .option("--out <folder>", "where the record, the table and the picture go", resultsPath("validation"))
    .addHelpText(
      "after",
      "\nExamples:\n  lab validate --predict      on any machine\n  lab validate                on a machine with a GPU and ncu\n" +
        "  lab validate --measured results/validation/nvidia-h200-....json\n\n" +
        "Exits 1 when a count differs by more than 2% and data/validation/reasons.json gives no reason.",
    )
    .action((choice: ValidateChoice) => (choice.predict ? predict(choice) : validate(choice)));
}

// What runs kernels is loaded by the command that does, so that `lab --help` starts at once.
async function predict(choice: ValidateChoice): Promise<void> {
  const [{ predictCases }, { validationCases }] = await crossValidation();
  const device = await open("cpu");
  const bar = progressBar();
  try {
    const predictions = await predictCases(device, validationCases, predictByLens, bar.update);
    writeValidation(choice.predictions, predictions);
    print(choice.json, { written: choice.predictions, rows: predictions.rows.length }, () =>
      [`written: ${choice.predictions} (${predictions.rows.length} kernels)`].join("\n"),
    );
  } finally {
    bar.end();
    await device.close();
  }
}

async function validate(choice: ValidateChoice): Promise<void> {
  const [{ validateCases, rejoined }, { validationCases }] = await crossValidation();
  const predictions = readPredictions(choice.predictions);
  const reasons = readReasons();
  if (choice.measured) return tell(choice, rejoined(readValidation(choice.measured), predictions, reasons));
  const device = await open("cuda");
  const bar = progressBar();
  try {
    const validation = await validateCases(device, validationCases, predictions, reasons, bar.update);
    tell(choice, validation);
  } finally {
    bar.end();
    await device.close();
  }
}

function tell(choice: ValidateChoice, validation: Validation): void {
  const written = writeAll(validation, choice.out);
  const tally = tallyOf(validation);
  if (tally.unexplained > 0) exitWith(1);
  print(choice.json, { tally, written }, () =>
    [
      `${tally.agree} of ${tally.counts} counts agree; ${tally.explained} differ for a known reason, ${tally.unexplained} for none`,
      ...written.map((file) => `written: ${file}`),
    ].join("\n"),
  );
}

const crossValidation = () =>
  Promise.all([import("../bench/crossValidation"), import("../bench/validationCases")]);

/** Every counter that is held against the GPU's, by the lens; what a launch does not do counts 0. */
async function predictByLens({ kernel, config, args }: KernelLaunch): Promise<Record<string, number>> {
  const none = counterQuantities.flatMap(({ terms }) => Object.keys(terms).map((name) => [name, 0] as const));
  const { lens } = await import("../lens/lens");
  return { ...Object.fromEntries(none), ...(await lens(kernel, config, ...args)).totals };
}

const reasonsSchema = z.object({
  reasons: z.array(
    z.strictObject({ of: z.string(), quantities: z.array(z.string()).optional(), reason: z.string() }),
  ),
});

function readReasons(): readonly ValidationReason[] {
  const path = dataPath("validation", "reasons.json");
  return reasonsSchema.parse(JSON.parse(readFileSync(path, "utf8"))).reasons;
}

/** Writes the record, its table and its picture; answers their paths. */
function writeAll(validation: Validation, folder: string): string[] {
  const device = validation.device.name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const path = join(folder, `${device}-${validation.date.replace(/[:.]/g, "-")}.json`);
  writeValidation(path, validation);
  const beside = (ending: string) => join(folder, `${basename(path, ".json")}.${ending}`);
  writeFileSync(beside("md"), validationMarkdown(validation));
  writeFileSync(beside("svg"), validationSvg(validation));
  return [path, beside("md"), beside("svg")];
}
