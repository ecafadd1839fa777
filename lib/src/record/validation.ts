import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { LabError } from "../core/error";

const extents = z.tuple([z.number(), z.number(), z.number()]);
const counts = z.record(z.string(), z.number().nullable());

/** What identifies the launches of one kernel in one case; a kernel launched several times is one row. */
const launchRow = {
  case: z.string(),
  kernel: z.string(),
  launches: z.number(),
  grid: extents,
  block: extents,
};

const predictionsSchema = z.strictObject({
  kind: z.literal("kernel-lab-predictions"),
  /** What made them, and when. */
  lab: z.string(),
  date: z.string(),
  /** Counts by the quantity's id; null where the lens does not count it. */
  rows: z.array(z.strictObject({ ...launchRow, counts })),
});

/** What the lens says of every case, made with no GPU. */
export type Predictions = z.infer<typeof predictionsSchema>;

const countSchema = z.strictObject({
  quantity: z.string(),
  label: z.string(),
  predicted: z.number().nullable(),
  measured: z.number().nullable(),
  /** (predicted - measured) / measured; null where it cannot be said. */
  difference: z.number().nullable(),
  agrees: z.boolean(),
  /** Why not, from data/validation/reasons.json; empty where it agrees or nobody knows. */
  reason: z.string(),
});

const validationSchema = z.strictObject({
  kind: z.literal("kernel-lab-validation"),
  lab: z.string(),
  date: z.string(),
  device: z.strictObject({ name: z.string(), arch: z.string(), driver: z.string().nullable() }),
  compiler: z.string().nullable(),
  ncu: z.string(),
  /** A count agrees when it is off by no more than this share. */
  tolerance: z.number(),
  rows: z.array(
    z.strictObject({
      ...launchRow,
      counts: z.array(countSchema),
      /** Everything measured, by ncu's names. */
      metrics: counts,
      /** Instructions of the SASS that touch memory: "LDS.128" where the compiler joined loads. Null without nvdisasm. */
      instructions: z.record(z.string(), z.number()).nullable(),
    }),
  ),
});

/** The lens's predictions held against a GPU's counters. */
export type Validation = z.infer<typeof validationSchema>;

/** One count of a row. */
export type ValidatedCount = z.infer<typeof countSchema>;

/** Reads predictions. Throws "no-such-file", "bad-record-file". */
export function readPredictions(path: string): Predictions {
  return read(path, predictionsSchema, "lab validate --predict makes it.");
}

/** Reads a validation. Throws "no-such-file", "bad-record-file". */
export function readValidation(path: string): Validation {
  return read(path, validationSchema, "lab validate on a machine with a GPU makes it.");
}

/** Writes predictions or a validation, checked against its schema. */
export function writeValidation(path: string, document: Predictions | Validation): void {
  const checked =
    document.kind === "kernel-lab-predictions"
      ? predictionsSchema.parse(document)
      : validationSchema.parse(document);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(checked, null, 1)}\n`);
}

function read<T>(path: string, schema: z.ZodType<T>, advice: string): T {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new LabError("no-such-file", `Cannot read ${path}.`, { advice, cause });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new LabError("bad-record-file", `Reading ${path}: ${why}`, { advice, cause });
  }
}
