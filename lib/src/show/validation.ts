import type { ValidatedCount, Validation } from "../record/validation";
import { escapeHtml, formatShare } from "./format";
import { tableOf } from "./table";
import { colors } from "./theme";

type Row = Validation["rows"][number];

/** How many counts there are, agree, and differ with and without a reason; counts that are 0 on both sides left out. */
export interface ValidationTally {
  readonly counts: number;
  readonly agree: number;
  readonly explained: number;
  readonly unexplained: number;
}

/** Counts a validation's verdicts. */
export function tallyOf(validation: Validation): ValidationTally {
  const counts = validation.rows.flatMap((row) => row.counts).filter(counted);
  const agree = counts.filter((count) => count.agrees).length;
  const explained = counts.filter((count) => !count.agrees && count.reason).length;
  return { counts: counts.length, agree, explained, unexplained: counts.length - agree - explained };
}

/** The validation as Markdown: a row a kernel and case, a column a quantity, then what differs and why. */
export function validationMarkdown(validation: Validation): string {
  const { device, lab, ncu, compiler, date } = validation;
  const { counts, agree, explained, unexplained } = tallyOf(validation);
  const overview = validation.rows.map((row) => ({
    case: row.case,
    kernel: `\`${row.kernel}\``,
    ...Object.fromEntries(row.counts.map((count) => [count.label, cellText(count)])),
  }));
  const differing = validation.rows.flatMap((row) =>
    row.counts
      .filter((count) => counted(count) && !count.agrees)
      .map((count) => ({
        case: row.case,
        kernel: `\`${row.kernel}\``,
        count: count.label,
        predicted: numberText(count.predicted),
        measured: numberText(count.measured),
        difference: differenceText(count),
        reason: count.reason || "not known",
      })),
  );
  return [
    `# The lens against ${device.name}`,
    "",
    `${agree} of ${counts} counts agree within ${100 * validation.tolerance}%; ${explained} differ for a known reason, ${unexplained} for none.`,
    `Predicted on the CPU device by lab.lens, measured by ncu ${ncu} on the same launches` +
      ` (${device.arch}, driver ${device.driver ?? "unknown"}, ${compiler ?? "unknown compiler"}; lab ${lab}, ${date}).`,
    "Remade by `lab validate`. One number: both are the same. Requests, sectors of 32 bytes, wavefronts: sums over the GPU.",
    "",
    tableOf(overview).markdown,
    ...(differing.length > 0 ? ["", "## What differs, and why", "", tableOf(differing).markdown] : []),
    "",
  ].join("\n");
}

/** The validation as one picture: a row a kernel and case, a cell a quantity, coloured by how well it was predicted. */
export function validationSvg(validation: Validation): string {
  const labels = validation.rows[0]?.counts.map((count) => count.label) ?? [];
  const [left, top, cell, line] = [330, 132, 62, 18];
  const width = left + labels.length * cell + 16;
  const height = top + validation.rows.length * line + 48;
  const heads = labels.map((label, i) => {
    const x = left + i * cell + cell / 2;
    return `<text transform="translate(${x},${top - 8}) rotate(-40)" text-anchor="start">${escapeHtml(label)}</text>`;
  });
  const rows = validation.rows.flatMap((row, r) => {
    const y = top + r * line;
    const name = `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escapeHtml(rowName(row))}</text>`;
    return [name, ...row.counts.map((count, i) => cellSvg(count, left + i * cell, y, cell, line))];
  });
  const { counts, agree, explained, unexplained } = tallyOf(validation);
  const title = `${agree} of ${counts} counts of ${validation.device.name} predicted within ${100 * validation.tolerance}%`;
  const legend = [
    [colors.good, `agrees (${agree})`],
    [amber, `differs, reason known (${explained})`],
    [colors.roof, `differs (${unexplained})`],
  ] as const;
  const keys = legend.map(
    ([color, text], i) =>
      `<rect x="${16 + i * 220}" y="${height - 26}" width="12" height="12" rx="2" fill="${color}"/>` +
      `<text x="${34 + i * 220}" y="${height - 16}">${escapeHtml(text)}</text>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `role="img" aria-label="${escapeHtml(title)}" font-family="system-ui, sans-serif" font-size="11" fill="#60646c">` +
    `<text x="16" y="22" font-size="14" font-weight="600">${escapeHtml(title)}</text>` +
    `${heads.join("")}${rows.join("")}${keys.join("")}</svg>\n`
  );
}

const amber = "#c28a14";

function cellSvg(count: ValidatedCount, x: number, y: number, width: number, height: number): string {
  if (!counted(count)) return "";
  const color = count.agrees ? colors.good : count.reason ? amber : colors.roof;
  const said = count.agrees ? "" : differenceText(count);
  const hint = `${count.label}: predicted ${numberText(count.predicted)}, measured ${numberText(count.measured)}${count.reason ? `; ${count.reason}` : ""}`;
  return (
    `<g><title>${escapeHtml(hint)}</title>` +
    `<rect x="${x + 1}" y="${y + 1}" width="${width - 2}" height="${height - 2}" rx="2" fill="${color}"/>` +
    `<text x="${x + width / 2}" y="${y + 13}" text-anchor="middle" fill="#fff" font-size="10">${escapeHtml(said)}</text></g>`
  );
}

function rowName({ case: name, kernel }: Row): string {
  const symbol = kernel.replace(/<.*/, "");
  const named = name.includes(symbol.replace("_", "/").replace(/_(\d\d)_/, "/$1_"));
  const text = named ? name : `${name}: ${symbol}`;
  return text.length > 52 ? `${text.slice(0, 51)}…` : text;
}

/** A count that is 0 on both sides says nothing of either. */
function counted(count: ValidatedCount): boolean {
  return !(count.predicted === 0 && count.measured === 0);
}

function cellText(count: ValidatedCount): string {
  if (!counted(count)) return "";
  if (count.predicted === count.measured) return numberText(count.measured);
  const mark = count.agrees ? "" : count.reason ? " (*)" : " (!)";
  return `${numberText(count.predicted)} → ${numberText(count.measured)}${mark}`;
}

function differenceText({ difference }: ValidatedCount): string {
  if (difference === null) return "?";
  return `${difference > 0 ? "+" : "−"}${formatShare(Math.abs(difference))}`;
}

function numberText(value: number | null): string {
  return value === null ? "none" : String(value);
}
