import type { LensBulk, LensProduct } from "./report";

/** Bulk copies that one place asks for, as native/simt/lens/unit_counts.cc counts them. */
export interface RawBulk extends LensBulk {
  readonly pc: number;
  readonly calls: readonly number[];
}

/** Products of one shape that one place issues, likewise. */
export interface RawProduct extends Omit<LensProduct, "operations"> {
  readonly pc: number;
  readonly calls: readonly number[];
}

/** Rows of D and k of one wgmma of 16-bit elements, and the warps that execute it. */
const productRows = 64;
const productDepth = 16;
const productWarps = 4;

/** Adds bulk copies to those of their line: a helper may be inlined at several places of it. */
export function addBulk(copies: LensBulk[], raw: RawBulk): void {
  const { op, instructions, sharedBytes, bytes, sectors, ideal } = raw;
  merge(copies, { op, instructions, sharedBytes, bytes, sectors, ideal }, (one) => one.op === op);
}

/** Adds products to those of their line, with their operations: a multiply-add is two. */
export function addProduct(products: LensProduct[], raw: RawProduct): void {
  const { source, registers, n, warps, bytes, wavefronts, ideal } = raw;
  const operations = (warps / productWarps) * 2 * productRows * n * productDepth;
  const same = (one: LensProduct): boolean =>
    one.source === source && one.registers === registers && one.n === n;
  merge(products, { source, registers, n, warps, bytes, wavefronts, ideal, operations }, same);
}

/** Adds the counts of one to those of the like one that is there; `n` tells what is alike, and stays. */
function merge<T extends object>(list: T[], more: T, same: (one: T) => boolean): void {
  const at = list.findIndex(same);
  if (at < 0) {
    list.push(more);
    return;
  }
  const before = list[at]! as Record<string, unknown>;
  const sums = Object.entries(more).map(([name, value]) => {
    const added = typeof value === "number" && name !== "n";
    return [name, added ? value + Number(before[name]) : value];
  });
  list[at] = Object.fromEntries(sums) as T;
}

/**
 * ncu's names, on a Hopper GPU, of what bulk copies move. A load's bytes and sectors are what L2 gives for it, once also
 * where a multicast takes them to several blocks.
 */
export function bulkMetrics({ op, instructions, bytes, sectors }: LensBulk): Record<string, number> {
  const way = op === "ld" ? "l1tex__m_xbar2l1tex_read" : "l1tex__m_l1tex2xbar_write";
  return {
    [`smsp__sass_inst_executed_op_tma_${op}.sum`]: instructions,
    [`${way}_bytes_mem_global_op_tma_${op}.sum`]: bytes,
    [`${way}_sectors_mem_global_op_tma_${op}.sum`]: sectors,
  };
}

/**
 * Metrics of wgmma. ncu counts its instructions; for its operands' bytes and wavefronts, and its operations, it has no
 * counter (`sm__ops_path_tensor_*` leaves wgmma out), and the names are the lens's own.
 */
export function productMetrics({
  source,
  warps,
  bytes,
  wavefronts,
  operations,
}: LensProduct): Record<string, number> {
  return {
    "sm__inst_executed_pipe_tensor_op_gmma.sum": warps,
    wgmma_shared_bytes: bytes,
    wgmma_shared_wavefronts: wavefronts,
    [`wgmma_operations_${source}`]: operations,
  };
}
