import { formatSeconds } from "../format";
import { caseLabel } from "../labels";
import { recordsView, tableOf } from "../table";
import { dateText } from "./html";
import { environmentRows, environmentTitle, type ReportModel, type SuiteSection } from "./model";
import { noNotes } from "./notes";
import {
  attemptRows,
  barText,
  counterRows,
  countersNote,
  failureRows,
  ladderRows,
  limitRows,
  speedUpRows,
  timeRows,
  useRows,
} from "./rows";
import { sparkline } from "./timeline";
import { traceMarkdown } from "./traces";

/**
 * The report in Markdown, in the order of a course's reporting requirements: hardware, results, speed-up, profile,
 * analysis. Where the page has a picture, this has its numbers with bars of blocks.
 */
export function reportMarkdown(model: ReportModel): string {
  const { trusted, ambiguous, rejected } = model.counts;
  const lines = [
    `# ${model.title}`,
    "",
    `Written ${dateText(model.date)}. ${trusted + ambiguous + rejected} measurements: ${trusted} trusted, ${ambiguous} ambiguous, ${rejected} rejected.`,
    "",
    ...model.warnings.flatMap((w) => [`> ${w.replace(/\n/g, " ")}`, ""]),
    ...(model.sections.length === 0
      ? ["No result files yet. Run `lab bench` or a notebook.", ""]
      : [...hardware(model), ...results(model), ...speedUp(model), ...profile(model), ...analysis(model)]),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function hardware(model: ReportModel): string[] {
  return [
    "## 1. Hardware used",
    "",
    ...model.environments.flatMap((e) => [
      `### ${environmentTitle(e)}`,
      "",
      ...table(environmentRows(e).map(([part, value]) => ({ part, value }))),
    ]),
  ];
}

function results(model: ReportModel): string[] {
  return [
    "## 2. Results",
    "",
    ...model.sections.flatMap((section) => [
      `### ${nameOf(section)}`,
      "",
      ...(section.environment.device.kind === "cpu" ? ["CPU device: not GPU times.", ""] : []),
      ...(section.headlines.length === 0
        ? ["Only baselines were measured here."]
        : section.headlines.map((h) => `- ${h}`)),
      "",
      recordsView(section.records).markdown,
      "",
      ...(section.failures.length > 0 ? ["Not measured:", "", ...table(failureRows(section.failures))] : []),
    ]),
  ];
}

function speedUp(model: ReportModel): string[] {
  const sections = model.sections.filter((s) => s.speedUps.length > 0);
  const none = "No baseline was measured on these devices: `lab baselines --run` measures PyTorch's.";
  return [
    "## 3. Speed-up",
    "",
    ...(sections.length === 0 ? [none, ""] : []),
    ...sections.flatMap((section) => {
      const most = Math.max(...section.speedUps.map((s) => s.ratio));
      const rows = speedUpRows(section.speedUps).map((row, i) => ({
        ...row,
        "": barText(section.speedUps[i]!.ratio / most),
      }));
      return [`### ${nameOf(section)}`, "", ...table(rows)];
    }),
  ];
}

function profile(model: ReportModel): string[] {
  const use = (of: "memory" | "compute") =>
    model.sections.flatMap((s) => {
      const rows = useRows(s.kernels, of);
      return rows.length === 0 ? [] : [`#### ${nameOf(s)}`, "", ...table(rows)];
    });
  return [
    "## 4. Profile",
    "",
    "### Timeline",
    "",
    ...model.sections.flatMap(timeline),
    ...(model.traces.length > 0 ? ["### Recorded launches", "", ...model.traces.map(traceMarkdown)] : []),
    "### Top kernels by time",
    "",
    ...table(timeRows(model.topKernels)),
    "### Memory bandwidth utilisation",
    "",
    "By hardware counters where they were read; by the model, that is by the bytes that must move at least, where not.",
    "",
    ...use("memory"),
    "### Compute utilisation",
    "",
    ...use("compute"),
    ...counters(model),
  ];
}

function counters(model: ReportModel): string[] {
  const tables = model.sections.flatMap((s) => {
    const rows = counterRows(s.kernels);
    return rows.length === 0 ? [] : [`#### ${nameOf(s)}`, "", ...table(rows)];
  });
  return tables.length === 0 ? [] : ["### Counters", "", countersNote, "", ...tables];
}

function timeline({ shown }: SuiteSection): string[] {
  if (!shown) return [];
  const { samples, statistics, method, state } = shown;
  const clocks = state.flatMap((s) => (s.smClockHz === null ? [] : [s.smClockHz / 1e6]));
  const clock =
    clocks.length === 0
      ? ""
      : `; SM clock ${Math.min(...clocks)} to ${Math.max(...clocks)} MHz over ${state.length} readings`;
  return [
    `- ${shown.implementation.name}, ${caseLabel(shown)} on ${shown.environment.device.name}: ` +
      `${method.warmup} warm-up runs, then ${samples.length} samples \`${sparkline(samples)}\` ` +
      `(${formatSeconds(statistics.min)} to ${formatSeconds(statistics.max)})${clock}`,
    "",
  ];
}

function analysis(model: ReportModel): string[] {
  return [
    "## 5. Analysis",
    "",
    "### What limits each kernel",
    "",
    ...model.sections.flatMap((s) =>
      s.kernels.length === 0 ? [] : [`#### ${nameOf(s)}`, "", ...table(limitRows(s.kernels))],
    ),
    "### Attempts measured",
    "",
    ...model.sections.flatMap((s) =>
      s.ladder.length === 0 ? [] : [`#### Rungs: ${nameOf(s)}`, "", ...table(ladderRows(s.ladder))],
    ),
    ...model.sections.flatMap((s) =>
      s.attempts.flatMap((swept) => [
        `#### ${swept.implementation}, ${swept.case} on ${s.environment.device.name}`,
        "",
        ...table(attemptRows(swept, 10)),
        ...swept.skipped.map(({ reason, count }) => `- ${count} left out: ${reason}`),
        ...(swept.skipped.length > 0 ? [""] : []),
      ]),
    ),
    "### Discussion and future work",
    "",
    model.notes.trim() || `_${noNotes}_`,
  ];
}

function table(rows: readonly object[]): string[] {
  return rows.length === 0 ? [] : [tableOf(rows).markdown, ""];
}

function nameOf({ suite, environment }: SuiteSection): string {
  return `${suite} on ${environment.device.name}`;
}
