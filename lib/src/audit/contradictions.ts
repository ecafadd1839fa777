import { digits, formatByteRate, formatBytes, formatSeconds, formatShare } from "../show/format";
import { gpuFacts } from "../targets/gpus";
import { type NamedTargets, type TargetFigure, targetFigures } from "../targets/load";
import { costOf, tokensOf } from "../targets/work";

/** Two figures of one document that cannot both be meant. */
export interface Contradiction {
  readonly table: string;
  readonly row: string;
  readonly what: string;
}

/** Where a document's figures do not follow from each other, whatever the chip: rates, ratios, sums, shares. */
export function contradictionsIn(document: NamedTargets): Contradiction[] {
  const figures = targetFigures([document]);
  const rows = new Map<string, TargetFigure[]>();
  for (const figure of figures) {
    const key = `${figure.table} ${figure.index}`;
    rows.set(key, [...(rows.get(key) ?? []), figure]);
  }
  const each = [...rows.values()].flatMap((row) => {
    const what = [...ratesAgainstTimes(row), ...ratios(row), ...sharesOfPeak(row), ...weightBytes(row)];
    return what.map((text) => ({ table: row[0]!.table, row: row[0]!.row, what: text }));
  });
  return [...each, ...layerSums(figures), ...totals(figures), ...loadingTimes(figures)];
}

/** tokens / time, where a row prints both. */
function ratesAgainstTimes(row: readonly TargetFigure[]): string[] {
  const rate = row.find((f) => f.quantity === "token-rate");
  const time = row.find((f) => f.quantity === "time" && (rate?.hardware ?? null) === f.hardware);
  const tokens = rate?.work ? tokensOf(rate.work) : 0;
  if (!rate || !time || tokens === 0) return [];
  const follows = tokens / time.hi;
  return differ(rate.hi, follows, rate.relation === "~" ? 0.05 : 0.02)
    ? [`${tokens} tokens in ${time.text} are ${digits(follows)} tokens/s, printed is ${rate.text}`]
    : [];
}

/** A ratio beside the two figures that it is the ratio of. */
function ratios(row: readonly TargetFigure[]): string[] {
  const ratio = row.find((f) => f.quantity === "ratio");
  const parts = row.filter((f) => f !== ratio && (f.quantity === "time" || f.quantity === "memory"));
  const [before, after] = parts;
  if (!ratio || !before || !after || before.quantity !== after.quantity) return [];
  const follows = before.lo / after.lo;
  return differ(ratio.lo, follows, 0.015)
    ? [`${before.text} over ${after.text} is ${digits(follows)}, printed is ${ratio.text}`]
    : [];
}

/** A share "of peak" beside the rate that it should be the share of. */
function sharesOfPeak(row: readonly TargetFigure[]): string[] {
  const share = row.find((f) => f.quantity === "peak-share");
  const rate = row.find((f) => f.quantity === "flop-rate" && f.role === "target");
  const reference = row.find((f) => f.quantity === "flop-rate" && f.role === "reference");
  const chip = rate?.hardware ? gpuFacts(rate.hardware) : null;
  if (!share || !rate || !reference || !chip) return [];
  const ofPeak = rate.lo / chip.flops.fp16!;
  return differ(share.lo, ofPeak, 0.03)
    ? [
        `${rate.text} TFLOPS are ${formatShare(ofPeak)} of the chip's peak, not ${share.text}: ` +
          `they are ${formatShare(rate.lo / reference.lo)} of cuBLAS's ${reference.text}`,
      ]
    : [];
}

/** "16 bytes x 8B params" for a type of two bytes. */
function weightBytes(row: readonly TargetFigure[]): string[] {
  const bytes = row.find((f) => f.unit === "bytes");
  if (bytes?.work?.op !== "decode" || bytes.lo === bytes.work.bytes) return [];
  const { parameters, bytes: each } = bytes.work;
  return [
    `${bytes.text} a parameter would be ${(bytes.lo * parameters) / 1e9} GB a token; in ${bytes.precision} it is ` +
      `${each} bytes, ${costOf(bytes.work, each).bytes / 1e9} GB, which the next line uses`,
  ];
}

/** A layer is at least its attention and its FFN, and more by the projections, norms and residuals. */
function layerSums(figures: readonly TargetFigure[]): Contradiction[] {
  const layers = figures.filter((f) => f.quantity === "time" && f.work?.op === "layer");
  return layers.flatMap((layer) => {
    const same = figures.filter(
      (f) => f.quantity === "time" && f.role === layer.role && f.index === layer.index && f !== layer,
    );
    const attention = same.find((f) => f.work?.op === "attention");
    const ffn = same.find((f) => f.work?.op === "ffn");
    if (!attention || !ffn) return [];
    const sum = attention.hi + ffn.hi;
    const parts = `attention ${attention.text} and FFN ${ffn.text} make ${formatSeconds(sum)}`;
    const what = differ(sum, layer.hi, 0.005)
      ? `${parts}, the layer's time is ${layer.text} ms while the other rows are exact sums`
      : `${parts}, all of the layer's ${layer.text} ms: projections, norms and residuals would take no time`;
    return [{ table: layer.table, row: `${layer.row}, ${layer.column.label}`, what }];
  });
}

/** A row that sums up the others. */
function totals(figures: readonly TargetFigure[]): Contradiction[] {
  const sums = figures.filter((f) => /^Total\b/.test(f.row.replace(/\*/g, "")));
  return sums.flatMap((total) => {
    const parts = figures.filter((f) => f.table === total.table && f.column === total.column && f !== total);
    const sum = parts.reduce((all, part) => all + part.lo, 0);
    return differ(total.lo, sum, 0.03)
      ? [
          {
            table: total.table,
            row: total.row,
            what: `the rows make ${digits(sum)}, printed is ${total.text}`,
          },
        ]
      : [];
  });
}

/** "100-1000x slower" than a stub's loading, against what the weights take to cross the link to the chip. */
function loadingTimes(figures: readonly TargetFigure[]): Contradiction[] {
  const factor = figures.find((f) => f.quantity === "ratio" && /slower/.test(f.text));
  const chip = factor?.hardware ? gpuFacts(factor.hardware) : null;
  if (!factor || !chip) return [];
  return figures.flatMap((stub) => {
    if (stub.quantity !== "time" || stub.work?.op !== "load") return [];
    const bytes = stub.work.parameters * stub.work.bytes;
    const [most, least] = [factor.hi * stub.hi, bytes / chip.link];
    if (least <= most) return [];
    const what =
      `${factor.text} than ${stub.text} ${stub.unit} is ${formatSeconds(most)} at most; ${formatBytes(bytes)} of FP16 ` +
      `weights take ${formatSeconds(least)} over PCIe at ${formatByteRate(chip.link)}`;
    return [{ table: factor.table, row: stub.row, what }];
  });
}

function differ(a: number, b: number, share: number): boolean {
  return Math.abs(a - b) > share * Math.max(Math.abs(a), Math.abs(b));
}
