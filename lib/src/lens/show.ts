import { show } from "../show/display";
import { escapeHtml } from "../show/format";
import type { LensBulk, LensLine, LensProduct, LensReport, LensRequests } from "./report";

/** A line's numbers, in the columns they are shown in; "" where the line has none. */
interface Cells {
  readonly global: string;
  readonly shared: string;
  readonly lanes: string;
  readonly arithmetic: string;
  /** How far the line's worst request is above its ideal: 1 and more; what is shaded. */
  readonly waste: number;
}

const headings = ["global: sectors", "shared: wavefronts", "lanes", "arithmetic"] as const;

/**
 * Shows a kernel's source with what the lens saw of each line: sectors and wavefronts a request against their ideal, active
 * lanes, warps that split, arithmetic. Outside a notebook the text is answered.
 *
 * @example lab.showLens(await lab.lens(kernel, { grid: 4, block: 256 }, x, y, n))
 */
export function showLens(report: LensReport): string | undefined {
  return show({ html: lensHtml(report), text: lensText(report) });
}

/** The annotated source as text: a line of source, and before it what it did. */
export function lensText(report: LensReport): string {
  const rows = sourceRows(report).map(({ line, text, cells }) => [
    String(line),
    cells.global,
    cells.shared,
    cells.lanes,
    cells.arithmetic,
    text,
  ]);
  const head = ["line", ...headings, "source"];
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const layout = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padStart(widths[i]!) : i === 5 ? cell : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd();
  return [title(report), layout(head), ...rows.map(layout), "", summaryText(report)].join("\n");
}

/** The same as HTML: lines that ask for more than they need are shaded, the stronger the more. */
export function lensHtml(report: LensReport): string {
  const cell = (text: string, more = ""): string =>
    `<td style="padding:0 10px 0 0;text-align:left;white-space:pre;${more}">${escapeHtml(text)}</td>`;
  const rows = sourceRows(report).map(({ line, text, cells }) => {
    const shade = cells.waste > 1 ? Math.min(0.45, 0.12 * Math.log2(cells.waste) + 0.06) : 0;
    const background = shade > 0 ? `background:rgba(220,110,0,${shade.toFixed(2)})` : "";
    return (
      `<tr style="${background}"><td style="opacity:.5;text-align:right;padding:0 10px 0 6px">${line}</td>` +
      cell(cells.global) +
      cell(cells.shared) +
      cell(cells.lanes) +
      cell(cells.arithmetic) +
      `${cell(text, "border-left:1px solid rgba(128,128,128,.4);padding-left:10px;")}</tr>`
    );
  });
  const head = ["", ...headings, ""]
    .map((name) => `<th style="text-align:left;font-weight:600;padding:0 10px 2px 0">${name}</th>`)
    .join("");
  return (
    `<div class="lab-lens" style="margin:0 0 1em"><div style="font:600 13px system-ui,sans-serif;margin:0 0 4px">${escapeHtml(title(report))}</div>` +
    `<div tabindex="0" role="region" aria-label="${escapeHtml(report.kernel)}, annotated" style="overflow:auto;max-height:40em">` +
    `<table style="border-collapse:collapse;font:12px ui-monospace,monospace"><thead><tr>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>` +
    `<div style="font:12px system-ui,sans-serif;margin:6px 0 0;white-space:pre-line">${escapeHtml(summaryText(report))}</div></div>`
  );
}

/** The lines from the first to the last that did something, with a line of code around. */
function sourceRows(report: LensReport): { line: number; text: string; cells: Cells }[] {
  const texts = report.source.split("\n");
  const known = new Map(report.lines.map((line) => [line.line, line]));
  const numbers = report.lines.map(({ line }) => line).filter((line) => line > 0);
  const from = Math.max(1, Math.min(...numbers, texts.length) - 3);
  const to = Math.min(texts.length, Math.max(...numbers, 1) + 1);
  return texts.slice(from - 1, to).map((text, i) => {
    const line = known.get(from + i);
    const none: Cells = { global: "", shared: "", lanes: "", arithmetic: "", waste: 1 };
    return { line: from + i, text, cells: line ? cellsOf(line) : none };
  });
}

function cellsOf(line: LensLine): Cells {
  const global = line.requests.filter(({ space }) => space === "global" || space === "unknown");
  const shared = line.requests.filter(({ space }) => space === "shared");
  const peers = line.requests.filter(({ space }) => space === "dshared");
  return {
    global: [...global.map(costText), ...line.bulk.map(bulkText)].join(", "),
    shared: [
      ...shared.map(costText),
      ...peers.map((one) => costText({ ...one, kind: `peer ${one.kind}` })),
      ...line.products.map(productText),
    ].join(", "),
    lanes: lanesText(line),
    arithmetic: [
      ...Object.entries(line.operations).map(([kind, count]) => `${short(count)} ${kind}`),
      ...line.products.map(({ operations, source }) => `${short(operations)} FLOP ${source}`),
    ].join(", "),
    waste: Math.max(
      1,
      ...line.requests.map(({ cost, ideal }) => cost / Math.max(ideal, 1)),
      ...line.bulk.map(({ sectors, ideal }) => sectors / Math.max(ideal, 1)),
      ...line.products.map(({ wavefronts, ideal }) => wavefronts / Math.max(ideal, 1)),
    ),
  };
}

/** "64 ld: 8 (4)": so many requests, sectors or wavefronts each, and the ideal where that is fewer. */
function costText({
  kind,
  requests,
  cost,
  ideal,
}: Pick<LensRequests, "requests" | "cost" | "ideal"> & { readonly kind: string }): string {
  const each = round(cost / requests);
  const best = round(ideal / requests);
  return `${short(requests)} ${kind}: ${each}${Number(best) < Number(each) ? ` (${best})` : ""}`;
}

/** "4 tma ld: 512 (448)": so many bulk copies, sectors each, and the ideal where that is fewer. */
function bulkText({ op, instructions, sectors, ideal }: LensBulk): string {
  return costText({ kind: `tma ${op}`, requests: instructions, cost: sectors, ideal });
}

/** "8 wgmma n64: 32": so many products, wavefronts each. */
function productText({ n, warps, wavefronts, ideal }: LensProduct): string {
  return costText({ kind: `wgmma n${n}`, requests: warps / 4, cost: wavefronts, ideal });
}

function lanesText({ requests, branches, barriers }: LensLine): string {
  const lanes = [...new Set(requests.map((one) => round(one.activeLanes)))].join(", ");
  const split =
    branches.divergent > 0 ? `${short(branches.divergent)} of ${short(branches.executed)} split` : "";
  const meets = barriers.warps > 0 ? `${short(barriers.warps)} warps meet` : "";
  return [lanes, split, meets].filter(Boolean).join("; ");
}

function title({ kernel, launch, blocks, sampled }: LensReport): string {
  const which = sampled ? `, ${blocks.traced.length} of ${blocks.total} blocks traced` : "";
  return `${kernel}: grid ${launch.grid.join(" x ")}, block ${launch.block.join(" x ")}${which}`;
}

function summaryText({ summary }: LensReport): string {
  const { coalescing, intensity, flops, tensor } = summary;
  const share = coalescing === null ? "" : `, ${Math.round(coalescing * 100)}% of the sectors needed`;
  const work = Object.entries({ ...flops, ...tensor }).filter(([, count]) => count > 0);
  return [
    `Global memory: ${short(summary.bytesAsked)}B asked, ${short(summary.bytesMoved)}B moved${share}.`,
    `Shared memory: ${short(summary.sharedWavefronts)} wavefronts, ${short(summary.bankConflicts)} of them bank conflicts${
      summary.wgmmaWavefronts > 0 ? `; ${short(summary.wgmmaWavefronts)} for wgmma's operands` : ""
    }.`,
    `Branches: ${short(summary.branches)} of warps, ${short(summary.divergentBranches)} split one.`,
    `Arithmetic: ${work.map(([type, count]) => `${short(count)} FLOP ${type}`).join(", ") || "none"}` +
      `${intensity === null ? "" : `; ${round(intensity)} FLOP a byte moved`}.`,
  ].join("\n");
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function short(count: number): string {
  if (Number.isInteger(count) && count < 1e4) return String(count);
  const units: [number, string][] = [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ];
  for (const [size, unit] of units)
    if (count >= size) return `${round(count / (unit === "k" ? 1e3 : size))} ${unit}`;
  return round(count);
}
