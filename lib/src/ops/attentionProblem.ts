import { dtypeInfo } from "../core/dtype";
import type { CheckRecord } from "../record/schema";
import type { Device } from "../runtime/device";
import type { Tensor } from "../runtime/tensor";
import { viewsOf } from "./attentionArguments";
import { type AttentionCase, attentionOutliers } from "./attentionCase";
import { compareOutput, sampleIndices } from "./check";
import { type AttentionRow, attentionRow } from "./reference";
import type { Problem } from "./variant";

/** Multiply-adds that a check spends at most on the host; beyond, heads and rows are sampled. */
const mostWork = 2 ** 25;

/** Inputs, outputs and check of a case on a device. */
export async function attentionProblem(device: Device, c: AttentionCase): Promise<Problem> {
  const shape = (heads: number, rows: number) =>
    c.layout === "bhsd" ? [c.batch, heads, rows, c.headDim] : [c.batch, rows, heads, c.headDim];
  const draw = (heads: number, rows: number, seed: number) =>
    device.randn(shape(heads, rows), {
      dtype: c.dtype,
      seed,
      std: c.magnitude,
      outliers: attentionOutliers,
    });
  const tensors = {
    q: draw(c.heads, c.queries, 1),
    k: draw(c.keyHeads, c.keys, 2),
    v: draw(c.keyHeads, c.keys, 3),
    out: device.empty(shape(c.heads, c.queries), { dtype: c.dtype }),
    lse: device.empty([c.batch, c.heads, c.queries]),
  };
  return { tensors, outputs: ["out", "lse"], check: () => checkAttention(tensors, c) };
}

/** Compares output and log-sum-exp with float64: every row of a small case, rows of a few heads of a large one. */
export async function checkAttention(
  tensors: Readonly<Record<string, Tensor>>,
  c: AttentionCase,
): Promise<CheckRecord> {
  const t = viewsOf(tensors, c);
  const heads = c.batch * c.heads;
  const wanted = Math.max(8, Math.floor(mostWork / (2 * c.keys * c.headDim)));
  const chosenHeads = sampleIndices(heads, wanted >= heads * c.queries ? heads : Math.min(4, heads));
  const chosenRows = sampleIndices(c.queries, Math.max(2, Math.ceil(wanted / chosenHeads.length)));
  const reference = new Map<number, AttentionRow>();
  const out: number[] = [];
  const lse: number[] = [];
  for (const head of chosenHeads) {
    const [batch, h] = [Math.floor(head / c.heads), head % c.heads];
    const keyHead = Math.floor(h / (c.heads / c.keyHeads));
    const [q, k, v, o] = await Promise.all([
      headOf(t.q, batch, h),
      headOf(t.k, batch, keyHead),
      headOf(t.v, batch, keyHead),
      headOf(t.out, batch, h),
    ]);
    const l = (await t.lse
      .reshape([heads, c.queries])
      .slice(head, head + 1)
      .read()) as Float32Array;
    for (const row of chosenRows) {
      const seen = c.causal ? Math.min(c.keys, Math.max(0, row + 1 + c.keys - c.queries)) : c.keys;
      const at = row * c.headDim;
      reference.set(
        head * c.queries + row,
        attentionRow(q.subarray(at, at + c.headDim), k, v, seen, c.scale),
      );
      for (let d = 0; d < c.headDim; d++) out.push(o[at + d]!);
      lse.push(l[row]!);
    }
  }
  return judge(c, reference, out, lse);
}

/**
 * An output may be off by its own rounding, by that of the weights (half of them are rounded on the tensor cores) and by
 * the exponent of a score: float sums of terms of magnitude m are off by about 2^-20 m there.
 */
function judge(
  c: AttentionCase,
  reference: ReadonlyMap<number, AttentionRow>,
  out: readonly number[],
  lse: readonly number[],
): CheckRecord {
  const narrow = c.dtype !== "f32";
  const epsilon = dtypeInfo(c.dtype).epsilon;
  const score = narrow ? 2 ** -20 : 2 ** -22;
  const rows = [...reference.keys()];
  const of = (index: number) => reference.get(index)!;
  const scoreError = (row: AttentionRow) => score * (8 + row.scoreMagnitude);
  const checked = compareOutput(out, {
    shape: [c.batch, c.heads, c.queries, c.headDim],
    indices: rows.flatMap((row) => Array.from({ length: c.headDim }, (_, d) => row * c.headDim + d)),
    at: (index) => of(Math.floor(index / c.headDim)).out[index % c.headDim]!,
    tolerance: (index, value) => {
      const row = of(Math.floor(index / c.headDim));
      const d = index % c.headDim;
      // Weights below the smallest normal half keep an absolute step of 2^-25.
      const steps = c.dtype === "f16" ? 2 ** -24 + 2 ** -25 * row.valueSum[d]! : 1e-30;
      return epsilon * (Math.abs(value) + row.magnitude[d]!) + scoreError(row) * row.magnitude[d]! + steps;
    },
    rule: `|error| <= ${epsilon} x (|out| + sum p|v|) + ${score} x (8 + max sum |q k| scale) x sum p|v|`,
  });
  // Minus infinity is a right answer where no key is seen, and its difference from itself is no number.
  const finite = (value: number, expected: number) =>
    expected === Number.NEGATIVE_INFINITY ? (value === expected ? 0 : Number.NaN) : value;
  const sums = compareOutput(
    lse.map((value, i) => finite(value, of(rows[i]!).lse)),
    {
      shape: [c.batch, c.heads, c.queries],
      indices: rows,
      at: (index) => (Number.isFinite(of(index).lse) ? of(index).lse : 0),
      tolerance: (index, value) => 2 ** -20 * (8 + Math.abs(value)) + scoreError(of(index)),
      rule: `|error| <= 2^-20 x (8 + |lse|) + ${score} x (8 + max sum |q k| scale)`,
    },
  );
  const mismatch = checked.mismatch ?? sums.mismatch;
  return {
    ...checked,
    passed: checked.passed && sums.passed,
    compared: checked.compared + sums.compared,
    tolerance: `out: ${checked.tolerance}; lse: ${sums.tolerance}`,
    mismatch: mismatch && `${checked.mismatch ? "out" : "lse"}${mismatch}`,
  };
}

/** One head's rows, densely: a slice where they lie together, else picked from the whole batch. */
async function headOf(t: Tensor, batch: number, head: number): Promise<Float32Array> {
  const heads = t.slice(batch, batch + 1).transpose([1, 0, 2, 3]);
  return (await heads.slice(head, head + 1).read()) as Float32Array;
}
