import { formatByteRate, formatBytes, formatFlopRate, formatShare } from "../show/format";
import type { GpuFacts } from "../targets/gpus";
import type { TargetFigure } from "../targets/load";
import { type Held, verdictOf } from "./limits";

/** Holds what a document says of a chip itself against the chip's data sheet; null for what the sheet does not have. */
export function holdFact(figure: TargetFigure, chip: GpuFacts): Held | null {
  const name = `${figure.row} ${figure.text}`;
  switch (figure.quantity) {
    case "bandwidth":
      return /NVMe|SSD/.test(name) ? null : against(figure.lo, chip.bandwidth, chip, formatByteRate);
    case "flop-rate":
      return against(figure.lo, chip.flops[/FP32/.test(name) ? "fp32" : "fp16"]!, chip, formatFlopRate);
    case "number":
      // "FP32 TFLOPS | 35.6": the unit stands in the row's name.
      return /TFLOPS/.test(name) ? against(figure.lo * 1e12, chip.flops.fp32!, chip, formatFlopRate) : null;
    case "clock":
      return against(figure.lo, chip.clock.max, chip, (hertz) => `${(hertz / 1e9).toFixed(2)} GHz`);
    case "memory":
      if (/L2/.test(name)) return against(figure.lo, chip.l2, chip, formatBytes, 1.05);
      if (/KV/.test(name)) return fits(figure.lo, chip);
      // Sold in GB, made in GiB.
      return /VRAM|3090/.test(name) ? against(figure.lo, chip.memory, chip, formatBytes, 1.08) : null;
    default:
      return null;
  }
}

function against(
  stated: number,
  sheet: number,
  chip: GpuFacts,
  format: (value: number) => string,
  slack?: number,
): Held {
  const share = stated / sheet;
  // A figure of the chip itself is at its limit by nature: only what exceeds it is worth a word.
  const verdict = verdictOf(share, share, slack) === "impossible" ? "impossible" : "possible";
  return {
    verdict,
    share,
    arithmetic: `the data sheet of the ${chip.name} says ${format(sheet)}; stated is ${formatShare(share)} of it`,
    conditions: [],
  };
}

function fits(bytes: number, chip: GpuFacts): Held {
  const share = bytes / chip.memory;
  return {
    verdict: verdictOf(share),
    share,
    arithmetic: `${formatBytes(bytes)}, ${formatShare(share)} of the chip's ${formatBytes(chip.memory)}`,
    conditions: [],
  };
}
