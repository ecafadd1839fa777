import type { CodeLine, Inspection } from "../core/inspection";
import { show } from "./display";
import { escapeHtml, formatShare } from "./format";

/**
 * Shows what `kernel.inspect()` found: source, PTX and SASS in three columns, and what the kernel uses. Pointing at a
 * line marks what belongs to it in the other columns. Outside a notebook the text is answered.
 *
 * @example lab.showInspection(await kernel.inspect({ block: 256 }))
 */
export function showInspection(inspection: Inspection): string | undefined {
  return show({ html: inspectionHtml(inspection), text: inspectionText(inspection) });
}

/** Registers, shared memory, spills and occupancy in a few lines. */
export function resourceSummary({ resources: r, occupancy, memoryInstructions }: Inspection): string[] {
  const dynamic = r.dynamicShared > 0 ? ` + ${r.dynamicShared} dynamic` : "";
  const spilled =
    r.spillStores + r.spillLoads > 0
      ? `spills ${r.spillStores} bytes stored and ${r.spillLoads} loaded a thread`
      : "no spills";
  const lines = [
    `${r.registers} registers a thread, ${r.staticShared}${dynamic} bytes of shared memory a block, ${spilled}` +
      (r.stackBytes > 0 ? `, ${r.stackBytes} bytes of local memory a thread` : ""),
  ];
  if (occupancy) {
    const { blocks, threads, warps, mostWarps, fraction, limits } = occupancy;
    lines.push(
      `occupancy ${formatShare(fraction)}: ${blocks} blocks of ${threads} threads, ${warps} of ${mostWarps} warps; limited by ${limits.join(" and ")}`,
    );
  }
  const touches = Object.entries(memoryInstructions ?? {}).map(([name, count]) => `${count} ${name}`);
  if (touches.length > 0) lines.push(`memory instructions: ${touches.join(", ")}`);
  return lines;
}

/** The source, under each line the machine code (or the PTX) that came of it. */
export function inspectionText(inspection: Inspection): string {
  const { kernel, arch, compiler, source, sass, ptx, whyNoSass } = inspection;
  const code = sass ?? ptx;
  const rows = source.replace(/\n$/, "").split("\n");
  const under = (line: number) =>
    code.filter((item) => !item.label && item.lines[0] === line).map((item) => `        ${item.text.trim()}`);
  return [
    `${kernel} for ${arch}, ${compiler}`,
    ...resourceSummary(inspection),
    ...(whyNoSass ? [whyNoSass] : []),
    "",
    ...rows.flatMap((text, i) => [`${String(i + 1).padStart(4)}  ${text}`, ...under(i + 1)]),
  ].join("\n");
}

/** The three columns as one piece of HTML, with no script: the marks are rules of style. */
export function inspectionHtml(inspection: Inspection): string {
  const { kernel, arch, compiler, source, ptx, sass, whyNoSass } = inspection;
  const rows = source.replace(/\n$/, "").split("\n");
  const width = String(rows.length).length;
  const sourceLines = rows
    .map((text, i) => span([i + 1], `${String(i + 1).padStart(width)}  ${text}`, false))
    .join("");
  const id = `lab-inspection-${hash(`${kernel} ${arch} ${source}`)}`;
  const used = [...new Set([...ptx, ...(sass ?? [])].flatMap((line) => line.lines))].sort((a, b) => a - b);
  const columns = [
    column("source", sourceLines),
    column("PTX", codeHtml(ptx)),
    sass ? column("SASS", codeHtml(sass)) : `<section><h4>SASS</h4><p>${escapeHtml(whyNoSass)}</p></section>`,
  ];
  const summary = resourceSummary(inspection).map((line) => `<div>${escapeHtml(line)}</div>`);
  return (
    `<div class="lab-inspection" id="${id}"><style>${style(id, used)}</style>` +
    `<header><b>${escapeHtml(kernel)}</b> for ${escapeHtml(arch)}, ${escapeHtml(compiler)}${summary.join("")}</header>` +
    `<div class="columns">${columns.join("")}</div></div>`
  );
}

function column(title: string, body: string): string {
  return `<section><h4>${title}</h4><pre tabindex="0" role="region" aria-label="${title}">${body}</pre></section>`;
}

function codeHtml(code: readonly CodeLine[]): string {
  return code.map(({ text, label, lines }) => span(lines, text.replace(/\t/g, "  "), label)).join("");
}

/** A line that knows its source lines; the innermost leads, so that its rule can tell it from the callers'. */
function span(lines: readonly number[], text: string, label: boolean): string {
  const title = lines.length > 1 ? ` title="line ${lines.join(", called at ")}"` : "";
  const at = lines.length > 0 ? ` data-l="${[...new Set(lines)].join(" ")}"` : "";
  return `<span${at}${title}${label ? ' class="label"' : ""}>${escapeHtml(text)}\n</span>`;
}

function style(id: string, lines: readonly number[]): string {
  const at = (line: number) => `[data-l~="${line}"]`;
  const marks = lines.map((line) => `#${id}:has(${at(line)}:hover) ${at(line)}`).join(",");
  return (
    `#${id}{font:13px system-ui,sans-serif;margin:0 0 1em}` +
    `#${id} .columns{display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px;margin-top:6px}` +
    `#${id} h4{margin:0 0 4px;font-size:12px;opacity:.7}` +
    `#${id} pre{font-size:11.5px;line-height:1.4;height:34em;overflow:auto;margin:0;padding:6px 8px;` +
    `border:1px solid rgba(128,128,128,.35);border-radius:4px}` +
    `#${id} pre span{display:block;white-space:pre;width:max-content;min-width:100%}#${id} .label{opacity:.6}` +
    `@media (max-width:700px){#${id} .columns{grid-template-columns:minmax(0,1fr)}#${id} pre{height:18em}}` +
    (marks ? `${marks}{background:rgba(47,126,216,.25)}` : "")
  );
}

/** A short name that is the same for the same content, so that a notebook run twice does not differ. */
function hash(text: string): string {
  let value = 5381;
  for (let i = 0; i < text.length; i++) value = (value * 33 + text.charCodeAt(i)) >>> 0;
  return value.toString(36);
}
