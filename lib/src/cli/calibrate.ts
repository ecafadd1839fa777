import { mkdirSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { calibrate } from "../bench/calibrate";
import { calibrationFile } from "../bench/thresholds";
import { dataPath } from "../core/paths";
import { replaceFile } from "../record/atomicFile";
import { open } from "../runtime/open";
import { formatByteRate, formatSeconds, formatShare } from "../show/format";
import { deviceOption } from "./options";
import { print } from "./output";
import { progressBar } from "./progress";

interface CalibrateChoice {
  readonly json?: boolean;
  readonly device: "auto" | "cpu" | "cuda";
  readonly repeats: number;
  readonly out?: string;
}

/** `lab calibrate`: what clean kernels reach on this device, and the gate's thresholds by it. */
export function addCalibrate(lab: Command): void {
  lab
    .command("calibrate")
    .description("measure what clean kernels reach here and set the gate's thresholds for this device by it")
    .addOption(deviceOption().default("auto"))
    .option("--repeats <count>", "measurements of each clean kernel", repeats, 12)
    .option("--out <file>", "where to write; default data/calibration/<device>.json")
    .addHelpText("after", "\nExamples:\n  lab calibrate\n  lab calibrate --repeats 30 --out h200.json")
    .action(async (choice: CalibrateChoice) => {
      const device = await open(choice.device);
      const bar = progressBar();
      try {
        const made = await calibrate(device, { repeats: choice.repeats, onProgress: bar.update });
        const file = resolve(choice.out ?? dataPath("calibration", calibrationFile(made.device)));
        mkdirSync(dirname(file), { recursive: true });
        replaceFile(dirname(file), basename(file), `${JSON.stringify(made, null, 2)}\n`);
        print(choice.json, { file, ...made }, () =>
          [
            `${made.device}: ${made.clean.runs} clean runs, ${formatShare(made.clean.trusted)} trusted`,
            `events ${formatSeconds(made.eventOverhead.median)}, ` +
              `read ${formatByteRate(made.bandwidth.read)}, write ${formatByteRate(made.bandwidth.write)}, ` +
              `copy ${formatByteRate(made.bandwidth.copy)}`,
            ...(made.why.length > 0 ? made.why : ["no threshold moved"]),
            `written: ${file}`,
          ].join("\n"),
        );
      } finally {
        bar.end();
        await device.close();
      }
    });
}

function repeats(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= 1000) return value;
  throw new InvalidArgumentError("Expected a whole number from 1 to 1000.");
}
