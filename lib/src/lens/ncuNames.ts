import { arithmetic, type Operations } from "./operations";
import type { LensRequests } from "./report";

/** ncu's names of what one instruction's requests add up to, per memory and kind of access. */
export function accessMetrics(access: LensRequests): Record<string, number> {
  const { kind, space, requests, cost, ideal } = access;
  if (space === "global") {
    // cp.async (LDGSTS) is a load to ncu's requests and sectors, as measured on an H200.
    const op = kind === "ldgsts" ? "ld" : kind;
    return {
      [`l1tex__t_requests_pipe_lsu_mem_global_op_${op}.sum`]: requests,
      [`l1tex__t_sectors_pipe_lsu_mem_global_op_${op}.sum`]: cost,
    };
  }
  if (space === "dshared")
    return { [`smsp__sass_inst_executed_op_dshared_${kind === "red" ? "atom" : kind}.sum`]: requests };
  if (space !== "shared") return {};
  // ldmatrix is a load to ncu's wavefronts; an instruction of its own beside.
  const op = kind === "ldsm" ? "ld" : kind === "red" ? "atom" : kind;
  return {
    [`l1tex__data_pipe_lsu_wavefronts_mem_shared_op_${op}.sum`]: cost,
    [`l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_${op}.sum`]: cost - ideal,
    [kind === "ldsm" ? "smsp__inst_executed_op_ldsm.sum" : `smsp__inst_executed_op_shared_${op}.sum`]:
      requests,
  };
}

/** ncu's names of counted arithmetic. */
export function arithmeticMetrics(operations: Operations): Record<string, number> {
  const named: Record<string, number> = {};
  for (const kind of arithmetic) {
    const count = operations[kind];
    if (count !== undefined && kind !== "special")
      named[`smsp__sass_thread_inst_executed_op_${kind}_pred_on.sum`] = count;
  }
  return named;
}

/** ncu's names of branches: of those whose warp split, and of the others. */
export function branchMetrics(executed: number, divergent: number): Record<string, number> {
  if (executed === 0) return {};
  return {
    "smsp__sass_branch_targets_threads_divergent.sum": divergent,
    "smsp__sass_branch_targets_threads_uniform.sum": executed - divergent,
  };
}

/** Adds numbers up by name. */
export function addInto<K extends string>(
  sums: Partial<Record<K, number>>,
  more: Readonly<Partial<Record<K, number>>>,
  times = 1,
): void {
  for (const [name, value] of Object.entries(more) as [K, number][])
    sums[name] = (sums[name] ?? 0) + value * times;
}
