import { escapeHtml } from "../format";
import { recordsView, type TableView, tableOf } from "../table";
import { figuresOf, rooflinesOf, timelineOf } from "./figures";
import { environmentRows, environmentTitle, type ReportModel, type SuiteSection } from "./model";
import { noNotes, notesHtml } from "./notes";
import {
  attemptRows,
  counterRows,
  countersNote,
  failureRows,
  ladderRows,
  limitRows,
  speedUpRows,
  timeRows,
  useRows,
} from "./rows";
import { speedUpPlot } from "./speedup";
import { style } from "./style";
import { traceHtml } from "./traces";

/** The parts of a report, in the order of a course's reporting requirements. */
const parts = [
  ["hardware", "Hardware used"],
  ["results", "Results"],
  ["speed-up", "Speed-up"],
  ["profile", "Profile"],
  ["analysis", "Analysis"],
] as const;

/** The report as one HTML page that asks the network for nothing. */
export function reportHtml(model: ReportModel): string {
  const bodies: Record<(typeof parts)[number][0], string> = {
    hardware: hardware(model),
    results: model.sections.map(results).join("\n"),
    "speed-up": speedUp(model),
    profile: profile(model),
    analysis: analysis(model),
  };
  const body = parts
    .map(
      ([id, title], i) =>
        `<section aria-labelledby="${id}">\n<h2 id="${id}">${i + 1}. ${title}</h2>\n${bodies[id]}\n</section>`,
    )
    .join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(model.title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<main id="main">
<h1>${escapeHtml(model.title)}</h1>
<p class="soft">Written ${escapeHtml(dateText(model.date))}. Medians of the samples; intervals are 95% bootstrap intervals of the median.</p>
${cards(model)}
${model.warnings.map(notice).join("\n")}
${model.sections.length === 0 ? notice("No result files yet. Run lab bench or a notebook.") : `${contents(model)}\n${body}`}
</main>
</body>
</html>
`;
}

function contents(model: ReportModel): string {
  const suites = model.sections
    .map((s) => `<li><a href="#${anchor(s)}">${escapeHtml(nameOf(s))}</a></li>`)
    .join("");
  const items = parts.map(
    ([id, title]) => `<li><a href="#${id}">${title}</a>${id === "results" ? `<ol>${suites}</ol>` : ""}</li>`,
  );
  return `<nav aria-label="Contents"><ol>${items.join("")}</ol></nav>`;
}

function cards(model: ReportModel): string {
  const { trusted, ambiguous, rejected } = model.counts;
  const devices = new Set(model.sections.map((s) => s.environment.device.name)).size;
  const items: [string | number, string][] = [
    [trusted + ambiguous + rejected, "measurements"],
    [trusted, "trusted"],
    [ambiguous, "ambiguous"],
    [rejected, "rejected"],
    [devices, devices === 1 ? "device" : "devices"],
  ];
  return `<div class="cards">${items.map(([value, label]) => `<div class="card"><b>${value}</b><span>${label}</span></div>`).join("")}</div>`;
}

function hardware(model: ReportModel): string {
  const tables = model.environments
    .map((environment) => {
      const rows = environmentRows(environment).map(
        ([k, v]) => `<tr><th scope="row">${escapeHtml(k)}</th><td>${escapeHtml(v)}</td></tr>`,
      );
      return `<table class="lab-table names" style="border-collapse:collapse;font-size:14px;margin:0 0 20px"><caption>${escapeHtml(environmentTitle(environment))}</caption><tbody>${rows.join("")}</tbody></table>`;
    })
    .join("\n");
  return `<div class="environments">${tables}</div>`;
}

function results(section: SuiteSection): string {
  const { environment, headlines, records, best, failures } = section;
  const cpu =
    environment.device.kind === "cpu"
      ? notice("CPU device: these are times of kernels run on the processor, not GPU times.")
      : "";
  const all =
    records.length > best.length
      ? `<details><summary>All ${records.length} measurements, every setting</summary>${recordsView(records).html}</details>`
      : "";
  const missing =
    failures.length > 0
      ? `<details><summary>${failures.length} not measured</summary>${tableOf(failureRows(failures)).html}</details>`
      : "";
  return `<h3 id="${anchor(section)}">${heading(section)}</h3>
${cpu}
${headlines.length === 0 ? '<p class="soft">Only baselines were measured here.</p>' : `<ul>${headlines.map((h) => `<li>${escapeHtml(h)}</li>`).join("")}</ul>`}
${figuresOf(section)
  .map((f) => f.html)
  .join("\n")}
${recordsView(best).html}
${all}${missing}`;
}

function speedUp(model: ReportModel): string {
  const sections = model.sections.filter((s) => s.speedUps.length > 0);
  if (sections.length === 0)
    return `<p>No baseline was measured on these devices: lab baselines --run measures PyTorch's.</p>`;
  return sections
    .map(
      (s) =>
        `<h3>${heading(s)}</h3>\n${speedUpPlot(s.speedUps, `Speed-up over the baselines: ${nameOf(s)}`).html}\n${foldable(tableOf(speedUpRows(s.speedUps)), "All ratios", s.speedUps.length)}`,
    )
    .join("\n");
}

function profile(model: ReportModel): string {
  const { sections } = model;
  const each = (render: (s: SuiteSection) => string) =>
    sections
      .map((s) => [heading(s), render(s)] as const)
      .filter(([, html]) => html !== "")
      .map(([title, html]) => `<h4>${title}</h4>\n${html}`)
      .join("\n");
  const use = (of: "memory" | "compute") => each((s) => viewOf(useRows(s.kernels, of)));
  return `<h3>Timeline</h3>
<p class="soft">The launches of the best kernel at the case that takes longest, one by one, and the device's clock and power meanwhile.</p>
${each((s) => htmlOf(timelineOf(s)))}
${model.traces.length > 0 ? `<h3>Recorded launches</h3>\n${model.traces.map(traceHtml).join("\n")}` : ""}
<h3>Top kernels by time</h3>
${viewOf(timeRows(model.topKernels))}
<h3>Roofline</h3>
${each((s) => htmlOf(rooflinesOf(s))) || "<p>No case here has its bytes, its operations and a known compute peak.</p>"}
<h3>Memory bandwidth utilisation</h3>
<p class="soft">By hardware counters where they were read; by the model, that is by the bytes that must move at least, where not.</p>
${use("memory")}
<h3>Compute utilisation</h3>
<p class="soft">By hardware counters where they were read; by the model, that is by the operations of the case, where not.</p>
${use("compute") || "<p>The operations or the peak of these cases are not known.</p>"}
${counters(each((s) => viewOf(counterRows(s.kernels))))}`;
}

function counters(tables: string): string {
  return tables && `<h3>Counters</h3>\n<p class="soft">${escapeHtml(countersNote)}</p>\n${tables}`;
}

function analysis(model: ReportModel): string {
  const limits = model.sections.filter((s) => s.kernels.length > 0);
  const ladders = model.sections.filter((s) => s.ladder.length > 0);
  const sweeps = model.sections.filter((s) => s.attempts.length > 0);
  return `<h3>What limits each kernel</h3>
${limits.map((s) => `<h4>${heading(s)}</h4>\n${tableOf(limitRows(s.kernels)).html}`).join("\n")}
<h3>Attempts measured</h3>
${ladders.map((s) => `<h4>Rungs: ${heading(s)}</h4>\n${tableOf(ladderRows(s.ladder)).html}`).join("\n")}
${sweeps.map(attemptsHtml).join("\n") || "<p>No sweep was recorded: lab sweep measures one.</p>"}
<h3>Discussion and future work</h3>
<div class="author">${model.notes ? notesHtml(model.notes) : `<p class="soft">${escapeHtml(noNotes)}</p>`}</div>`;
}

const attemptsShown = 10;

function attemptsHtml(section: SuiteSection): string {
  return section.attempts
    .map((swept) => {
      const { implementation, case: name, attempts, skipped } = swept;
      const rest = attempts.length - attemptsShown;
      const reasons = skipped
        .slice(0, 8)
        .map(({ reason, count }) => `<li>${count} left out: ${escapeHtml(reason)}</li>`);
      return `<h4>${escapeHtml(`${implementation}, ${name}`)} <span class="soft">on ${escapeHtml(section.environment.device.name)}</span></h4>
${tableOf(attemptRows(swept, attemptsShown)).html}
${rest > 0 ? `<p class="soft">${rest} slower settings are in the results above.</p>` : ""}${reasons.length > 0 ? `<ul class="soft">${reasons.join("")}</ul>` : ""}`;
    })
    .join("\n");
}

function viewOf(rows: readonly object[]): string {
  return rows.length === 0 ? "" : tableOf(rows).html;
}

function foldable(view: TableView, title: string, rows: number): string {
  return `<details${rows <= 8 ? " open" : ""}><summary>${title}</summary>${view.html}</details>`;
}

function htmlOf(figures: readonly { readonly html: string }[]): string {
  return figures.map((f) => f.html).join("\n");
}

function notice(text: string): string {
  return `<p class="notice">${escapeHtml(text)}</p>`;
}

function heading({ suite, environment }: SuiteSection): string {
  return `${escapeHtml(suite)} <span class="soft">on ${escapeHtml(environment.device.name)}</span>`;
}

function nameOf({ suite, environment }: SuiteSection): string {
  return `${suite}, ${environment.device.name}`;
}

/** "2026-11-21 08:00 UTC". */
export function dateText(date: string): string {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(date) ? `${date.slice(0, 10)} ${date.slice(11, 16)} UTC` : date;
}

function anchor(section: SuiteSection): string {
  return `${section.suite}-${section.environment.device.name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}
