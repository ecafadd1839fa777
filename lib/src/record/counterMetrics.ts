/** What a counter counts, in the words of a table, and ncu's names of the metrics that are added up for it. */
export interface CounterQuantity {
  readonly id: string;
  readonly label: string;
  /** Metric names with their weights: an FMA counts as two operations. */
  readonly terms: Readonly<Record<string, number>>;
}

const global = (what: string, op: string) => `l1tex__t_${what}_pipe_lsu_mem_global_op_${op}.sum`;
const shared = (what: string, op: string) => `l1tex__data_${what}_mem_shared_op_${op}.sum`;
const threads = (op: string) => `smsp__sass_thread_inst_executed_op_${op}_pred_on.sum`;

const one = (id: string, label: string, metric: string): CounterQuantity => ({
  id,
  label,
  terms: { [metric]: 1 },
});

/**
 * The quantities that the lens predicts and ncu measures. A sector is 32 bytes that a request touches; a wavefront is
 * one pass of a request through shared memory; conflicts are the wavefronts beyond those needed without any.
 */
export const counterQuantities: readonly CounterQuantity[] = [
  one("globalLoadRequests", "global load requests", global("requests", "ld")),
  one("globalLoadSectors", "global load sectors", global("sectors", "ld")),
  one("globalStoreRequests", "global store requests", global("requests", "st")),
  one("globalStoreSectors", "global store sectors", global("sectors", "st")),
  one("sharedLoadWavefronts", "shared load wavefronts", shared("pipe_lsu_wavefronts", "ld")),
  one("sharedStoreWavefronts", "shared store wavefronts", shared("pipe_lsu_wavefronts", "st")),
  one("sharedLoadConflicts", "shared load conflicts", shared("bank_conflicts_pipe_lsu", "ld")),
  one("sharedStoreConflicts", "shared store conflicts", shared("bank_conflicts_pipe_lsu", "st")),
  {
    id: "flops",
    label: "FLOPs (f32)",
    terms: { [threads("fadd")]: 1, [threads("fmul")]: 1, [threads("ffma")]: 2 },
  },
];

/** Metrics that explain a difference; a GPU that has not got one is asked without it. */
export const explainingMetrics: readonly string[] = [
  "smsp__inst_executed_op_ldgsts.sum",
  "sm__sass_l1tex_t_sectors_pipe_lsu_mem_global_op_ldgsts_cache_access.sum",
  "sm__sass_l1tex_t_sectors_pipe_lsu_mem_global_op_ldgsts_cache_bypass.sum",
  "smsp__sass_l1tex_data_pipe_lsu_wavefronts_mem_shared_op_ldgsts.sum",
  "smsp__sass_l1tex_data_pipe_lsu_wavefronts_mem_shared_op_ld.sum",
  "smsp__sass_l1tex_data_pipe_lsu_wavefronts_mem_shared_op_st.sum",
  "smsp__inst_executed_op_shared_ld.sum",
  "smsp__inst_executed_op_shared_st.sum",
  "smsp__inst_executed_op_shared_atom.sum",
  "smsp__inst_executed_op_ldsm.sum",
  global("sectors", "red"),
  global("sectors", "atom"),
  "l1tex__t_sectors_pipe_lsu_mem_local_op_ld.sum",
  "l1tex__t_sectors_pipe_lsu_mem_local_op_st.sum",
  "l1tex__data_pipe_lsu_wavefronts_mem_shared.sum",
  "l1tex__data_bank_conflicts_pipe_lsu_mem_shared.sum",
];

/** The metrics that `lab.counters` reads when none are named. */
export const defaultMetrics: readonly string[] = [
  ...new Set(counterQuantities.flatMap(({ terms }) => Object.keys(terms))),
];

/**
 * What a record keeps of the hardware beside the default metrics: traffic of the memory bus, the share of its peak and of
 * the multiprocessors' that the launch reached, the warps active meanwhile, and its time under the profiler.
 */
export const recordMetrics: readonly string[] = [
  ...defaultMetrics,
  "dram__bytes_read.sum",
  "dram__bytes_write.sum",
  "dram__throughput.avg.pct_of_peak_sustained_elapsed",
  "sm__throughput.avg.pct_of_peak_sustained_elapsed",
  "sm__warps_active.avg.pct_of_peak_sustained_active",
  "gpu__time_duration.sum",
];

/** The value of a quantity from counters by metric name; null where one of them is missing. */
export function quantityOf(
  quantity: CounterQuantity,
  metrics: Readonly<Record<string, number | null>>,
): number | null {
  let sum = 0;
  for (const [name, weight] of Object.entries(quantity.terms)) {
    const value = metrics[name];
    if (value === null || value === undefined) return null;
    sum += weight * value;
  }
  return sum;
}
