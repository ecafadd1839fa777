import type { ChangeReport, ChangeRow, Severity } from "../record/change";
import { formatSeconds } from "./format";
import { tableOf } from "./table";

const words: Readonly<Record<Severity, string>> = {
  critical: "CRITICAL",
  wrong: "WRONG",
  warning: "warning",
  missing: "missing",
  faster: "faster",
  acceptable: "ok",
};

const order: readonly Severity[] = ["critical", "wrong", "warning", "missing", "faster", "acceptable"];

/** A comparison with a baseline as a table for a terminal. */
export function changeText(report: ChangeReport): string {
  const rows = sorted(report.rows).map(cells);
  return [
    titleOf(report),
    "",
    rows.length > 0 ? tableOf(rows).text : "Nothing to compare.",
    "",
    ...report.notes,
    summary(report),
  ].join("\n");
}

/**
 * A comparison with a baseline as GitHub shows it in a job's summary or a comment: an alert, a table of what changed,
 * the rest folded away.
 *
 * @example appendFileSync(process.env.GITHUB_STEP_SUMMARY, lab.changeMarkdown(report))
 */
export function changeMarkdown(report: ChangeReport): string {
  const kind = report.exitCode === 2 ? "CAUTION" : report.exitCode === 1 ? "WARNING" : "NOTE";
  const rows = sorted(report.rows);
  const telling = rows.filter((row) => row.severity !== "acceptable");
  const rest = rows.filter((row) => row.severity === "acceptable");
  const lines = [`### ${titleOf(report)}`, "", `> [!${kind}]`, `> ${summary(report)}`, ""];
  if (telling.length > 0) lines.push(tableOf(telling.map(cells)).markdown, "");
  if (rest.length > 0) {
    lines.push("<details>", `<summary>${rest.length} acceptable</summary>`, "");
    lines.push(tableOf(rest.map(cells)).markdown, "", "</details>", "");
  }
  lines.push(...report.notes.map((note) => `- ${note}`));
  return `${lines.join("\n").trimEnd()}\n`;
}

function titleOf({ baseline, against, device }: ChangeReport): string {
  return `${against ?? "Now"} against baseline ${baseline}, ${device}`;
}

function summary({ rows, exitCode }: ChangeReport): string {
  const counts = order
    .map((severity) => [severity, rows.filter((row) => row.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${count} ${severity}`);
  const said = counts.length > 0 ? counts.join(", ") : "nothing compared";
  return `${said}. ${["No regression.", "Look at the warnings.", "A critical regression."][exitCode]}`;
}

function cells(row: ChangeRow): Record<string, string> {
  const { change } = row;
  return {
    result: words[row.severity],
    kernel: row.implementation,
    case: row.case,
    before: row.before === null ? "" : formatSeconds(row.before),
    now: row.now === null ? "" : formatSeconds(row.now),
    change: change ? signed(change.ratio) : "",
    "95% interval": change ? `${signed(change.lo)} to ${signed(change.hi)}` : "",
    how: row.how,
    note: row.note,
  };
}

function signed(ratio: number): string {
  const share = (ratio - 1) * 100;
  return `${share < 0 ? "-" : "+"}${Math.abs(share).toFixed(1)}%`;
}

function sorted(rows: readonly ChangeRow[]): ChangeRow[] {
  return [...rows].sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
}
