import { formatShare } from "../show/format";
import { type TableView, tableOf } from "../show/table";
import type { Audit, AuditRow } from "./audit";
import { type AuditVerdict, auditRule } from "./limits";

/** What of an audit is shown. */
export interface AuditViewOptions {
  /** Only figures with this verdict. */
  readonly verdict?: AuditVerdict;
}

/**
 * The audit for reading: as text grouped by table with the arithmetic in sentences, as HTML and Markdown one row a figure.
 *
 * @example lab.show(lab.auditView(lab.audit(), { verdict: "impossible" }))
 */
export function auditView(audit: Audit, options: AuditViewOptions = {}): TableView {
  const rows = audit.rows.filter((r) => options.verdict === undefined || r.verdict === options.verdict);
  const { html, markdown } = tableOf(rows.filter((r) => r.verdict !== null).map(cells), {
    title: "Published figures against the data sheet of the chip they name",
  });
  return { text: text(audit, rows, options), html, markdown };
}

function cells(row: AuditRow): Record<string, string> {
  return {
    table: row.table,
    row: row.row,
    column: row.column,
    figure: row.figure,
    chip: row.hardware ?? "",
    verdict: row.verdict ?? "",
    "of the limit": row.share === null ? "" : formatShare(row.share),
    arithmetic: [row.arithmetic, ...row.conditions].join(". "),
  };
}

function text(audit: Audit, rows: readonly AuditRow[], options: AuditViewOptions): string {
  const tables = [...new Set(rows.map((row) => row.table))];
  const blocks = tables.map((table) => {
    const own = rows.filter((row) => row.table === table);
    const checked = own.filter((row) => row.verdict !== null);
    const rest = own.length - checked.length;
    const why = [...new Set(own.filter((row) => row.verdict === null).map((row) => row.arithmetic))].join(
      "; ",
    );
    return [
      `${table}: ${own[0]!.title}`,
      ...checked.map(line),
      ...(rest > 0 ? [`  not checked  ${rest} ${rest === 1 ? "figure" : "figures"}: ${why}`] : []),
    ].join("\n");
  });
  const { impossible, tight, possible, unchecked } = audit.counts;
  const contradictions = audit.contradictions.map((c) => `  ${c.table}, ${c.row}: ${c.what}`);
  const all = options.verdict === undefined;
  return [
    ...blocks,
    ...(all && contradictions.length > 0
      ? [["Figures that do not follow from each other:", ...contradictions].join("\n")]
      : []),
    `${impossible} impossible, ${tight} tight, ${possible} possible; ${unchecked} state nothing to check.\nRule: ${auditRule}`,
  ].join("\n\n");
}

function line(row: AuditRow): string {
  const chip = row.hardware ? ` on ${row.hardware}` : "";
  const sentences = [
    `${row.row}, ${row.column}: ${row.figure}${chip}. ${row.arithmetic}.`,
    ...row.conditions,
  ];
  return `  ${(row.verdict ?? "").padEnd(11)}  ${sentences.join(" ")}`;
}
