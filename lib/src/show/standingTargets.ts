import type { Environment, StoredRecord } from "../record/schema";
import { gpuFacts } from "../targets/gpus";
import type { TargetFigure } from "../targets/load";
import type { Work } from "../targets/schema";
import { costOf, tokensOf } from "../targets/work";

/** The published times for a case: on the record's chip where the document has it, else on the one named. */
export interface PublishedTimes {
  /** Seconds. */
  readonly target: number;
  readonly excellent: number | null;
  readonly hardware: string;
  /** "expected-results/moe-layer". */
  readonly table: string;
}

/** What a case computes, in the words of the published tables; null for shapes they do not have. */
export function workOfCase({ suite, params, dtype }: StoredRecord["case"]): Work | null {
  const n = (name: string): number => (typeof params[name] === "number" ? params[name] : 0);
  // The documents name no mask, so their shapes are those without one; and their GPU figures are of 16-bit types.
  if (params.causal === true || !["f16", "bf16"].includes(dtype)) return null;
  const has = (...names: string[]) => names.every((name) => n(name) > 0);
  if (has("layers", "hidden", "heads", "batch", "seq")) {
    const [layers, hidden, heads, batch, seq] = ["layers", "hidden", "heads", "batch", "seq"].map(n);
    return { op: "forward", layers: layers!, hidden: hidden!, heads: heads!, batch: batch!, seq: seq! };
  }
  if (suite === "attention" && has("batch", "seq", "heads", "dim")) {
    return { op: "attention", batch: n("batch"), seq: n("seq"), heads: n("heads"), dim: n("dim") };
  }
  if (suite === "moe" && has("tokens", "dim", "hidden", "experts", "k")) {
    const [tokens, hidden, inner, experts, topK] = ["tokens", "dim", "hidden", "experts", "k"].map(n);
    return { op: "moe", tokens: tokens!, hidden: hidden!, inner: inner!, experts: experts!, topK: topK! };
  }
  return has("m", "n", "k") ? { op: "gemm", m: n("m"), n: n("n"), k: n("k") } : null;
}

/**
 * The target and the "excellent" line that a document publishes for this work: for the same chip if it has one, else
 * for one of the same compute capability (H100 for an H200), else for the fastest chip it names.
 */
export function publishedTimes(
  work: Work,
  device: Environment["device"],
  figures: readonly TargetFigure[],
): PublishedTimes | null {
  const same = figures.filter((f) => f.hardware !== null && f.work !== null && sameWork(f.work, work));
  const targets = same.filter(
    (f) => (f.role === "target" || f.role === "published") && secondsOf(f) !== null,
  );
  const near = (f: TargetFigure) => nearness(f.hardware!, device);
  const target = [...targets].sort((a, b) => near(b) - near(a) || secondsOf(a)! - secondsOf(b)!)[0];
  if (!target) return null;
  const excellent = same.find((f) => f.role === "excellent" && f.hardware === target.hardware);
  return {
    target: secondsOf(target)!,
    excellent: excellent ? secondsOf(excellent) : null,
    hardware: target.hardware!,
    table: target.table,
  };
}

function secondsOf(figure: TargetFigure): number | null {
  if (figure.quantity === "time") return figure.hi;
  if (figure.quantity === "flop-rate") return costOf(figure.work!, 2).flops / figure.lo;
  // A rate in tokens stands beside its time in every table that has one.
  return figure.quantity === "token-rate" && figure.work?.op === "decode"
    ? tokensOf(figure.work) / figure.hi
    : null;
}

function nearness(hardware: string, device: Environment["device"]): number {
  const theirs = gpuFacts(hardware);
  if (!theirs) return 0;
  if (theirs === gpuFacts(device.name)) return 2;
  const [major, minor] = theirs.capability;
  return device.capability?.[0] === major && device.capability[1] === minor ? 1 : 0;
}

function sameWork(a: Work, b: Work): boolean {
  const { materialised: _, ...plain } = a as Work & { materialised?: boolean };
  const entries = Object.entries(plain);
  return (
    entries.length === Object.keys(b).length &&
    entries.every(([key, value]) => (b as Record<string, unknown>)[key] === value)
  );
}
