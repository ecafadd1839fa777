import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { judge } from "../bench/gate";
import { physicalFloor } from "../bench/roofline";
import { gateFor } from "../bench/thresholds";
import { kernelPath } from "../core/paths";
import { ladders } from "../ops/ladders";
import type { OpCase } from "../ops/variant";
import type { MeasureRecord, Statistics, StoredRecord, Verdict } from "../record/schema";
import { summarize } from "../record/statistics";
import { formatBytes, formatFlopRate, formatSeconds } from "../show/format";
import { type ComputeUnit, gpuFacts, unitOf } from "../targets/gpus";
import { agree, type Remark } from "./findings";

// A bootstrap a record is enough for all that is asked of it.
const summaries = new WeakMap<readonly number[], Statistics>();

function summaryOf(samples: readonly number[]): Statistics {
  const made = summaries.get(samples) ?? summarize(samples);
  summaries.set(samples, made);
  return made;
}

/** Statistics that do not follow from the samples. */
export function checkStatistics({ samples, statistics, method }: StoredRecord): Remark[] {
  const made = summaryOf(samples);
  const wrong = (["count", "mean", "std", "min", "max", "median", "p95", "p99", "mad"] as const).filter(
    (name) => !agree(statistics[name], made[name], 1e-6),
  );
  const remarks: Remark[] = wrong.map((name) => ({
    severity: "forged",
    kind: "statistics",
    what: `${name} is ${statistics[name]}, the samples make ${made[name]}`,
  }));
  if (method.samples !== samples.length) {
    remarks.push({
      severity: "forged",
      kind: "statistics",
      what: `${method.samples} samples are said to have been taken, the file holds ${samples.length}`,
    });
  }
  // Another bootstrap may draw differently; it does not find another width.
  const width = Math.max(made.ci95[1] - made.ci95[0], 1e-3 * made.median);
  if (made.ci95.some((end, i) => Math.abs(end - statistics.ci95[i]!) > 0.5 * width)) {
    remarks.push({
      severity: "forged",
      kind: "statistics",
      what: `the interval of the median is ${seconds(statistics.ci95)}, the samples make ${seconds(made.ci95)}`,
    });
  }
  return remarks;
}

/** Rates that do not follow from bytes, FLOPs and median. */
export function checkRates({ rates, statistics, bytes, flops }: StoredRecord): Remark[] {
  const { median } = statistics;
  const remarks: Remark[] = [];
  const hold = (name: string, stated: number | null, amount: number | null) => {
    const follows = amount === null ? null : amount / median;
    if (stated === follows || (stated !== null && follows !== null && agree(stated, follows, 1e-6))) return;
    remarks.push({
      severity: "forged",
      kind: "rates",
      what: `${name} is ${stated}, ${amount} over the median makes ${follows}`,
    });
  };
  hold("bytesPerSecond", rates.bytesPerSecond, bytes);
  hold("flopsPerSecond", rates.flopsPerSecond, flops);
  if (rates.roofline) hold("the share of the roof", rates.roofline.share, rates.roofline.floorSeconds);
  return remarks;
}

/** Bytes and FLOPs above what the case's shape takes: they would make any rate. */
export function checkWork(record: StoredRecord): Remark[] {
  const least = workOf(record);
  const over = (stated: number | null, true_: number | null) =>
    stated !== null && true_ !== null && stated > 1.05 * true_;
  const remarks: Remark[] = [];
  if (over(record.bytes, least.bytes)) {
    remarks.push({
      severity: "forged",
      kind: "work",
      what: `${formatBytes(record.bytes!)} are counted for a case that moves ${formatBytes(least.bytes!)}`,
    });
  }
  if (over(record.flops, least.flops)) {
    remarks.push({
      severity: "forged",
      kind: "work",
      what: `${record.flops!.toExponential(3)} FLOP are counted for a case of ${least.flops!.toExponential(3)}`,
    });
  }
  return remarks;
}

/** A median below what the chip needs for the case at its highest clock. */
export function checkPhysics(record: MeasureRecord): Remark[] {
  const { device } = record.environment;
  const facts = device.kind === "cuda" ? gpuFacts(device.name) : null;
  if (!facts) return [];
  const { bytes, flops } = leastWork(record);
  const unit = unitUsed(record);
  const roof = {
    bandwidth: facts.bandwidth,
    bandwidthSource: "",
    hardBandwidth: facts.bandwidth,
    peak: (facts.flops[unit] ?? Number.POSITIVE_INFINITY) * (facts.clock.max / facts.clock.boost),
    peakSource: "",
  };
  const floor = physicalFloor(bytes, flops, roof, device.l2Bytes ?? facts.l2);
  const { median } = record.statistics;
  if (floor === null || median >= floor) return [];
  return [
    {
      severity: "forged",
      kind: "physics",
      what:
        `${formatSeconds(median)} is ${(floor / median).toFixed(2)}x faster than a ${facts.name} can be at its ` +
        `highest clock${flops ? ` (${formatFlopRate(flops / median)})` : ""}`,
    },
  ];
}

/** A source hash that is not the named kernel's: an edited cell, another version, or another kernel. */
export function checkSource({ implementation }: StoredRecord): Remark[] {
  if (implementation.kind !== "ours") return [];
  const file = ladders.flatMap((l) => l.variants).find((v) => v.id === implementation.id)?.file;
  if (!file || !existsSync(kernelPath(file))) return [];
  const own = createHash("sha256")
    .update(readFileSync(kernelPath(file)))
    .digest("hex")
    .slice(0, 16);
  if (implementation.sourceHash === own) return [];
  const stated = implementation.sourceHash ?? "none";
  return [
    {
      severity: "suspicious",
      kind: "source",
      what: `the source measured (hash ${stated}) is not kernels/${file} as it stands here (${own})`,
    },
  ];
}

/** A check that cannot have come out like this. */
export function checkCheck({ check }: StoredRecord): Remark[] {
  if (!check?.passed) return [];
  const wrong: string[] = [];
  if (check.compared === 0) wrong.push("a check passed that compared nothing");
  if (check.mismatch !== null) wrong.push(`a check passed that names a mismatch (${check.mismatch})`);
  if (check.meanAbs !== null && check.maxAbs !== null && check.meanAbs > check.maxAbs * (1 + 1e-9)) {
    wrong.push(`the mean error ${check.meanAbs} is above the largest ${check.maxAbs}`);
  }
  return wrong.map((what) => ({ severity: "forged", kind: "check", what }));
}

/** The verdict this lab's gate gives the record as it stands in the file. */
export function verdictAgain(record: MeasureRecord): Verdict {
  const { device } = record.environment;
  const facts = device.kind === "cuda" ? gpuFacts(device.name) : null;
  const roof = facts && {
    bandwidth: facts.bandwidth,
    bandwidthSource: "",
    hardBandwidth: facts.bandwidth,
    peak: facts.flops[unitUsed(record)] ?? null,
    peakSource: "",
  };
  const { samples, method, check, state, inputs, outputs, bytes, flops } = record;
  return judge(
    {
      kind: device.kind,
      samples,
      statistics: summaryOf(samples),
      method,
      floorSeconds: roof ? physicalFloor(bytes, flops, roof, device.l2Bytes ?? 0) : null,
      check,
      state,
      ...(inputs ? { inputs } : {}),
      ...(outputs ? { outputs } : {}),
      ...(device.l2Bytes === null ? {} : { l2Bytes: device.l2Bytes }),
    },
    gateFor(device),
  );
}

const ranks = { trusted: 0, ambiguous: 1, rejected: 2 } as const;

/** The worse of what the file says and what the gate says of it now. */
export function effectiveVerdict(record: MeasureRecord): Verdict {
  const again = verdictAgain(record);
  return ranks[again.verdict] > ranks[record.verdict.verdict] ? again : record.verdict;
}

/** A verdict better than the gate's on the same record. */
export function checkVerdict(record: MeasureRecord): Remark[] {
  const again = verdictAgain(record);
  if (ranks[again.verdict] <= ranks[record.verdict.verdict]) return [];
  return [
    {
      severity: again.verdict === "rejected" ? "forged" : "suspicious",
      kind: "verdict",
      what: `called ${record.verdict.verdict}; the gate calls it ${again.verdict}: ${again.reasons.join("; ")}`,
    },
  ];
}

/** What the case takes where the record states any: a part of an implementation states none. */
function leastWork(record: StoredRecord): { bytes: number | null; flops: number | null } {
  const { bytes, flops } = workOf(record);
  return {
    bytes: record.bytes === null ? null : (bytes ?? record.bytes),
    flops: record.flops === null ? null : (flops ?? record.flops),
  };
}

/** Parameters of a case that do not change what is counted. */
const harmless = new Set(["causal", "dtype", "what"]);

/** Bytes and FLOPs by the case's shape; null where the lab has no rule for it. */
function workOf({ case: c, implementation }: StoredRecord): { bytes: number | null; flops: number | null } {
  const n = (name: string) => Number(c.params[name]);
  // A window, a backward pass or anything else that is not known here changes the work.
  const has = (...names: string[]) =>
    names.every((name) => n(name) > 0) &&
    Object.keys(c.params).every((name) => names.includes(name) || harmless.has(name));
  if (c.suite === "attention" && has("batch", "seq", "heads", "dim")) {
    const full = 4 * n("batch") * n("heads") * n("seq") ** 2 * n("dim");
    return { bytes: null, flops: c.params.causal === true ? full / 2 : full };
  }
  if (c.suite === "moe" && has("tokens", "k", "dim", "hidden", "experts")) {
    return { bytes: null, flops: 4 * n("tokens") * n("k") * n("dim") * n("hidden") };
  }
  // The matmul rungs count elements of four bytes.
  const ladder = ladders.find((l) => l.topic === c.suite && (l.topic !== "matmul" || c.dtype === "f32"));
  const variant = ladder?.variants.find((v) => v.id === implementation.id) ?? ladder?.variants[0];
  if (!variant) return { bytes: null, flops: null };
  const spread = { ...c.params, name: c.name, params: c.params, dtype: c.dtype, distribution: "" } as OpCase;
  const known = (value: number) => (Number.isFinite(value) ? value : null);
  return { bytes: known(variant.bytes(spread)), flops: known(variant.flops(spread)) };
}

/** The unit that computed: by the element type, unless the record's roof names TF32 for fp32. */
function unitUsed({ case: c, rates }: StoredRecord): ComputeUnit {
  return c.dtype === "f32" && /^tf32 peak/.test(rates.roofline?.source ?? "") ? "tf32" : unitOf(c.dtype);
}

function seconds(interval: readonly [number, number]): string {
  return interval.map(formatSeconds).join(" to ");
}
