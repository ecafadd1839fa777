import type { Failure } from "../record/schema";
import { barPlot } from "./bars";
import type { Figure } from "./figure";
import { escapeHtml } from "./format";
import { heatmap } from "./heatmap";
import { caseLabel } from "./labels";
import { linePlot } from "./lines";
import { environmentRows, type ReportModel, type SuiteSection } from "./reportModel";
import { recordsView, tableOf } from "./table";

const style = `
:root { color-scheme: light dark; --bg: #ffffff; --fg: #1c2430; --soft: #5b6675; --line: #d9dee5; --card: #f5f7fa; --accent: #1f66b5; }
@media (prefers-color-scheme: dark) { :root { --bg: #14171c; --fg: #e3e7ec; --soft: #9aa5b3; --line: #323944; --card: #1d222a; --accent: #6fb0f5; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--fg); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 860px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 6px; } h2 { font-size: 21px; margin: 44px 0 8px; padding-top: 14px; border-top: 1px solid var(--line); }
p, ul { margin: 8px 0; } .soft { color: var(--soft); font-size: 14px; }
a { color: var(--accent); } nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 6px 16px; }
.cards { display: flex; flex-wrap: wrap; gap: 12px; margin: 18px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 16px; min-width: 118px; }
.card b { display: block; font-size: 22px; } .card span { color: var(--soft); font-size: 13px; }
.lab-table th { border-bottom: 2px solid var(--line); } .lab-table td { border-bottom: 1px solid var(--line); }
.lab-figure svg { min-width: 540px; } .lab-scroll:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
details { margin: 10px 0; } summary { cursor: pointer; color: var(--accent); }
.notice { border-left: 4px solid #c28a14; background: var(--card); padding: 8px 14px; border-radius: 0 6px 6px 0; }
@media print { details { display: block; } main { max-width: none; padding: 0; } h2 { break-after: avoid; } .lab-figure { break-inside: avoid; } nav { display: none; } }`;

/** The report as one HTML page that asks the network for nothing. */
export function reportHtml(model: ReportModel): string {
  const nav = model.sections
    .map(
      (s) => `<li><a href="#${anchor(s)}">${escapeHtml(`${s.suite}, ${s.environment.device.name}`)}</a></li>`,
    )
    .join("");
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
<main>
<h1>${escapeHtml(model.title)}</h1>
<p class="soft">Written ${escapeHtml(model.date)}. Medians of the samples; intervals are 95% bootstrap intervals of the median.</p>
${cards(model)}
${model.warnings.map((w) => `<p class="notice">${escapeHtml(w)}</p>`).join("\n")}
${model.sections.length === 0 ? `<p class="notice">No result files yet. Run <code>lab bench</code> or a notebook.</p>` : `<nav aria-label="Suites"><ul>${nav}</ul></nav>`}
${model.sections.map(sectionHtml).join("\n")}
<h2 id="environment">Hardware and versions</h2>
${model.environments.map((e) => environmentHtml(environmentRows(e))).join("\n")}
</main>
</body>
</html>
`;
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

function sectionHtml(section: SuiteSection): string {
  const { environment, suite, headlines, records, failures } = section;
  const cpu =
    environment.device.kind === "cpu"
      ? `<p class="notice">CPU device: these are times of kernels run on the processor, not GPU times.</p>`
      : "";
  const table = recordsView(records).html;
  return `<section aria-labelledby="${anchor(section)}">
<h2 id="${anchor(section)}">${escapeHtml(suite)} <span class="soft">on ${escapeHtml(environment.device.name)}</span></h2>
${cpu}
<ul>${headlines.map((h) => `<li>${escapeHtml(h)}</li>`).join("")}</ul>
${figuresOf(section)
  .map((f) => f.html)
  .join("\n")}
<details${records.length <= 12 ? " open" : ""}><summary>All ${records.length} measurements</summary>${table}</details>
${failures.length === 0 ? "" : `<details><summary>${failures.length} not measured</summary>${failureTable(failures)}</details>`}
</section>`;
}

/** The pictures of a suite: bars, lines where a size varies, heatmaps where two parameters were swept. */
export function figuresOf(section: SuiteSection): Figure[] {
  const { best, records, failures } = section;
  const where = `${section.suite} on ${section.environment.device.name}`;
  const figures: Figure[] = chunkByCase(best).map((group, i, all) =>
    barPlot(group, { title: all.length > 1 ? `${where} (${i + 1} of ${all.length})` : where }),
  );
  const size = varyingSize(records);
  if (size) figures.push(linePlot(best, { x: size, title: `${where}, over ${size}` }));
  const swept = sweptPair(records);
  if (swept) {
    const [x, y] = swept;
    figures.push(
      heatmap(
        records.filter((r) => x in r.implementation.parameters),
        { x, y, failures, title: `${where}: sweep of ${y} and ${x}` },
      ),
    );
  }
  return figures;
}

// A picture of forty bars helps nobody: at most six cases each.
function chunkByCase<T extends SuiteSection["best"][number]>(records: readonly T[]): T[][] {
  const cases = [...new Set(records.map(caseLabel))];
  const chunks: T[][] = [];
  for (let i = 0; i < cases.length; i += 6) {
    const names = new Set(cases.slice(i, i + 6));
    chunks.push(records.filter((r) => names.has(caseLabel(r))));
  }
  return chunks;
}

function varyingSize(records: SuiteSection["records"]): string | null {
  const keys = new Set(records.flatMap((r) => Object.keys(r.case.params)));
  const varying = [...keys].filter((k) => new Set(records.map((r) => r.case.params[k])).size >= 3);
  const numeric = varying.filter((k) => records.every((r) => typeof r.case.params[k] === "number"));
  return numeric.length === 1 && varying.length === 1 ? numeric[0]! : null;
}

function sweptPair(records: SuiteSection["records"]): [string, string] | null {
  const ours = records.filter((r) => r.implementation.kind === "ours");
  const values = new Map<string, Set<unknown>>();
  for (const r of ours) {
    for (const [k, v] of Object.entries(r.implementation.parameters))
      values.set(k, (values.get(k) ?? new Set()).add(v));
  }
  const swept = [...values].filter(([, v]) => v.size >= 3).map(([k]) => k);
  return swept.length >= 2 ? [swept[1]!, swept[0]!] : null;
}

function failureTable(failures: readonly Failure[]): string {
  return tableOf(
    failures.map((f) => ({
      case: `${f.case.name} ${f.case.dtype}`,
      implementation: f.implementation.name,
      parameters: Object.entries(f.implementation.parameters)
        .map(([k, v]) => `${k}=${v}`)
        .join(" "),
      what: f.kind,
      reason: f.reason,
    })),
  ).html;
}

function environmentHtml(rows: [string, string][]): string {
  const body = rows
    .map(
      ([k, v]) =>
        `<tr><th scope="row" style="text-align:left;padding:3px 14px 3px 0;font-weight:600;vertical-align:top">${escapeHtml(k)}</th><td style="padding:3px 0">${escapeHtml(v)}</td></tr>`,
    )
    .join("");
  return `<table class="lab-table" style="border-collapse:collapse;font-size:14px;margin:0 0 20px">${body}</table>`;
}

function anchor(section: SuiteSection): string {
  return `${section.suite}-${section.environment.device.name}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}
