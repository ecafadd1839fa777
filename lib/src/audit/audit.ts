import { formatByteRate, formatBytes, formatSeconds, formatShare } from "../show/format";
import { type GpuFacts, gpuFacts } from "../targets/gpus";
import { type NamedTargets, type TargetFigure, targetDocuments, targetFigures } from "../targets/load";
import { costOf, tokensOf } from "../targets/work";
import { type Contradiction, contradictionsIn } from "./contradictions";
import { holdFact } from "./facts";
import { type AuditVerdict, type Held, holdTime, unitsFor, verdictOf } from "./limits";
import { holdBandwidthShare, holdMemory } from "./sizes";

/** A published figure with what physics says of it; a null verdict says why there is nothing to check. */
export interface AuditRow {
  /** "expected-results/end-to-end-large". */
  readonly table: string;
  /** The table's own heading. */
  readonly title: string;
  readonly row: string;
  readonly column: string;
  /** As printed, with its unit: "185.0 ms". */
  readonly figure: string;
  readonly hardware: string | null;
  readonly role: string | null;
  readonly verdict: AuditVerdict | null;
  /** The share of the limit the figure needs: 1 at the limit. */
  readonly share: number | null;
  readonly arithmetic: string;
  readonly conditions: readonly string[];
}

/** What the audit may take from this lab's own records. */
export interface AuditOptions {
  /** A launch as this lab measured it. */
  readonly launch?: { readonly seconds: number; readonly source: string };
}

/** The audit of every document. */
export interface Audit {
  readonly rows: AuditRow[];
  /** Where a document contradicts itself, whatever the chip. */
  readonly contradictions: Contradiction[];
  readonly counts: Readonly<Record<AuditVerdict | "unchecked", number>>;
}

/**
 * Holds every published figure against the data sheet of the chip it names, with the arithmetic in words.
 *
 * @example lab.audit().rows.filter((row) => row.verdict === "impossible").map((row) => row.arithmetic)
 */
export function audit(
  documents: readonly NamedTargets[] = targetDocuments(),
  options: AuditOptions = {},
): Audit {
  const rows = documents.flatMap((document) => {
    const chips = chipsOf(document);
    return targetFigures([document])
      .filter((figure) => figure.quantity !== "count")
      .map((figure) => rowOf(figure, hold(figure, chips, options)));
  });
  const count = (verdict: AuditVerdict | null) => rows.filter((row) => row.verdict === verdict).length;
  return {
    rows,
    contradictions: documents.flatMap(contradictionsIn),
    counts: {
      impossible: count("impossible"),
      tight: count("tight"),
      possible: count("possible"),
      unchecked: count(null),
    },
  };
}

function rowOf(figure: TargetFigure, held: Held | string): AuditRow {
  const { table, section, row, column, text, unit, hardware, role } = figure;
  const none = typeof held === "string";
  return {
    table,
    title: section[section.length - 1]!,
    row,
    column: column.label,
    figure: unit && !text.includes(unit) && !/\d\s*[A-Za-z%μ]/.test(text) ? `${text} ${unit}` : text,
    hardware,
    role,
    verdict: none ? null : held.verdict,
    share: none ? null : held.share,
    arithmetic: none ? held : held.arithmetic,
    conditions: none ? [] : held.conditions,
  };
}

/** The verdict on a figure, or why there is nothing to check. */
function hold(figure: TargetFigure, chips: readonly GpuFacts[], options: AuditOptions): Held | string {
  const { quantity, work, hardware } = figure;
  if (work?.op === "launch") return holdLaunch(figure, options);
  if (quantity === "bandwidth-share" && work) return holdBandwidthShare(figure, work, chips);
  if (/-share$/.test(quantity) && quantity !== "reference-share") return holdShare(figure);
  const chip = hardware === null ? null : gpuFacts(hardware);
  if (work && ["memory", "memory-saved", "reduction", "flops"].includes(quantity)) {
    return holdMemory(figure, work, chip) ?? unchecked(figure);
  }
  if (!chip) return unchecked(figure);
  if (!work) return holdFact(figure, chip) ?? unchecked(figure);
  switch (quantity) {
    case "time":
      return work.op === "load" ? holdLoad(figure, chip) : timed(figure, figure.hi, chip);
    case "token-rate":
      // The demanding end of a range.
      return timed(figure, tokensOf(work) / figure.hi, chip);
    case "flop-rate":
      return timed(figure, costOf(work, 2).flops / figure.lo, chip);
    default:
      return unchecked(figure);
  }
}

function timed(figure: TargetFigure, seconds: number, chip: GpuFacts): Held {
  // PyTorch multiplies fp16 with fp32 accumulation.
  const units = unitsFor(figure.precision, chip, figure.role === "baseline");
  const held = holdTime(figure.work!, seconds, chip, units);
  if (figure.role !== "stub" || held.verdict !== "impossible") return held;
  return { ...held, conditions: ["A stub: the document says that nothing ran.", ...held.conditions] };
}

/** Loading: the weights must cross the link to the chip, wherever they come from. */
function holdLoad(figure: TargetFigure, chip: GpuFacts): Held {
  const work = figure.work as Extract<TargetFigure["work"], { op: "load" }>;
  // Where no precision is stated, 4 bits a weight are the least in use.
  const bytes = work.parameters * (figure.precision === null ? 0.5 : work.bytes);
  const share = bytes / chip.link / figure.hi;
  return {
    verdict: verdictOf(share),
    share,
    arithmetic:
      `${formatBytes(bytes)} of weights${figure.precision === null ? " (4 bits each, the least in use)" : ""} ` +
      `in ${formatSeconds(figure.hi)}: ${formatByteRate(bytes / figure.hi)}, ${formatShare(share)} of ` +
      `${formatByteRate(chip.link)} over PCIe`,
    conditions: figure.role === "stub" ? ["A stub: the document says that nothing ran."] : [],
  };
}

function holdLaunch(figure: TargetFigure, { launch }: AuditOptions): Held | string {
  if (!launch) return "no launch overhead among this lab's records to hold it against";
  const share = launch.seconds / figure.hi;
  return {
    verdict: verdictOf(share),
    share,
    arithmetic: `a launch takes ${formatSeconds(launch.seconds)} here (${launch.source}), ${formatShare(share)} of it`,
    conditions: [],
  };
}

/** A share of a rate that has no shape beside it: only that nothing exceeds the whole. */
function holdShare(figure: TargetFigure): Held {
  const share = figure.lo;
  return {
    verdict: verdictOf(share),
    share,
    arithmetic: `${formatShare(share)} of the whole; no shape is stated to count bytes and FLOPs of`,
    conditions: [],
  };
}

function unchecked(figure: TargetFigure): string {
  const { quantity, role } = figure;
  if (quantity === "ratio" || figure.unit === "bytes")
    return "held against the figures beside it (see the contradictions)";
  if (quantity === "time") return "no shape or work is stated that the chip's limits could be held against";
  if (role === "configuration" || role === "fact") return "a setting or a part other than the chip";
  return "a criterion or a report, not a rate or size of work";
}

/** The chips a document names anywhere. */
function chipsOf({ tables }: NamedTargets): GpuFacts[] {
  const names = new Set(
    tables.flatMap((t) => [
      t.hardware,
      ...t.columns.map((c) => c.hardware),
      ...t.rows.map((r) => r.hardware),
    ]),
  );
  const chips = [...names].flatMap((name) => (name === undefined ? [] : [gpuFacts(name)]));
  return [...new Set(chips.filter((chip) => chip !== null))];
}
