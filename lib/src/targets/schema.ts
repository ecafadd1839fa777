import { z } from "zod";

/** Version of the format of data/targets; raised when a field changes meaning. */
export const targetsVersion = 1;

const count = z.int().positive();

/**
 * What a published figure is the time, rate or size of, so that it can be held against a chip. Ours, not the source's:
 * the assumptions stand in the table's `reading`.
 */
export const workSchema = z.discriminatedUnion("op", [
  /** Scaled dot-product attention; `materialised`: the scores are held in memory. */
  z.strictObject({
    op: z.literal("attention"),
    batch: count,
    seq: count,
    heads: count,
    dim: count,
    materialised: z.boolean().optional(),
  }),
  z.strictObject({ op: z.literal("ffn"), tokens: count, hidden: count, inner: count, matmuls: count }),
  /** One transformer layer: four projections, attention, and the FFN. */
  z.strictObject({
    op: z.literal("layer"),
    batch: count,
    seq: count,
    hidden: count,
    heads: count,
    inner: count,
    matmuls: count,
  }),
  /** Experts of two matmuls each. */
  z.strictObject({
    op: z.literal("moe"),
    tokens: count,
    hidden: count,
    inner: count,
    experts: count,
    topK: count,
  }),
  z.strictObject({ op: z.literal("gemm"), m: count, n: count, k: count }),
  /** A forward pass of a transformer with 12 hidden^2 weights a layer. */
  z.strictObject({
    op: z.literal("forward"),
    layers: count,
    hidden: count,
    heads: count,
    batch: count,
    seq: count,
  }),
  /** A model of so many parameters of `bytes` each: its prompt, its tokens one by one, its loading, its size. */
  z.strictObject({
    op: z.literal("prefill"),
    parameters: count,
    bytes: z.number().positive(),
    tokens: count,
  }),
  z.strictObject({ op: z.literal("decode"), parameters: count, bytes: z.number().positive(), tokens: count }),
  z.strictObject({ op: z.literal("load"), parameters: count, bytes: z.number().positive() }),
  z.strictObject({ op: z.literal("weights"), parameters: count, bytes: z.number().positive() }),
  z.strictObject({ op: z.literal("launch") }),
]);

/** What part a figure plays in its document. */
export const roleSchema = z.enum([
  "baseline",
  "reference",
  "target",
  "excellent",
  "acceptable",
  "minimum",
  "limit",
  "published",
  "expected",
  "stub",
  "example",
  "formula",
  "fact",
  "configuration",
]);

/** A cell as printed and, where it is a number, as read: in the column's unit unless it names its own. */
export const cellSchema = z.strictObject({
  text: z.string().min(1),
  relation: z.enum(["<", ">", "~"]).optional(),
  value: z.union([z.number(), z.tuple([z.number(), z.number()])]).optional(),
  unit: z.string().optional(),
});

/** What a column holds; "mixed": each cell's unit tells. */
export const columnSchema = z.strictObject({
  key: z.string().regex(/^[a-z][a-zA-Z0-9]*$/),
  /** The heading as printed; of a list, what we call it. */
  label: z.string().min(1),
  quantity: z.enum([
    "text",
    "count",
    "time",
    "token-rate",
    "flop-rate",
    "memory",
    "memory-saved",
    "ratio",
    "reduction",
    "error",
    "reference-share",
    "peak-share",
    "sm-share",
    "tensor-share",
    "bandwidth-share",
    "regression",
    "mixed",
  ]),
  unit: z.string().optional(),
  hardware: z.string().optional(),
  precision: z.string().optional(),
  role: roleSchema.optional(),
});

/** A row: its cells by the keys of their columns. */
const rowSchema = z.strictObject({
  role: roleSchema.optional(),
  hardware: z.string().optional(),
  work: workSchema.optional(),
  cells: z.record(z.string(), cellSchema),
});

/** A published table, list or block of formulas. Hardware, precision and role hold unless a row or column says other. */
export const tableSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  /** Headings from the document's title down to the table. */
  section: z.array(z.string()).min(1),
  form: z.enum(["table", "list", "code"]),
  hardware: z.string().optional(),
  /** As stated: "FP16". Absent where the document does not say. */
  precision: z.string().optional(),
  role: roleSchema.optional(),
  columns: z.array(columnSchema).min(2),
  rows: z.array(rowSchema).min(1),
  /** What the document says beside the table, word for word. */
  notes: z.array(z.string()).optional(),
  /** What we take for granted where it does not say. */
  reading: z.array(z.string()).optional(),
});

/** The tables of one seed document: a file of data/targets. */
export const targetsSchema = z.strictObject({
  kind: z.literal("kernel-lab-targets"),
  schemaVersion: z.literal(targetsVersion),
  source: z.strictObject({ files: z.array(z.string()).min(1), title: z.string().min(1) }),
  tables: z.array(tableSchema).min(1),
});

/** What a figure is the time, rate or size of. */
export type Work = z.infer<typeof workSchema>;
/** What part a figure plays. */
export type TargetRole = z.infer<typeof roleSchema>;
// Interfaces, each by the name of its parts: a notebook declares its variables by these names, and need not know zod.
/** A cell of a published table. */
export interface TargetCell extends z.infer<typeof cellSchema> {}
/** A column of a published table. */
export interface TargetColumn extends z.infer<typeof columnSchema> {}
/** A row of a published table. */
export interface TargetRow extends Omit<z.infer<typeof rowSchema>, "cells"> {
  cells: Record<string, TargetCell>;
}
/** A published table. */
export interface TargetTable extends Omit<z.infer<typeof tableSchema>, "columns" | "rows"> {
  columns: TargetColumn[];
  rows: TargetRow[];
}
/** The tables of one document. */
export interface TargetDocument extends Omit<z.infer<typeof targetsSchema>, "tables"> {
  tables: TargetTable[];
}
