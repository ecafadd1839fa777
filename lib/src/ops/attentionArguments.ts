import { ceilDiv } from "../core/shape";
import type { KernelArg, StructArg } from "../runtime/pack";
import { Tensor } from "../runtime/tensor";
import { type TensorMap, tensorMap } from "../runtime/tensorMap";
import type { AttentionCase } from "./attentionCase";

/** The tensors of an attention, each with the axes [batch, head, row, head dim] whatever its strides; lse without the last. */
export interface AttentionTensors {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly out: Tensor;
  readonly lse: Tensor;
}

/** A problem's tensors with their axes in the usual order: views, where rows come before heads in memory. */
export function viewsOf(t: Readonly<Record<string, Tensor>>, c: AttentionCase): AttentionTensors {
  const view = (name: string) => (c.layout === "bhsd" ? t[name]! : t[name]!.transpose([0, 2, 1, 3]));
  return { q: view("q"), k: view("k"), v: view("v"), out: view("out"), lse: t.lse! };
}

/** The kernels' `AttentionShape`. */
export function shapeArgument({ q, k, v, out }: AttentionTensors, c: AttentionCase): StructArg {
  const strides = (name: string, tensor: Tensor) => ({
    [`${name}Batch`]: BigInt(tensor.strides[0]!),
    [`${name}Head`]: BigInt(tensor.strides[1]!),
    [`${name}Row`]: BigInt(tensor.strides[2]!),
  });
  return {
    batch: c.batch,
    heads: c.heads,
    group: c.heads / c.keyHeads,
    queries: c.queries,
    keys: c.keys,
    scale: c.scale,
    ...strides("query", q),
    ...strides("key", k),
    ...strides("value", v),
    ...strides("out", out),
  };
}

/** Arguments of the rungs that read through pointers: q, k, v, out, lse, shape. */
export function plainArguments(t: AttentionTensors, c: AttentionCase): KernelArg[] {
  return [t.q, t.k, t.v, t.out, t.lse, shapeArgument(t, c)];
}

/** What the rungs that read through TMA are given. */
export interface HopperArguments {
  /** Tiles of `queryRows` queries of all heads: blocks, or pieces of work of the blocks that stay. */
  readonly tiles: number;
  /** Maps of q, k, v and out, then lse. */
  readonly tensors: readonly KernelArg[];
  readonly shape: StructArg;
  /** Heads whose keys and values share the L2 cache. */
  readonly section: number;
}

/**
 * Arguments of the rungs that read through TMA, for tiles of so many queries and keys.
 *
 * @param queryBox rows and panels of 64 head dims that one load of queries brings
 */
export function hopperArguments(
  t: AttentionTensors,
  c: AttentionCase,
  rows: { readonly query: number; readonly key: number },
  queryBox: readonly [rows: number, panels: number] = [rows.query, c.headDim / 64],
): HopperArguments {
  const map = (tensor: Tensor, boxRows: number, panelCount = c.headDim / 64): TensorMap =>
    tensorMap(panels(tensor), { box: [1, 1, panelCount, boxRows, 64], swizzle: 128 });
  // 32 MiB of keys and values, in heads by powers of two: FlashAttention-3's rule.
  const headBytes = 2 * c.keys * c.headDim * 2;
  return {
    tiles: ceilDiv(c.queries, rows.query) * c.batch * c.heads,
    tensors: [map(t.q, ...queryBox), map(t.k, rows.key), map(t.v, rows.key), map(t.out, 64, 1), t.lse],
    shape: shapeArgument(t, c),
    section: Math.max(1, 2 ** Math.floor(Math.log2(2 ** 25 / headBytes))),
  };
}

/** [batch, head, row, dim] seen as [batch, head, dim / 64, row, 64]: panels as wide as the 128-byte swizzle. */
function panels(t: Tensor): Tensor {
  const [batch, heads, rows, dim] = t.shape as [number, number, number, number];
  const [perBatch, perHead, perRow] = t.strides as [number, number, number, number];
  return new Tensor(
    t.device,
    t.storage,
    t.dtype,
    [batch, heads, dim / 64, rows, 64],
    [perBatch, perHead, 64, perRow, 1],
    t.offset,
  );
}
