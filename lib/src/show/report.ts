import { reportHtml } from "./reportHtml";
import { environmentRows, type ReportInput, type ReportModel, reportModel } from "./reportModel";
import { recordsView, tableOf } from "./table";

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

function reportMarkdown(model: ReportModel): string {
  const { trusted, ambiguous, rejected } = model.counts;
  const lines = [
    `# ${model.title}`,
    "",
    `Written ${model.date}. ${trusted + ambiguous + rejected} measurements: ${trusted} trusted, ${ambiguous} ambiguous, ${rejected} rejected.`,
    "",
    ...model.warnings.map((w) => `> ${w.replace(/\n/g, " ")}\n`),
    "## Hardware and versions",
    "",
  ];
  for (const environment of model.environments) {
    lines.push(tableOf(environmentRows(environment).map(([part, value]) => ({ part, value }))).markdown, "");
  }
  for (const { suite, environment, headlines, records, failures } of model.sections) {
    lines.push(`## ${suite} on ${environment.device.name}`, "");
    if (environment.device.kind === "cpu") lines.push("CPU device: not GPU times.", "");
    lines.push(...headlines.map((h) => `- ${h}`), "", recordsView(records).markdown, "");
    if (failures.length > 0) {
      lines.push(
        "Not measured:",
        "",
        ...failures.map((f) => `- ${f.case.name}, ${f.implementation.name}: ${f.reason}`),
        "",
      );
    }
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
