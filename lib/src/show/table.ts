import type { MeasureRecord } from "../record/schema";
import { escapeHtml, formatByteRate, formatFlopRate, formatSeconds, formatShare } from "./format";
import { caseLabel } from "./labels";

/** A table's cell. */
export type CellValue = string | number | boolean | null | undefined;

/** Rows of an arquero table: what `aq.table`, `aq.from` and their verbs answer. */
export interface RowTable {
  objects(): object[];
  columnNames(): string[];
}

/** A finished table. */
export interface TableView {
  readonly text: string;
  readonly html: string;
  readonly markdown: string;
}

/** How a table reads. */
export interface TableOptions {
  readonly title?: string;
  /** Columns in order; default: all. */
  readonly columns?: readonly string[];
}

/**
 * A table as text, HTML and Markdown, from an arquero table or plain row objects; numbers are aligned right.
 *
 * @example lab.show(lab.tableOf([{ kernel: "online", time: "0.27 ms" }]))
 */
export function tableOf(source: RowTable | readonly object[], options: TableOptions = {}): TableView {
  const rows = (isTable(source) ? source.objects() : source) as Record<string, CellValue>[];
  const columns = [
    ...(options.columns ??
      (isTable(source) ? source.columnNames() : new Set(rows.flatMap((r) => Object.keys(r))))),
  ];
  const cells = rows.map((row) => columns.map((column) => cellText(row[column])));
  const right = columns.map((column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])));
  return {
    text: asText(columns, cells, right, options.title),
    html: asHtml(columns, cells, right, options.title),
    markdown: asMarkdown(columns, cells, right),
  };
}

/** Characters of a cell that are not broken into lines. */
const LONGEST_LINE = 48;

/** Records as a table for reading: fastest first within each case. */
export function recordsView(records: readonly MeasureRecord[], options: TableOptions = {}): TableView {
  const sorted = [...records].sort(
    (a, b) => caseLabel(a).localeCompare(caseLabel(b)) || a.statistics.median - b.statistics.median,
  );
  return tableOf(sorted.map(readable), options);
}

function readable(record: MeasureRecord): Record<string, CellValue> {
  const { statistics: s, rates, verdict, check } = record;
  const believed = verdict.verdict !== "rejected";
  return {
    case: caseLabel(record),
    implementation: record.implementation.name,
    median: formatSeconds(s.median),
    "± 95%": formatShare((s.ci95[1] - s.ci95[0]) / 2 / s.median),
    p95: formatSeconds(s.p95),
    verdict: verdict.verdict,
    "bytes/s": rates.bytesPerSecond === null || !believed ? "" : formatByteRate(rates.bytesPerSecond),
    "FLOP/s": rates.flopsPerSecond === null || !believed ? "" : formatFlopRate(rates.flopsPerSecond),
    roof: rates.roofline === null || !believed ? "" : formatShare(rates.roofline.share),
    correct: check === null ? "not checked" : check.passed ? "yes" : "NO",
    why: verdict.reasons.join("; "),
  };
}

function isTable(source: RowTable | readonly object[]): source is RowTable {
  return !Array.isArray(source);
}

function cellText(value: CellValue): string {
  if (value === null || value === undefined) return "";
  return typeof value === "number" && !Number.isInteger(value)
    ? String(Number(value.toPrecision(5)))
    : String(value);
}

// "412 us" and "93.1%" are numbers to the eye, too.
function isNumeric(value: CellValue): boolean {
  return (
    value === null ||
    value === undefined ||
    value === "" ||
    typeof value === "number" ||
    /^-?\d[\d.,e+-]*( ?[^\s\d]{1,8})?$/.test(String(value))
  );
}

function asText(columns: string[], cells: string[][], right: boolean[], title?: string): string {
  const widths = columns.map((c, i) => Math.max(c.length, ...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) =>
    row
      .map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  const rule = widths.map((w) => "─".repeat(w)).join("  ");
  return [...(title ? [title, ""] : []), line(columns), rule, ...cells.map(line)].join("\n");
}

function asHtml(columns: string[], cells: string[][], right: boolean[], title?: string): string {
  // A column of sentences wraps, or the rest of each would lie beyond the edge.
  const wraps = columns.map((_, i) => cells.some((row) => row[i]!.length > LONGEST_LINE));
  const style = (i: number) =>
    ` style="text-align:${right[i] ? "right" : "left"};padding:3px 10px;${wraps[i] ? "min-width:24em" : "white-space:nowrap"}"`;
  const head = columns.map((c, i) => `<th scope="col"${style(i)}>${escapeHtml(c)}</th>`).join("");
  const body = cells
    .map((row) => `<tr>${row.map((cell, i) => `<td${style(i)}>${escapeHtml(cell)}</td>`).join("")}</tr>`)
    .join("");
  const caption = title
    ? `<caption style="text-align:left;font-weight:600;padding:4px 0;caption-side:top">${escapeHtml(title)}</caption>`
    : "";
  return (
    `<div class="lab-scroll" style="overflow-x:auto" tabindex="0" role="group" aria-label="${escapeHtml(title ?? "table")}">` +
    `<table class="lab-table" style="border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums">` +
    `${caption}<thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`
  );
}

function asMarkdown(columns: string[], cells: string[][], right: boolean[]): string {
  const line = (row: string[]) =>
    `| ${row.map((cell) => cell.replace(/\|/g, "\\|").replace(/\n/g, " ")).join(" | ")} |`;
  return [line(columns), line(right.map((r) => (r ? "---:" : "---"))), ...cells.map(line)].join("\n");
}
