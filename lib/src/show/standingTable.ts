import { digits, escapeHtml, formatSeconds, formatShare } from "./format";
import type { Standee, Standing } from "./standing";
import { type TableView, tableOf } from "./table";

/**
 * The standing as a table: a row a case, ours and the best baseline, the ratio with its interval, targets and limit.
 *
 * @example lab.show(lab.standingTable(lab.standingRows({ suite: "softmax" })))
 */
export function standingTable(rows: readonly Standing[]): TableView {
  const devices = new Set(rows.map((row) => row.device));
  const view = tableOf(
    rows.map((row) => cells(row, devices.size > 1)),
    {
      title: `Where the lab stands on ${[...devices].join(", ") || "no device"}`,
    },
  );
  const notes = notesOf(rows);
  const small = notes.map((note) => `<div style="font-size:12.5px;opacity:.75">${escapeHtml(note)}</div>`);
  return {
    text: [view.text, ...notes].join("\n"),
    html: view.html + small.join(""),
    markdown: [view.markdown, ...notes].join("\n\n"),
  };
}

function cells(row: Standing, severalDevices: boolean): Record<string, string> {
  const { published, ours, best, ratio } = row;
  const goal = (seconds: number | null | undefined) =>
    seconds === null || seconds === undefined || !published ? "" : formatSeconds(seconds);
  return {
    ...(severalDevices ? { device: row.device } : {}),
    suite: row.suite,
    case: row.case,
    ours: ours?.implementation ?? "none yet",
    time: timeOf(ours),
    "best baseline": best?.implementation ?? "none",
    "its time": timeOf(best),
    ratio: ratio ? `${digits(ratio.value)} (${digits(ratio.lo)} to ${digits(ratio.hi)})` : "",
    stands: row.outcome === null ? "" : `${row.outcome}${row.sameRun ? "" : " *"}`,
    target: goal(published?.target),
    excellent: goal(published?.excellent),
    "published for": published?.hardware ?? "",
    limit: row.limit === null ? "" : formatSeconds(row.limit),
    "of limit": row.share === null ? "" : formatShare(row.share),
  };
}

function timeOf(standee: Standee | null): string {
  if (!standee) return "";
  return `${formatSeconds(standee.seconds)}${standee.verdict === "trusted" ? "" : " ?"}`;
}

function notesOf(rows: readonly Standing[]): string[] {
  const some = (test: (row: Standing) => boolean) => rows.some(test);
  return [
    ...(some((r) => [r.ours, r.best].some((s) => s?.verdict === "ambiguous"))
      ? ["? ambiguous: the gate does not vouch for it."]
      : []),
    ...(some((r) => r.outcome !== null && !r.sameRun) ? ["* the two sides come from different runs."] : []),
    ...(some((r) => r.limit !== null)
      ? [`limit: ${[...new Set(rows.flatMap((r) => r.limitSource ?? []))].slice(0, 3).join("; ")}.`]
      : []),
    ...(some((r) => r.kind === "cpu") ? ["The CPU device's times are not GPU times."] : []),
  ];
}
