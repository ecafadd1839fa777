import { reportHtml } from "./html";
import { reportMarkdown } from "./markdown";
import { type ReportInput, type ReportModel, reportModel } from "./model";

/** A finished report in both forms. */
export interface Report {
  readonly html: string;
  readonly markdown: string;
  readonly model: ReportModel;
}

/**
 * Makes the report of runs: one self-contained HTML page, and the same in Markdown.
 *
 * @example const { html } = lab.report({ runs: lab.loadRuns().runs })
 */
export function report(input: ReportInput): Report {
  const model = reportModel(input);
  return { html: reportHtml(model), markdown: reportMarkdown(model), model };
}
