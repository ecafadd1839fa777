import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LabError } from "../core/error";
import { dataPath } from "../core/paths";
import {
  type TargetCell,
  type TargetColumn,
  type TargetDocument,
  type TargetRole,
  type TargetTable,
  targetsSchema,
  type Work,
} from "./schema";
import { unitNamed } from "./units";

/** A document of targets under the name of its file: "expected-results". */
export interface NamedTargets extends TargetDocument {
  readonly name: string;
}

/** One published number with everything that holds for it; values in SI units. */
export interface TargetFigure {
  /** "expected-results/moe-layer". */
  readonly table: string;
  readonly section: readonly string[];
  /** What the row's words and counts say: "32, 2048". */
  readonly row: string;
  /** Number of the row in its table, from 0. */
  readonly index: number;
  readonly column: TargetColumn;
  /** As printed: "<4.5". */
  readonly text: string;
  /** The unit it is printed in; empty for a bare number. */
  readonly unit: string;
  readonly quantity: TargetColumn["quantity"] | "flops" | "bandwidth" | "clock" | "number";
  readonly relation: "=" | "<" | ">" | "~";
  /** The ends of a range, equal for a single number. */
  readonly lo: number;
  readonly hi: number;
  readonly hardware: string | null;
  readonly precision: string | null;
  readonly role: TargetRole | null;
  readonly work: Work | null;
}

/**
 * The tables of the documents this lab was written from, one document a file of data/targets.
 *
 * @throws LabError "bad-targets" naming the file and the field
 * @example lab.targetDocuments().flatMap((d) => d.tables.map((t) => t.id))
 */
export function targetDocuments(folder: string = dataPath("targets")): NamedTargets[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== "schema.json")
    .sort()
    .map((file) => read(join(folder, file)));
}

/**
 * Every number of the tables, with its unit resolved and what it is the time, rate or size of.
 *
 * @example lab.targetFigures().filter((f) => f.work?.op === "attention" && f.role === "excellent")
 */
export function targetFigures(documents: readonly NamedTargets[] = targetDocuments()): TargetFigure[] {
  return documents.flatMap((document) => document.tables.flatMap((table) => figuresOf(document.name, table)));
}

function read(path: string): NamedTargets {
  const problem = (what: string, cause?: unknown) =>
    new LabError("bad-targets", `Reading ${path}: ${what}.`, {
      advice: "Restore the file from git; data/targets/schema.json tells the format.",
      cause,
    });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw problem(`expected a JSON document, ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  const parsed = targetsSchema.safeParse(content);
  if (parsed.success) return { name: basename(path, ".json"), ...parsed.data };
  const first = parsed.error.issues[0]!;
  throw problem(`${first.path.map(String).join(".") || "the document"}: ${first.message}`);
}

function figuresOf(document: string, table: TargetTable): TargetFigure[] {
  const words = table.columns.filter((c) => c.quantity === "text" || c.quantity === "count");
  return table.rows.flatMap((row, index) =>
    table.columns.flatMap((column): TargetFigure[] => {
      const cell = row.cells[column.key];
      if (cell?.value === undefined) return [];
      const [lo, hi] = typeof cell.value === "number" ? [cell.value, cell.value] : cell.value;
      const unit = cell.unit ?? column.unit ?? "";
      const scale = unitNamed(unit)?.scale ?? 1;
      // 70 x 0.01 is 0.7000000000000001: back to the digits that were printed.
      const si = (value: number) => Number((value * scale).toPrecision(12));
      return [
        {
          table: `${document}/${table.id}`,
          section: table.section,
          row: rowName(words, row.cells),
          index,
          column,
          text: cell.text,
          unit,
          quantity: quantityOf(column, unit),
          relation: cell.relation ?? "=",
          lo: si(lo),
          hi: si(hi),
          hardware: column.hardware ?? row.hardware ?? table.hardware ?? null,
          precision: column.precision ?? table.precision ?? null,
          role: column.role ?? row.role ?? table.role ?? null,
          work: row.work ?? null,
        },
      ];
    }),
  );
}

function rowName(words: readonly TargetColumn[], cells: Readonly<Record<string, TargetCell>>): string {
  return words
    .filter(({ key }) => key !== "notes" && key !== "status" && key !== "formula")
    .map(({ key, label, quantity }) => {
      const text = cells[key]?.text ?? "";
      return quantity === "count" ? `${label} ${text}` : text.replace(/:$/, "");
    })
    .join(", ");
}

function quantityOf(column: TargetColumn, unit: string): TargetFigure["quantity"] {
  return column.quantity === "mixed" ? (unitNamed(unit)?.quantity ?? "number") : column.quantity;
}
