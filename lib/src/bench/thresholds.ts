import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { LabError } from "../core/error";
import { dataPath } from "../core/paths";
import type { ModeRule } from "../record/modes";

const gateSchema = z.strictObject({
  samples: z.number(),
  interval: z.number(),
  drift: z.number(),
  modeDistance: z.number(),
  clockSpread: z.number(),
  overhead: z.number(),
  unfinished: z.number(),
  clocks: z.number(),
  physics: z.number(),
});

/** Thresholds of the gate, as shares of the median unless said. */
export interface Gate {
  /** The fewest samples. */
  readonly samples: number;
  /** Half width of the 95% interval of the median. */
  readonly interval: number;
  /** Second half against the first. */
  readonly drift: number;
  /** Distance of two modes that matters. */
  readonly modeDistance: number;
  /** Spread of the SM clock over the samples. */
  readonly clockSpread: number;
  /** Times the event overhead that a sample must take. */
  readonly overhead: number;
  /** Seconds of work found running after the end event, more than after empty events. */
  readonly unfinished: number;
  /** Events against the host's clock over all samples. */
  readonly clocks: number;
  /** How much faster than the measured bandwidth a run may seem: other mixes of reads and writes than a copy's. */
  readonly physics: number;
}

/**
 * The thresholds, with their reasons; `lab calibrate` measures what clean kernels reach on a device and moves them where
 * that says so, in data/calibration.
 *
 * On a GPU:
 * - samples 30, interval 1%, drift 1%, clock spread 3%, five times the event overhead: the rules of the project's notes.
 * - a copy of 64 MB in 21 us has a second mode of its own on an H200: one sample in six takes 1.3 us longer, and where a
 *   series catches enough of them it is said to (data/calibration keeps their samples).
 * - modes 2% apart: below that the resolution of the events (32 ns to 0.5 us) makes steps of its own in short kernels.
 * - unfinished 10 us: waiting for an idle GPU takes 2 to 10 us more or less than after empty events.
 * - clocks 1%: the GPU's timer and the host's agree to parts in a million; a run of a few milliseconds adds its ends.
 * - physics 5%: a kernel that only reads is up to a few percent faster than the copy.
 *
 * The CPU device shares its cores with everything else on the host: what would be noise to hide on a GPU is its normal
 * state, so it is held to a wider gate. A rogue thread shows as processor time in the millisecond after a sample, of
 * which a tenth must be seen; a copy of its caches' size says little of a smaller case, so physics is held to half as
 * much again.
 */
export const gates: Readonly<Record<"cuda" | "cpu", Gate>> = {
  cuda: {
    samples: 30,
    interval: 0.01,
    drift: 0.01,
    modeDistance: 0.02,
    clockSpread: 0.03,
    overhead: 5,
    unfinished: 10e-6,
    clocks: 0.01,
    physics: 0.05,
  },
  cpu: {
    samples: 30,
    interval: 0.05,
    drift: 0.05,
    modeDistance: 0.1,
    clockSpread: 0.03,
    overhead: 5,
    unfinished: 100e-6,
    clocks: 0.05,
    physics: 0.5,
  },
};

/** When two clusters of samples are two modes; see `modeGap`. */
export const modeRule: ModeRule = { separation: 5, valley: 0.04, disturbed: 0.05, chance: 0.02 };

/**
 * Signs of inputs that make a test easy and a matrix unit fast: mostly zeros, few different values, or an even spread
 * (kurtosis 1.8, where normal values have 3 and real activations more).
 */
export const inputRule = { zeros: 0.5, distinct: 16, fewest: 64, kurtosis: 2.2 } as const;

/** Decimal digits that samples rounded before they were stored have at most; the clocks give seven and more. */
export const roundedDigits = 4;

/** A device's figures as `lab calibrate` wrote them, SI units. */
export const calibrationSchema = z.strictObject({
  kind: z.literal("kernel-lab-calibration"),
  device: z.string(),
  driver: z.string().nullable(),
  lab: z.string(),
  date: z.string(),
  /** Seconds between two adjacent events, and of waiting for an idle device. */
  eventOverhead: z.strictObject({ median: z.number(), p95: z.number() }),
  idle: z.strictObject({ median: z.number(), p95: z.number() }),
  /** Bytes a second of kernels that only read, only write, and copy. */
  bandwidth: z.strictObject({ read: z.number(), write: z.number(), copy: z.number() }),
  /** What clean kernels reach: of every figure the gate judges, the median and the 95th percentile over `runs` runs. */
  clean: z.strictObject({
    runs: z.int(),
    kernels: z.array(z.string()),
    figures: z.record(z.string(), z.strictObject({ median: z.number(), p95: z.number(), max: z.number() })),
    /** Share of the clean runs that the gate with these thresholds trusts. */
    trusted: z.number(),
    /** The runs it does not, with their samples: what the thresholds are to be argued by. */
    doubted: z
      .array(
        z.strictObject({ kernel: z.string(), reasons: z.array(z.string()), samples: z.array(z.number()) }),
      )
      .optional(),
  }),
  /** The thresholds in force, and why each that moved did. */
  gate: gateSchema,
  why: z.array(z.string()),
});

/** What `lab calibrate` writes to data/calibration. */
export type Calibration = z.infer<typeof calibrationSchema>;

const loaded = new Map<string, Calibration | null>();

/** The file name of a device's calibration. */
export function calibrationFile(device: string): string {
  return `${device
    .toLowerCase()
    .replace(/\((r|tm)\)/g, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")}.json`;
}

/**
 * The committed calibration of a device by its name, or null.
 *
 * @throws LabError "bad-calibration" when the file is there and is none
 */
export function calibrationOf(device: string): Calibration | null {
  const path = dataPath("calibration", calibrationFile(device));
  let held = loaded.get(path);
  if (held !== undefined) return held;
  held = existsSync(path) ? read(path) : null;
  loaded.set(path, held);
  return held;
}

function read(path: string): Calibration {
  try {
    return calibrationSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new LabError("bad-calibration", `Reading ${path}: expected what lab calibrate writes.`, {
      advice: "Delete it, or restore it from git, or run lab calibrate again.",
      cause,
    });
  }
}

/** The thresholds for a device: its calibration's, or those of its kind. */
export function gateFor(device: { readonly kind: "cuda" | "cpu"; readonly name: string }): Gate {
  return calibrationOf(device.name)?.gate ?? gates[device.kind];
}
